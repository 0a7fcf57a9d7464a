//! Which heartbeats are news to those who watch: a fleet of thousands must not fill the bus with what did not change.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use orchestrator_protocol::{Load, Timestamp, WorkerId};

/// What is told of one worker in so short a time is one piece of news; its next heartbeat tells the rest.
const SOONEST: Duration = Duration::from_secs(1);

/// After so long something is told even if nothing changed, for those who have missed it.
const LATEST: Duration = Duration::from_secs(15);

/// How far a percentage moves before that is news.
const MOVED: f64 = 3.0;

/// After how long it is forgotten what was told of a worker that is silent.
const FORGET: Duration = Duration::from_mins(10);

/// What was last told of each worker.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<BTreeMap<WorkerId, Said>>);

#[derive(Debug, Clone, Copy)]
struct Said {
    at: Timestamp,
    running: usize,
    load: Load,
}

impl Told {
    /// Whether this is to be told, which is then taken for done.
    pub(super) fn is_news(&self, worker: WorkerId, running: usize, load: Load, at: Timestamp) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Said { at, running, load };
        if let Some(before) = told.get_mut(&worker) {
            let news = before.is_outdated_by(&now);
            if news {
                *before = now;
            }
            return news;
        }
        told.retain(|_, said| at.since(said.at) < FORGET);
        told.insert(worker, now);
        true
    }
}

impl Said {
    fn is_outdated_by(&self, now: &Self) -> bool {
        let age = now.at.since(self.at);
        let changed = self.running != now.running
            || moved(self.load.cpu_percent, now.load.cpu_percent)
            || moved(self.load.memory_percent, now.load.memory_percent)
            || moved(self.load.disk_percent, now.load.disk_percent);
        age >= LATEST || (changed && age >= SOONEST)
    }
}

fn moved(before: Option<f64>, now: Option<f64>) -> bool {
    match (before, now) {
        (Some(before), Some(now)) => (before - now).abs() >= MOVED,
        (before, now) => before != now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(percent: f64) -> Load {
        Load {
            cpu_percent: Some(percent),
            ..Load::default()
        }
    }

    #[test]
    fn what_did_not_change_is_no_news() {
        let told = Told::default();
        let worker = |n| WorkerId::from_uuid(uuid::Uuid::from_u128(n));
        let at = |seconds: u64| Timestamp::EPOCH.plus(Duration::from_secs(seconds));
        assert!(told.is_news(worker(1), 0, cpu(10.0), at(0)), "the first word");
        assert!(!told.is_news(worker(1), 0, cpu(12.9), at(5)));
        assert!(told.is_news(worker(1), 0, cpu(13.0), at(10)), "its load has moved");
        assert!(told.is_news(worker(1), 1, cpu(13.0), at(15)), "it runs something");
        assert!(
            !told.is_news(worker(1), 2, cpu(13.0), at(15)),
            "at once: the next heartbeat says it"
        );
        assert!(told.is_news(worker(1), 2, cpu(13.0), at(20)));
        assert!(!told.is_news(worker(1), 2, cpu(13.0), at(34)));
        assert!(
            told.is_news(worker(1), 2, cpu(13.0), at(35)),
            "now and then in any case"
        );
        assert!(
            told.is_news(worker(1), 2, Load::default(), at(40)),
            "it says less than before"
        );
    }

    #[test]
    fn silent_workers_are_forgotten() {
        let told = Told::default();
        let at = |minutes: u64| Timestamp::EPOCH.plus(Duration::from_mins(minutes));
        for n in 0..100 {
            let worker = WorkerId::from_uuid(uuid::Uuid::from_u128(n));
            assert!(told.is_news(worker, 0, cpu(1.0), at(n as u64)));
        }
        assert_eq!(told.0.lock().expect("nobody panics").len(), 10);
    }
}
