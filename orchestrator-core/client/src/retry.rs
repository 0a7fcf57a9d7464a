//! How long to wait before connecting again.

use std::time::Duration;

use orchestrator_core::domain::retry;
use orchestrator_protocol::RetryPolicy;

/// Waits that grow from 50 ms to 5 s, spread so that a fleet does not come back in step. The first try comes at once.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    seed: [u8; 16],
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(seed: [u8; 16]) -> Self {
        Self { seed, failures: 0 }
    }

    /// It worked.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The next wait.
    pub(crate) fn next(&mut self) -> Duration {
        let failures = self.failures;
        self.failures = failures.saturating_add(1);
        if failures == 0 {
            return Duration::ZERO;
        }
        let policy = RetryPolicy {
            max_attempts: u32::MAX,
            initial_backoff_s: 0.05,
            multiplier: 2.0,
            max_backoff_s: 5.0,
        };
        retry::backoff(&policy, failures, retry::jitter(&self.seed, failures))
    }
}
