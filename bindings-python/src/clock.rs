//! A clock in a test's hand.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use orchestrator_core::clock::{Clock, Sources};
use orchestrator_protocol::Timestamp;
use pyo3::prelude::*;
use tokio::sync::watch;

use crate::failure::Failure;

/// Where it starts: the first moment of 2026.
const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

#[derive(Debug)]
struct Hands {
    now: watch::Sender<Timestamp>,
}

#[async_trait]
impl Clock for Hands {
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

/// A clock that stands still until it is moved.
#[pyclass(frozen)]
pub(crate) struct ManualClock {
    hands: Arc<Hands>,
}

impl ManualClock {
    pub(crate) fn sources(&self) -> Sources {
        Sources {
            clock: self.hands.clone(),
            ..Sources::default()
        }
    }
}

#[pymethods]
impl ManualClock {
    #[new]
    fn new() -> Self {
        Self {
            hands: Arc::new(Hands {
                now: watch::Sender::new(START),
            }),
        }
    }

    /// Moves it forward.
    fn advance(&self, seconds: f64) -> PyResult<()> {
        let duration = Duration::try_from_secs_f64(seconds)
            .map_err(|error| Failure::invalid(format!("seconds: {seconds}: {error}")).raise())?;
        self.hands.now.send_modify(|now| *now = now.plus(duration));
        Ok(())
    }

    /// Its time, as RFC 3339.
    fn now(&self) -> String {
        self.hands.now.borrow().to_string()
    }
}
