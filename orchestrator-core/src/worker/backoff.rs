//! How long to wait before trying again what failed for want of a connection.

use std::time::Duration;

use orchestrator_protocol::RetryPolicy;
use uuid::Uuid;

use crate::{clock::Clock, domain::retry, store::StoreError};

/// Waits that grow from 50 ms to 5 s, spread so that a fleet does not come back in step.
#[derive(Debug)]
pub(crate) struct Backoff {
    seed: Uuid,
    failures: u32,
}

impl Backoff {
    /// The same seed gives the same waits.
    pub(crate) fn new(seed: Uuid) -> Self {
        Self { seed, failures: 0 }
    }

    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The next wait.
    pub(crate) fn next(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let policy = RetryPolicy {
            max_attempts: u32::MAX,
            initial_backoff_s: 0.05,
            multiplier: 2.0,
            max_backoff_s: 5.0,
        };
        retry::backoff(
            &policy,
            self.failures,
            retry::jitter(self.seed.as_bytes(), self.failures),
        )
    }
}

/// Calls until it succeeds or fails for good.
///
/// # Errors
///
/// The first error that is not transient.
pub(crate) async fn persist<T, F: Future<Output = Result<T, StoreError>>>(
    clock: &dyn Clock,
    seed: Uuid,
    mut call: impl FnMut() -> F,
) -> Result<T, StoreError> {
    let mut backoff = Backoff::new(seed);
    loop {
        match call().await {
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "will try again");
                clock.sleep(backoff.next()).await;
            }
            result => return result,
        }
    }
}
