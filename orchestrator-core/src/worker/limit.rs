//! How long a task may run and be silent.

use std::time::Duration;

use orchestrator_protocol::{NewTask, Timestamp};

/// How long one attempt may run and be silent on this worker. Time in which it is suspended does not count.
#[derive(Debug)]
pub(crate) struct Limits {
    timeout: Option<Duration>,
    silence: Option<Duration>,
    /// How long it ran before it was last suspended.
    ran: Duration,
    /// When it started or went on.
    since: Timestamp,
}

impl Limits {
    pub(crate) fn new(spec: &NewTask, now: Timestamp) -> Self {
        let duration = |seconds: Option<f64>| seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
        Self {
            timeout: duration(spec.timeout_s),
            silence: duration(spec.silence_timeout_s),
            ran: Duration::ZERO,
            since: now,
        }
    }

    pub(crate) fn pause(&mut self, now: Timestamp) {
        self.ran += now.since(self.since);
    }

    pub(crate) fn go_on(&mut self, now: Timestamp) {
        self.since = now;
    }

    /// When the next limit is reached, given the last sign of life.
    pub(crate) fn next(&self, last_word: Timestamp) -> Option<Timestamp> {
        let timeout = self.timeout.map(|t| self.since.plus(t.saturating_sub(self.ran)));
        let silence = self.silence.map(|s| last_word.max(self.since).plus(s));
        timeout.into_iter().chain(silence).min()
    }

    /// The limit that is reached, in words.
    pub(crate) fn reached(&self, now: Timestamp, last_word: Timestamp) -> Option<String> {
        if let Some(timeout) = self.timeout
            && self.ran + now.since(self.since) >= timeout
        {
            return Some(format!("it ran longer than its timeout_s of {}", timeout.as_secs_f64()));
        }
        let silence = self.silence?;
        (now.since(last_word.max(self.since)) >= silence).then(|| {
            format!(
                "it wrote nothing for longer than its silence_timeout_s of {}",
                silence.as_secs_f64()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::{Json, NewTask, Timestamp};

    use super::Limits;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn suspended_time_does_not_count() {
        let mut task = NewTask::new("t", Json::NULL);
        task.timeout_s = Some(10.0);
        let mut limits = Limits::new(&task, at(0));
        limits.pause(at(8));
        limits.go_on(at(1_000));
        assert_eq!(limits.next(at(0)), Some(at(1_002)));
        assert_eq!(limits.reached(at(1_001), at(0)), None);
        assert!(limits.reached(at(1_002), at(0)).is_some());
    }

    #[test]
    fn silence_counts_from_the_last_word() {
        let mut task = NewTask::new("t", Json::NULL);
        task.silence_timeout_s = Some(5.0);
        let limits = Limits::new(&task, at(0));
        assert_eq!(limits.next(at(3)), Some(at(8)));
        assert!(limits.reached(at(8), at(3)).is_some());
        assert_eq!(limits.reached(at(8), at(4)), None);
    }
}
