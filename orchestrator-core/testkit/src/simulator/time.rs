//! Simulated time: Tokio's paused clock, wall clocks that jump, and machines that stand still.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use orchestrator_core::clock::Clock;
use orchestrator_protocol::Timestamp;
use tokio::{sync::Notify, time::Instant};

use crate::clock::START;

/// The wall clock of the machine that the store lives on. Waiting takes simulated time; what the clock shows can jump.
#[derive(Debug)]
pub struct WallClock {
    begin: Instant,
    offset: AtomicI64,
}

impl WallClock {
    /// A clock that shows [`START`] now. Inside of a Tokio runtime with paused time.
    pub fn new() -> Self {
        Self {
            begin: Instant::now(),
            offset: AtomicI64::new(0),
        }
    }

    /// How long the simulation has lasted.
    pub fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Sets the clock forward, or back.
    pub fn jump(&self, micros: i64) {
        self.offset.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let micros = START.plus(self.elapsed()).as_micros();
        Timestamp::from_micros(micros + self.offset.load(Ordering::Relaxed))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A machine that workers live on: it can stand still, as a process does that is stopped, swapped out or migrated.
#[derive(Debug, Clone)]
pub struct Machine {
    state: Arc<MachineState>,
}

/// Not a watch channel: that wakes those who wait in an order of its own, which no seed decides.
#[derive(Debug)]
struct MachineState {
    still: AtomicBool,
    thawed: Notify,
}

impl Machine {
    /// A machine that moves.
    pub fn new() -> Self {
        Self {
            state: Arc::new(MachineState {
                still: AtomicBool::new(false),
                thawed: Notify::new(),
            }),
        }
    }

    /// Lets nothing on it go on.
    pub fn freeze(&self) {
        self.state.still.store(true, Ordering::Relaxed);
    }

    /// Lets everything go on.
    pub fn thaw(&self) {
        self.state.still.store(false, Ordering::Relaxed);
        self.state.thawed.notify_waiters();
    }

    /// Returns when the machine moves: at once, most of the time.
    pub async fn moving(&self) {
        while self.state.still.load(Ordering::Relaxed) {
            self.state.thawed.notified().await;
        }
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

/// The clock of a machine: a little off, and no sleep on it ends while the machine stands still.
#[derive(Debug)]
pub struct MachineClock {
    /// The right time.
    pub wall: Arc<WallClock>,
    /// The machine.
    pub machine: Machine,
    /// How far it is off, in microseconds.
    pub skew: i64,
}

#[async_trait]
impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.wall.now().as_micros() + self.skew)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
        self.machine.moving().await;
    }
}
