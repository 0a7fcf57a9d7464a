//! Failures that pass: said once, waited out ever longer.

use std::time::Duration;

use crate::store::StoreError;

/// The first wait.
const FIRST: Duration = Duration::from_millis(100);

/// A failure that lasts. It is logged when it begins and when it is over; in between only who asks for details hears of
/// it.
#[derive(Debug)]
pub(super) struct Trouble {
    what: &'static str,
    failures: u32,
    longest: Duration,
}

impl Trouble {
    /// No trouble yet; if there is some, `what` could not be done.
    pub(super) fn new(what: &'static str, longest: Duration) -> Self {
        Self {
            what,
            failures: 0,
            longest,
        }
    }

    /// It failed. Says how long to wait.
    pub(super) fn met(&mut self, error: &StoreError) -> Duration {
        let what = self.what;
        if self.failures == 0 {
            tracing::warn!(%error, "{what}; trying again until it can");
        } else {
            tracing::debug!(%error, failures = self.failures, "{what} still");
        }
        let doubled = FIRST.saturating_mul(1 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        doubled.min(self.longest)
    }

    /// It worked.
    pub(super) fn over(&mut self) {
        if self.failures > 0 {
            tracing::info!(failures = self.failures, "over: {}", self.what);
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest_and_start_over() {
        let mut trouble = Trouble::new("it could not be done", Duration::from_secs(1));
        let error = StoreError::Unavailable("gone".to_owned());
        let waits: Vec<u128> = (0..40).map(|_| trouble.met(&error).as_millis()).collect();
        assert_eq!(waits[..5], [100, 200, 400, 800, 1000]);
        assert_eq!(waits[39], 1000);
        trouble.over();
        assert_eq!(trouble.met(&error), FIRST);
    }
}
