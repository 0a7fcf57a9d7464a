//! How much gets done, and what stands in line.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use orchestrator_protocol::{Minute, QueueStats, Throughput, Timestamp};

/// How far back minutes are told.
pub const TOLD: Duration = Duration::from_hours(1);

/// How far a line is counted: its length says no more from there on, and costs more the longer it is.
pub const COUNTED: u64 = 10_000;

const MINUTE_US: i64 = 60_000_000;

/// The number of the minute that a moment is in, since 1970.
pub fn minute(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(MINUTE_US)
}

/// When a minute began.
pub fn beginning(minute: i64) -> Timestamp {
    Timestamp::from_micros(minute.saturating_mul(MINUTE_US))
}

/// How much gets done, of what happened minute by minute: this minute and the one before it give the rate.
pub fn throughput(mut minutes: Vec<Minute>, now: Timestamp) -> Throughput {
    minutes.sort_by_key(|minute| minute.at);
    let begun = beginning(minute(now) - 1);
    // At least a minute, wherever the clock stands.
    let seconds = now.since(begun).as_secs_f64().max(60.0);
    let recent = minutes.iter().filter(|minute| minute.at >= begun);
    let (submitted, finished) = recent.fold((0, 0), |(submitted, finished), minute| {
        let ended = minute.succeeded + minute.failed + minute.cancelled;
        (submitted + minute.submitted, finished + ended)
    });
    Throughput {
        submitted_per_s: submitted as f64 / seconds,
        finished_per_s: finished as f64 / seconds,
        minutes,
    }
}

/// A lane's line: the type of its tasks, how many are ready, and since when the next one waits.
pub type Line = (String, u64, Timestamp);

/// The lines of all lanes by type, the one that has waited longest first.
pub fn queues(lines: impl IntoIterator<Item = Line>, now: Timestamp) -> Vec<QueueStats> {
    let mut types: BTreeMap<String, (u64, Timestamp)> = BTreeMap::new();
    for (task_type, ready, since) in lines {
        let (n, oldest) = types.entry(task_type).or_insert((0, since));
        *n += ready;
        *oldest = since.min(*oldest);
    }
    let mut queues: Vec<_> = types.into_iter().collect();
    queues.sort_by_key(|(_, (n, since))| (*since, Reverse(*n)));
    let told = |(task_type, (ready, since)): (String, (u64, Timestamp))| QueueStats {
        task_type,
        ready,
        oldest_s: now.since(since).as_secs_f64(),
    };
    queues.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::Usd;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn of(minute: i64, submitted: u64, succeeded: u64) -> Minute {
        Minute {
            at: beginning(minute),
            submitted,
            succeeded,
            failed: 1,
            cancelled: 1,
            tokens: 0,
            cost_usd: Usd::default(),
        }
    }

    #[test]
    fn a_rate_is_of_this_minute_and_the_one_before() {
        // 30 seconds into minute 10.
        let got = throughput(vec![of(10, 30, 8), of(8, 500, 500), of(9, 60, 88)], at(630));
        assert!((got.submitted_per_s - 1.0).abs() < 1e-9, "{got:?}");
        assert!((got.finished_per_s - 100.0 / 90.0).abs() < 1e-9, "{got:?}");
        let order: Vec<i64> = got.minutes.iter().map(|m| minute(m.at)).collect();
        assert_eq!(order, [8, 9, 10]);
    }

    #[test]
    fn nothing_is_no_rate() {
        let got = throughput(Vec::new(), at(0));
        assert_eq!((got.submitted_per_s, got.finished_per_s), (0.0, 0.0));
    }

    #[test]
    fn lanes_of_a_type_are_one_queue() {
        let lines = [
            ("b".to_owned(), 2, at(90)),
            ("a".to_owned(), 3, at(50)),
            ("a".to_owned(), 4, at(40)),
        ];
        let got = queues(lines, at(100));
        let told: Vec<_> = got.iter().map(|q| (&*q.task_type, q.ready, q.oldest_s)).collect();
        assert_eq!(told, [("a", 7, 60.0), ("b", 2, 10.0)]);
    }
}
