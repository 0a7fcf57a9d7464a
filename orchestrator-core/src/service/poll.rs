//! Looking again and again, however much else happens.

use std::time::Duration;

use orchestrator_protocol::Timestamp;

use crate::clock::Clock;

/// A look that is due at regular times. It keeps its time while something else is waited for as well, and a clock that is
/// set back does not put it off.
#[derive(Debug)]
pub(super) struct Poll {
    every: Duration,
    at: Timestamp,
}

impl Poll {
    /// Due for the first time when so much time has passed.
    pub(super) fn new(every: Duration, now: Timestamp) -> Self {
        Self {
            every,
            at: now.plus(every),
        }
    }

    /// Returns when it is due.
    ///
    /// # Cancel safety
    ///
    /// It stays due when the future is dropped.
    pub(super) async fn due(&mut self, clock: &dyn Clock) {
        let rest = self.rest(clock.now());
        clock.sleep(rest).await;
    }

    fn rest(&mut self, now: Timestamp) -> Duration {
        self.at = self.at.min(now.plus(self.every));
        self.at.since(now)
    }

    /// Looked: due again when so much time has passed.
    pub(super) fn done(&mut self, now: Timestamp) {
        self.at = now.plus(self.every);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn keeps_its_time_also_when_clocks_jump() {
        let every = Duration::from_secs(10);
        let mut poll = Poll::new(every, at(1000));
        assert_eq!(poll.rest(at(1004)), Duration::from_secs(6));
        assert_eq!(poll.rest(at(1010)), Duration::ZERO);
        assert_eq!(poll.rest(at(5000)), Duration::ZERO);
        poll.done(at(5000));
        assert_eq!(poll.rest(at(1000)), every, "set back by far more than it waits");
        assert_eq!(
            poll.rest(at(1007)),
            Duration::from_secs(3),
            "and not put off by that again"
        );
    }
}
