//! The leases that are held, in the writer's memory: whose they are, and in which lanes.
//!
//! Like everything that the writer remembers it holds while nobody else writes, and is forgotten otherwise.

use std::collections::{BTreeSet, HashMap};

use orchestrator_protocol::{SessionId, TaskState};

use crate::store::row::{Key, LaneId, TaskRow};

/// The leases that are held.
#[derive(Debug, Default)]
pub struct Held {
    sessions: HashMap<SessionId, BTreeSet<Key>>,
    lanes: HashMap<LaneId, u32>,
}

impl Held {
    /// Notices that a session holds the lease of a task.
    pub fn add(&mut self, session: SessionId, lane: LaneId, task: Key) {
        if self.sessions.entry(session).or_default().insert(task) {
            *self.lanes.entry(lane).or_default() += 1;
        }
    }

    fn remove(&mut self, session: SessionId, lane: LaneId, task: Key) {
        let Some(tasks) = self.sessions.get_mut(&session) else {
            return;
        };
        if !tasks.remove(&task) {
            return;
        }
        if tasks.is_empty() {
            self.sessions.remove(&session);
        }
        if let Some(count) = self.lanes.get_mut(&lane) {
            *count -= 1;
            if *count == 0 {
                self.lanes.remove(&lane);
            }
        }
    }

    /// Notices that a task changed, or is new.
    pub(super) fn change(&mut self, old: Option<&TaskRow>, new: &TaskRow) {
        let lease = |row: &TaskRow| {
            let session = row.session.filter(|_| row.state == TaskState::Running)?;
            Some((session, row.lane))
        };
        let (from, to) = (old.and_then(lease), lease(new));
        if from == to {
            return;
        }
        if let Some((session, lane)) = from {
            self.remove(session, lane, new.key);
        }
        if let Some((session, lane)) = to {
            self.add(session, lane, new.key);
        }
    }

    /// The tasks whose leases these sessions hold, in the order of (these, key).
    pub(super) fn of(&self, sessions: &[SessionId]) -> Vec<Key> {
        let tasks = sessions.iter().filter_map(|session| self.sessions.get(session));
        tasks.flatten().copied().collect()
    }

    /// How many a session holds.
    pub(super) fn count(&self, session: SessionId) -> u32 {
        self.sessions.get(&session).map_or(0, |keys| keys.len() as u32)
    }

    /// How many are held in each lane.
    pub(super) fn by_lane(&self) -> Vec<(LaneId, u32)> {
        self.lanes.iter().map(|(lane, count)| (*lane, *count)).collect()
    }
}
