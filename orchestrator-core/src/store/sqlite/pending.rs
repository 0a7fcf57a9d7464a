//! What a transaction is about to write.

use std::collections::{BTreeSet, HashMap};

use orchestrator_protocol::{Json, LogLine, SessionId, TaskState, Timestamp, Usage};

use super::codec::{Spent, event::Happening, state_code, text};
use crate::store::row::{Key, LaneId, TaskRow};

/// Writes that wait to be made together.
#[derive(Default)]
pub(super) struct Pending {
    /// Tasks of the cache with something unwritten, each once.
    pub(super) tasks: Vec<Key>,
    pub(super) events: Vec<Happening>,
    pub(super) logs: Vec<(Key, LogLine)>,
    pub(super) steps: Vec<(Key, String, Json)>,
    pub(super) edges: Vec<(Key, Key)>,
    pub(super) edges_to_gone: Vec<Key>,
    pub(super) edges_of_gone: Vec<Key>,
    /// New lanes, by their numbers in the mirror.
    pub(super) lanes: Vec<LaneId>,
    /// Sessions to be written from the mirror, or to be removed when it has them no more.
    pub(super) sessions: Vec<SessionId>,
    /// Schedules to be written from the mirror, by name.
    pub(super) schedules: Vec<String>,
    pub(super) starts: Starts,
    pub(super) totals: Totals,
    pub(super) due: Marks,
    pub(super) aside: Marks,
}

/// Tasks that a table lists under a number, to be added and removed.
#[derive(Debug, Default)]
pub(super) struct Marks {
    new: BTreeSet<(i64, Key)>,
    gone: BTreeSet<(i64, Key)>,
}

impl Marks {
    /// Moves a task from one number to another; none: it is not listed.
    pub(super) fn change(&mut self, key: Key, from: Option<i64>, to: Option<i64>) {
        if from == to {
            return;
        }
        if let Some(from) = from
            && !self.new.remove(&(from, key))
        {
            self.gone.insert((from, key));
        }
        if let Some(to) = to
            && !self.gone.remove(&(to, key))
        {
            self.new.insert((to, key));
        }
    }

    /// What is to be added, and what is to be removed as a JSON array of pairs, if anything.
    pub(super) fn take(&mut self) -> (Vec<(i64, Key)>, Option<String>) {
        let taken = std::mem::take(self);
        let gone: Vec<(i64, i64)> = taken.gone.iter().map(|(number, key)| (*number, key.0)).collect();
        let gone = (!gone.is_empty()).then(|| text(&gone));
        (taken.new.into_iter().collect(), gone)
    }
}

/// Counts of tasks by state, and of what was spent, to be added.
#[derive(Debug, Default)]
pub(super) struct Totals {
    states: [i64; TaskState::ALL.len()],
    spent: Option<Spent>,
}

/// Where the counts of what was spent begin among the totals, after those of the states.
pub(super) const SPENT: i64 = TaskState::ALL.len() as i64;

impl Totals {
    /// Counts a task that is new.
    pub(super) fn born(&mut self, row: &TaskRow) {
        self.states[state_code(row.state) as usize] += 1;
        if !row.usage.is_zero() {
            self.spend(&Usage::default(), &row.usage);
        }
    }

    /// Counts a task that changed.
    pub(super) fn changed(&mut self, old: &TaskRow, new: &TaskRow) {
        if old.state != new.state {
            self.states[state_code(old.state) as usize] -= 1;
            self.states[state_code(new.state) as usize] += 1;
        }
        if old.usage != new.usage {
            self.spend(&old.usage, &new.usage);
        }
    }

    fn spend(&mut self, old: &Usage, new: &Usage) {
        let (old, new) = (Spent::from(old), Spent::from(new));
        let sum = self.spent.get_or_insert(Spent(0, 0, 0, 0, 0.0));
        // Only ever more is spent.
        sum.0 += new.0.saturating_sub(old.0);
        sum.1 += new.1.saturating_sub(old.1);
        sum.2 += new.2.saturating_sub(old.2);
        sum.3 += new.3.saturating_sub(old.3);
        sum.4 += new.4 - old.4;
    }

    /// What is to be added, as a JSON array of `[id, number]`; nothing when all stays.
    pub(super) fn take(&mut self) -> Option<String> {
        let taken = std::mem::take(self);
        let mut parts: Vec<String> = Vec::new();
        for (id, n) in taken.states.iter().enumerate().filter(|(_, n)| **n != 0) {
            parts.push(format!("[{id},{n}]"));
        }
        if let Some(Spent(input, output, cached, cost, wall)) = taken.spent {
            for (id, n) in (SPENT..).zip([input as i64, output as i64, cached as i64, cost]) {
                if n != 0 {
                    parts.push(format!("[{id},{n}]"));
                }
            }
            parts.push(format!("[{},{wall}]", SPENT + 4));
        }
        (!parts.is_empty()).then(|| format!("[{}]", parts.join(",")))
    }
}

/// Starts of tasks that limits count.
#[derive(Debug, Default)]
pub(super) struct Starts {
    lanes: HashMap<Key, LaneId>,
    counts: HashMap<(LaneId, Timestamp), u32>,
}

impl Starts {
    /// Notices that a lease was granted; when, its event says.
    pub(super) fn granted(&mut self, row: &TaskRow) {
        if !row.spec.limits.is_empty() {
            self.lanes.insert(row.key, row.lane);
        }
    }

    /// Looks for the moments of the starts among the events.
    pub(super) fn look(&mut self, events: &[Happening]) {
        if self.lanes.is_empty() {
            return;
        }
        for event in events.iter().filter(|event| event.is_start()) {
            if let Some(lane) = self.lanes.remove(&event.key) {
                *self.counts.entry((lane, event.at)).or_default() += 1;
            }
        }
    }

    /// The counts to be added.
    pub(super) fn take(&mut self) -> Vec<(LaneId, Timestamp, u32)> {
        let counts = self.counts.drain();
        counts.map(|((lane, at), n)| (lane, at, n)).collect()
    }
}
