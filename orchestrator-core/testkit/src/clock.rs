//! Time and ids in the test's hand.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use orchestrator_core::clock::{Clock, Ids};
use orchestrator_protocol::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

/// When a manual clock starts: the first moment of 2026.
pub const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// A clock that stands still until it is moved. Sleeps end when it is moved past their end.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self {
            now: watch::Sender::new(START),
        }
    }
}

impl ManualClock {
    /// Moves it forward.
    pub fn advance(&self, duration: Duration) {
        self.now.send_modify(|now| *now = now.plus(duration));
    }

    /// Sets it, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.now.send_replace(now);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep(&self, duration: Duration) {
        let mut now = self.now.subscribe();
        let until = now.borrow_and_update().plus(duration);
        // The sender lives as long as the clock, which the caller holds.
        let _ = now.wait_for(|now| *now >= until).await;
    }
}

/// Ids that are the same in every run of one seed, and grow.
#[derive(Debug)]
pub struct SeededIds {
    state: Mutex<(u64, u64)>,
}

impl SeededIds {
    /// The ids of a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            state: Mutex::new((seed, 0)),
        }
    }
}

impl Ids for SeededIds {
    fn uuid(&self) -> Uuid {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 += 1;
        let millis = START.as_micros() as u64 / 1000 + state.1;
        let mut random = [0_u8; 10];
        random[..8].copy_from_slice(&splitmix(&mut state.0).to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// The next number of a sequence that is as random as tests need.
pub fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
