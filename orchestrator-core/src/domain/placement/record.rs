//! What workers have shown: how tasks went on them, what that cost, and what they keep.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use orchestrator_protocol::{Timestamp, Usd, WorkerId};
use serde::{Deserialize, Serialize};

/// After this time what a worker has shown counts half.
const HALF_LIFE: Duration = Duration::from_hours(1);

/// How many workspaces a worker is known to keep: the ones that it used last.
const WORKSPACES: usize = 32;

/// How many workspaces are remembered in all.
const HOMES: usize = 4096;

/// The label of tasks that work in one place: those with the same value should run where it is.
pub const WORKSPACE: &str = "workspace";

/// How tasks of one type went on one worker. What is long past counts little.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// When the numbers were right.
    at: Timestamp,
    /// Attempts that ended by what the agent did.
    attempts: f64,
    /// Those of them that succeeded.
    successes: f64,
    /// US dollars spent by them.
    cost: f64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            at: Timestamp::EPOCH,
            attempts: 0.0,
            successes: 0.0,
            cost: 0.0,
        }
    }
}

impl Tally {
    /// The numbers as they count at a later moment.
    fn at(self, now: Timestamp) -> Self {
        let halves = now.since(self.at).as_secs_f64() / HALF_LIFE.as_secs_f64();
        let left = 0.5_f64.powf(halves);
        Self {
            at: self.at.max(now),
            attempts: self.attempts * left,
            successes: self.successes * left,
            cost: self.cost * left,
        }
    }

    fn add(&mut self, other: Self) {
        let at = self.at.max(other.at);
        let (a, b) = (self.at(at), other.at(at));
        *self = Self {
            at,
            attempts: a.attempts + b.attempts,
            successes: a.successes + b.successes,
            cost: a.cost + b.cost,
        };
    }

    /// The share of attempts that succeeded, from 0 to 1. Until there are some it is taken to be good, since a worker that
    /// is never tried never shows anything.
    pub fn success(&self, now: Timestamp) -> f64 {
        let tally = self.at(now);
        (tally.successes + 1.0) / (tally.attempts + 1.0)
    }

    /// US dollars an attempt; none where none has counted lately, or nothing was paid.
    pub fn cost(&self, now: Timestamp) -> Option<f64> {
        let tally = self.at(now);
        (tally.attempts >= 0.1 && tally.cost > 0.0).then(|| tally.cost / tally.attempts)
    }
}

/// What one worker has shown since it connected.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// By type of task.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tallies: BTreeMap<String, Tally>,
    /// The workspaces that it used, the latest last.
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    workspaces: VecDeque<String>,
}

impl Record {
    /// How tasks of a type went.
    pub fn tally(&self, task_type: &str) -> Tally {
        self.tallies.get(task_type).copied().unwrap_or_default()
    }

    /// Whether it keeps a workspace.
    pub fn keeps(&self, workspace: &str) -> bool {
        self.workspaces.iter().any(|kept| kept == workspace)
    }

    /// Whether it has shown nothing.
    pub fn is_empty(&self) -> bool {
        self.tallies.is_empty() && self.workspaces.is_empty()
    }

    fn tally_of(&mut self, task_type: &str) -> &mut Tally {
        if !self.tallies.contains_key(task_type) {
            self.tallies.insert(task_type.to_owned(), Tally::default());
        }
        self.tallies.get_mut(task_type).expect("it was just put there")
    }

    fn used(&mut self, workspace: &str) {
        if self.workspaces.back().is_some_and(|last| last == workspace) {
            return;
        }
        self.workspaces.retain(|kept| kept != workspace);
        self.workspaces.push_back(workspace.to_owned());
        if self.workspaces.len() > WORKSPACES {
            self.workspaces.pop_front();
        }
    }

    /// Adds what the worker has shown since.
    pub fn add(&mut self, news: Self) {
        for (task_type, tally) in news.tallies {
            self.tallies.entry(task_type).or_default().add(tally);
        }
        for workspace in news.workspaces {
            self.used(&workspace);
        }
    }
}

/// What workers have shown since their last heartbeats, by which it is added to their [`Record`]s; and who used which
/// workspace last. Kept in memory alone: losing it costs a worse choice, never work.
#[derive(Debug, Default)]
pub struct Observed {
    news: HashMap<WorkerId, Record>,
    homes: HashMap<String, WorkerId>,
    /// The workspaces of `homes`, the one that was first used first.
    order: VecDeque<String>,
}

