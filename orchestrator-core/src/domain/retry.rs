//! What follows a failed attempt or a lost lease.

use std::time::Duration;

use orchestrator_protocol::{ErrorClass, RetryPolicy, SideEffects, TaskError};

/// How many leases in a row a task may lose before a person must look: it may be what kills its workers.
pub const MAX_LOSSES: u32 = 10;

/// The longest that a provider's Retry-After is believed: a day.
pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AfterFailure {
    /// Another attempt, no sooner than this from now.
    Retry(Duration),
    /// It has failed.
    Failed,
    /// A person must decide.
    NeedsAttention,
}

/// What follows the failure number `failures` (from 1) of a task. `jitter` is a number from 0 to 1 that spreads the
/// attempts of many tasks.
///
/// A rate-limited failure waits at least as long as the provider asked and is tried ten times as often as others,
/// since it says nothing about the task.
pub fn after_failure(policy: &RetryPolicy, failures: u32, error: &TaskError, jitter: f64) -> AfterFailure {
    let max_attempts = policy.max_attempts.max(1);
    let allowed = match error.class {
        ErrorClass::Terminal | ErrorClass::Cancelled => return AfterFailure::Failed,
        ErrorClass::NeedsAttention => return AfterFailure::NeedsAttention,
        ErrorClass::Retryable => max_attempts,
        ErrorClass::RateLimited if max_attempts == 1 => 1,
        ErrorClass::RateLimited => max_attempts.saturating_mul(10),
    };
    if failures >= allowed {
        return AfterFailure::Failed;
    }
    let wait = backoff(policy, failures, jitter);
    let asked = error
        .retry_after_s
        .and_then(|s| Duration::try_from_secs_f64(s).ok())
        .unwrap_or_default();
    AfterFailure::Retry(wait.max(asked.min(MAX_RETRY_AFTER)))
}

/// The wait after failure number `failures` (from 1): exponential, capped, with up to half taken off by `jitter`.
pub fn backoff(policy: &RetryPolicy, failures: u32, jitter: f64) -> Duration {
    let exponent = f64::from(failures.saturating_sub(1));
    let full = policy.initial_backoff_s.max(0.0) * policy.multiplier.max(1.0).powf(exponent);
    let capped = full.min(policy.max_backoff_s.max(0.0));
    let wait = capped * (1.0 - 0.5 * jitter.clamp(0.0, 1.0));
    Duration::try_from_secs_f64(wait).unwrap_or(Duration::ZERO)
}

/// What follows a lost lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterLoss {
    /// Run it again at once.
    Again,
    /// A person must decide.
    NeedsAttention(&'static str),
}

/// What follows the loss number `losses` (from 1) of a task's lease.
pub fn after_loss(side_effects: SideEffects, losses: u32) -> AfterLoss {
    match side_effects {
        SideEffects::Once => AfterLoss::NeedsAttention(
            "its worker was lost while it ran, and it may run only once; retry it if it did not take effect",
        ),
        _ if losses >= MAX_LOSSES => {
            AfterLoss::NeedsAttention("its worker was lost again and again while it ran; it may be what ends them")
        }
        _ => AfterLoss::Again,
    }
}

/// A number from 0 to 1 that is the same for the same task and failure: jitter that a test can repeat.
pub fn jitter(task: &[u8; 16], failures: u32) -> f64 {
    // FNV-1a: spread, not secrecy, is all that is asked of it.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in task.iter().copied().chain(failures.to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn retryable() -> TaskError {
        TaskError::retryable("no luck")
    }

    #[test]
    fn backoff_doubles_up_to_its_cap() {
        let policy = RetryPolicy {
            max_attempts: 9,
            initial_backoff_s: 1.0,
            multiplier: 2.0,
            max_backoff_s: 5.0,
        };
        let waits: Vec<f64> = (1..6).map(|n| backoff(&policy, n, 0.0).as_secs_f64()).collect();
        assert_eq!(waits, [1.0, 2.0, 4.0, 5.0, 5.0]);
        assert_eq!(backoff(&policy, 3, 1.0), Duration::from_secs(2));
    }

    #[test]
    fn classes_decide() {
        let policy = RetryPolicy::default();
        let after = |class, failures| after_failure(&policy, failures, &TaskError::new(class, ""), 0.0);
        assert!(matches!(after(ErrorClass::Retryable, 2), AfterFailure::Retry(_)));
        assert_eq!(after(ErrorClass::Retryable, 3), AfterFailure::Failed);
        assert_eq!(after(ErrorClass::Terminal, 1), AfterFailure::Failed);
        assert_eq!(after(ErrorClass::NeedsAttention, 1), AfterFailure::NeedsAttention);
        assert!(matches!(after(ErrorClass::RateLimited, 29), AfterFailure::Retry(_)));
        assert_eq!(after(ErrorClass::RateLimited, 30), AfterFailure::Failed);
        assert_eq!(
            after_failure(&RetryPolicy::never(), 1, &retryable(), 0.0),
            AfterFailure::Failed
        );
    }

    #[test]
    fn retry_after_is_honoured_within_reason() {
        let wait = |asked| {
            let error = TaskError {
                retry_after_s: Some(asked),
                ..TaskError::new(ErrorClass::RateLimited, "")
            };
            after_failure(&RetryPolicy::default(), 1, &error, 1.0)
        };
        assert_eq!(wait(17.0), AfterFailure::Retry(Duration::from_secs(17)));
        assert_eq!(wait(0.0), AfterFailure::Retry(Duration::from_millis(500)));
        assert_eq!(wait(1e12), AfterFailure::Retry(MAX_RETRY_AFTER));
        assert_eq!(wait(f64::NAN), AfterFailure::Retry(Duration::from_millis(500)));
    }

    #[test]
    fn a_lost_lease_runs_again_unless_it_must_not() {
        assert_eq!(after_loss(SideEffects::Idempotent, 1), AfterLoss::Again);
        assert!(matches!(after_loss(SideEffects::Once, 1), AfterLoss::NeedsAttention(_)));
        assert!(matches!(
            after_loss(SideEffects::None, MAX_LOSSES),
            AfterLoss::NeedsAttention(_)
        ));
    }

    proptest! {
        #[test]
        fn waits_are_within_half_and_whole(initial in 0.0..100.0_f64, multiplier in 1.0..10.0_f64, cap in 0.0..1e6_f64, n in 1..200_u32, j in 0.0..=1.0_f64) {
            let policy = RetryPolicy { max_attempts: 1, initial_backoff_s: initial, multiplier, max_backoff_s: cap };
            let (wait, whole) = (backoff(&policy, n, j).as_secs_f64(), backoff(&policy, n, 0.0).as_secs_f64());
            prop_assert!(whole <= cap + 1e-6);
            prop_assert!(wait <= whole + 1e-6 && wait >= whole / 2.0 - 1e-6);
        }

        #[test]
        fn jitter_is_a_fraction(task in any::<[u8; 16]>(), n in any::<u32>()) {
            prop_assert!((0.0..1.0).contains(&jitter(&task, n)));
        }
    }
}
