//! What a transaction is about to write.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use orchestrator_protocol::{Json, LogLine, SessionId, Timestamp};

use super::{changes::Settings, codec::event::Happening, totals::Totals};
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
    pub(super) settings: Settings,
    pub(super) starts: Starts,
    /// Tokens that tasks of limited lanes spent, and when.
    pub(super) tokens: BTreeMap<(LaneId, Timestamp), u64>,
    pub(super) totals: Totals,
    pub(super) due: Marks,
    pub(super) aside: Marks,
}

/// Tasks under their numbers.
type Places = Vec<(i64, Key)>;

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

    /// What is to be added, and what is to be removed.
    pub(super) fn take(&mut self) -> (Places, Places) {
        let taken = std::mem::take(self);
        (taken.new.into_iter().collect(), taken.gone.into_iter().collect())
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
