//! Which leases sessions hold, so that a claim finds how much room each has without asking the database: of those that
//! were asked for, where the database has an index for them. Where it has none all are known (`held`).

use std::collections::{HashMap, HashSet};

use orchestrator_protocol::SessionId;

use crate::store::row::{Key, TaskRow};

/// The tasks whose lease a session holds, of the sessions that were asked for. It follows every change of a task, and is
/// forgotten with the rest when somebody else has written.
#[derive(Debug, Default)]
pub(super) struct Taken {
    known: HashMap<SessionId, HashSet<Key>>,
}

impl Taken {
    /// Those of these sessions of which nothing is known.
    pub(super) fn unknown(&self, sessions: &[SessionId]) -> Vec<SessionId> {
        let unknown = sessions.iter().filter(|id| !self.known.contains_key(id));
        unknown.copied().collect()
    }

    /// Takes in all that these sessions hold.
    pub(super) fn learn(&mut self, sessions: &[SessionId], held: Vec<(SessionId, Key)>) {
        for session in sessions {
            self.known.insert(*session, HashSet::new());
        }
        for (session, key) in held {
            if let Some(keys) = self.known.get_mut(&session) {
                keys.insert(key);
            }
        }
    }

    /// Forgets a session that has ended.
    pub(super) fn forget(&mut self, session: SessionId) {
        self.known.remove(&session);
    }

    /// Takes the changes of a task in.
    pub(super) fn change(&mut self, old: Option<&TaskRow>, new: &TaskRow) {
        let holder = |row: &TaskRow| row.session.filter(|_| row.lease.is_some());
        let (before, after) = (old.and_then(holder), holder(new));
        if before == after {
            return;
        }
        if let Some(keys) = before.and_then(|session| self.known.get_mut(&session)) {
            keys.remove(&new.key);
        }
        if let Some(keys) = after.and_then(|session| self.known.get_mut(&session)) {
            keys.insert(new.key);
        }
    }

    /// How many leases a session holds.
    pub(super) fn count(&self, session: SessionId) -> u32 {
        self.known.get(&session).map_or(0, |keys| keys.len() as u32)
    }
}
