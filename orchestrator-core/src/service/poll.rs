//! Looking again and again, however much else happens.

use std::time::Duration;

use orchestrator_protocol::Timestamp;

use crate::clock::Clock;

/// A look that is due at regular times. It keeps its time while something else is waited for as well, and a clock that is
/// set back does not put it off.
#[derive(Debug)]
pub(super) struct Poll {
    at: Timestamp,
}

impl Poll {
    /// Due for the first time when so much time has passed.
    pub(super) fn new(every: Duration, now: Timestamp) -> Self {
        Self { at: now.plus(every) }
    }

    /// Returns when it is due, which is at most this long from now.
    ///
    /// # Cancel safety
    ///
    /// It stays due when the future is dropped.
    pub(super) async fn due(&mut self, every: Duration, clock: &dyn Clock) {
        let rest = self.rest(every, clock.now());
        clock.sleep(rest).await;
    }

    fn rest(&mut self, every: Duration, now: Timestamp) -> Duration {
        self.at = self.at.min(now.plus(every));
        self.at.since(now)
    }

    /// Looked: due again when so much time has passed.
    pub(super) fn done(&mut self, every: Duration, now: Timestamp) {
        self.at = now.plus(every);
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
        assert_eq!(poll.rest(every, at(1004)), Duration::from_secs(6));
        assert_eq!(poll.rest(every, at(1010)), Duration::ZERO);
        assert_eq!(poll.rest(every, at(5000)), Duration::ZERO);
        poll.done(every, at(5000));
        assert_eq!(poll.rest(every, at(1000)), every, "set back by far more than it waits");
        assert_eq!(
            poll.rest(every, at(1007)),
            Duration::from_secs(3),
            "and not put off by that again"
        );
        assert_eq!(poll.rest(every / 10, at(1007)), every / 10, "it may become due sooner");
    }
}
