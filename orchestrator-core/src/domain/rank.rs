//! The order of ready tasks within a lane.

use orchestrator_protocol::Timestamp;

/// How long a task of one priority must have waited to go before a fresh one of the next higher priority: ten minutes.
///
/// The age is thus part of a rank that never changes while the task waits, and nothing starves.
pub const PRIORITY_STEP_US: i64 = 600_000_000;

/// Where a task stands: the smaller goes first. Equal ranks go in the order of submission.
///
/// ```
/// use orchestrator_core::domain::rank::rank;
/// use orchestrator_protocol::Timestamp;
///
/// let now = Timestamp::from_micros(1_000_000_000);
/// assert!(rank(1, now) < rank(5, now));
/// ```
pub fn rank(priority: u8, ready_at: Timestamp) -> i64 {
    ready_at.as_micros() + (i64::from(priority.clamp(1, 10)) - 1) * PRIORITY_STEP_US
}

/// When a task of a rank became ready.
pub fn ready_at(rank: i64, priority: u8) -> Timestamp {
    Timestamp::from_micros(rank - (i64::from(priority.clamp(1, 10)) - 1) * PRIORITY_STEP_US)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Priority first among those that came together; age beats it in the end.
        #[test]
        fn urgent_first_but_nothing_starves(urgent in 1..10_u8, later in 1..10_u8, at in 0..1_i64 << 50) {
            let idle = urgent + later.min(10 - urgent);
            let now = Timestamp::from_micros(at);
            prop_assert!(rank(urgent, now) < rank(idle, now));
            prop_assert_eq!(ready_at(rank(urgent, now), urgent), now);
            let steps = i64::from(idle - urgent);
            let much_later = Timestamp::from_micros(at + steps * PRIORITY_STEP_US + 1);
            prop_assert!(rank(idle, now) < rank(urgent, much_later));
        }
    }
}