impl Observed {
    /// An attempt has ended by what its agent did.
    pub fn ended(&mut self, worker: WorkerId, task_type: &str, succeeded: bool, now: Timestamp) {
        let tally = self.news.entry(worker).or_default().tally_of(task_type);
        tally.add(Tally {
            at: now,
            attempts: 1.0,
            successes: f64::from(u8::from(succeeded)),
            cost: 0.0,
        });
    }

    /// Something was spent by a task.
    pub fn spent(&mut self, worker: WorkerId, task_type: &str, cost: Usd, now: Timestamp) {
        if cost == Usd::ZERO {
            return;
        }
        let tally = self.news.entry(worker).or_default().tally_of(task_type);
        tally.add(Tally {
            at: now,
            cost: cost.as_dollars(),
            ..Tally::default()
        });
    }

    /// A worker was granted a task of a workspace.
    pub fn settled_in(&mut self, worker: WorkerId, workspace: &str) {
        if self.homes.get(workspace) == Some(&worker) {
            return;
        }
        self.news.entry(worker).or_default().used(workspace);
        if self.homes.insert(workspace.to_owned(), worker).is_none() {
            self.order.push_back(workspace.to_owned());
            if self.order.len() > HOMES
                && let Some(oldest) = self.order.pop_front()
            {
                self.homes.remove(&oldest);
            }
        }
    }

    /// Whether tasks with workspaces have been granted.
    pub fn has_homes(&self) -> bool {
        !self.homes.is_empty()
    }

    /// Who used a workspace last.
    pub fn home(&self, workspace: &str) -> Option<WorkerId> {
        self.homes.get(workspace).copied()
    }

    /// What a worker has shown since this was last asked.
    pub fn take(&mut self, worker: WorkerId) -> Option<Record> {
        self.news.remove(&worker)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn worker(number: u128) -> WorkerId {
        WorkerId::from_uuid(Uuid::from_u128(number))
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_micros(1_000_000_000 + hours * 3_600_000_000)
    }

    #[test]
    fn what_is_long_past_counts_little() {
        let mut observed = Observed::default();
        for _ in 0..8 {
            observed.ended(worker(1), "a", false, at(0));
        }
        let tally = observed.take(worker(1)).expect("news").tally("a");
        assert!(tally.success(at(0)) < 0.12);
        assert!((tally.success(at(3)) - 0.5).abs() < 1e-9, "8 failures count as one");
        assert!(tally.success(at(20)) > 0.99);
        assert!(observed.take(worker(1)).is_none(), "news are told once");
    }

    #[test]
    fn what_came_in_parts_is_what_came_at_once() {
        let (mut parts, mut whole) = (Record::default(), Observed::default());
        for hour in 0..4 {
            let mut part = Observed::default();
            for observed in [&mut part, &mut whole] {
                observed.ended(worker(1), "a", hour % 2 == 0, at(hour));
                observed.spent(worker(1), "a", Usd::from_dollars(0.5), at(hour));
            }
            parts.add(part.take(worker(1)).expect("news"));
        }
        let (parts, whole) = (parts.tally("a"), whole.take(worker(1)).expect("news").tally("a"));
        assert!((parts.success(at(4)) - whole.success(at(4))).abs() < 1e-9);
        assert!((parts.cost(at(4)).expect("paid") - 0.5).abs() < 1e-9);
        assert_eq!(Tally::default().cost(at(4)), None);
    }

    #[test]
    fn workspaces_are_remembered_within_bounds() {
        let mut observed = Observed::default();
        for n in 0..=HOMES {
            observed.settled_in(worker(1), &format!("w{n}"));
        }
        assert_eq!(observed.home("w0"), None);
        assert_eq!(observed.home("w1"), Some(worker(1)));
        observed.settled_in(worker(2), "w1");
        assert_eq!(observed.home("w1"), Some(worker(2)));
        let record = observed.take(worker(1)).expect("news");
        assert!(record.keeps(&format!("w{HOMES}")) && !record.keeps("w1"));
        assert_eq!(record.workspaces.len(), WORKSPACES);
    }
}
