//! How long to wait before connecting again.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

/// The wait after the first failure.
const FIRST: Duration = Duration::from_millis(50);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(5);

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

    /// The next wait: twice the one before, of which up to half is taken off.
    pub(crate) fn next(&mut self) -> Duration {
        let failures = self.failures;
        self.failures = failures.saturating_add(1);
        if failures == 0 {
            return Duration::ZERO;
        }
        let doubled = 1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX);
        let full = FIRST.saturating_mul(doubled).min(LONGEST);
        full.mul_f64(1.0 - 0.5 * spread(&self.seed, failures))
    }
}

/// A number from 0 to 1 that the seed and the count decide.
fn spread(seed: &[u8; 16], count: u32) -> f64 {
    let mut hasher = DefaultHasher::new();
    (seed, count).hash(&mut hasher);
    hasher.finish() as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_begin_anew_after_success() {
        let mut backoff = Backoff::new([1; 16]);
        for _ in 0..2 {
            assert_eq!(backoff.next(), Duration::ZERO);
            for n in 0..200 {
                let full = FIRST.saturating_mul(1 << n.min(20)).min(LONGEST);
                let wait = backoff.next();
                assert!(wait <= full && wait >= full / 2, "{n}: {wait:?} of {full:?}");
            }
            backoff.reset();
        }
    }

    #[test]
    fn no_two_come_back_in_step() {
        let waits = |seed| {
            let mut backoff = Backoff::new([seed; 16]);
            (0..10).map(|_| backoff.next()).collect::<Vec<_>>()
        };
        assert_ne!(waits(1), waits(2));
        assert_eq!(waits(1), waits(1));
    }
}
