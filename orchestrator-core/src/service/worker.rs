//! The workers that are connected.

use std::collections::BTreeMap;

use orchestrator_protocol::{Timestamp, Worker, WorkerId};

use super::Engine;
use crate::store::{SessionView, StoreError};

impl Engine {
    /// All workers that have a session, by name.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        let now = self.now();
        let mut sessions = self.store.sessions().await?;
        let ids: Vec<_> = sessions.iter().map(|session| session.id).collect();
        let seen = self.presence.seen(&ids).await;
        for session in &mut sessions {
            if let Some(sighting) = seen.get(&session.id) {
                session.load = sighting.load;
            }
        }
        Ok(by_worker(sessions, now))
    }

    /// One worker.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] when it has no session.
    pub async fn worker(&self, id: WorkerId) -> Result<Worker, StoreError> {
        let found = self.workers().await?.into_iter().find(|worker| worker.id == id);
        found.ok_or_else(|| StoreError::NotFound(format!("worker {id} with a session")))
    }
}

impl Engine {
    /// Lets a worker finish what it has and grants it nothing more. Repeating it is harmless.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] when it has no session.
    pub async fn drain(&self, id: WorkerId) -> Result<Worker, StoreError> {
        let drained = self.store.drain(id, self.now()).await?;
        self.announce(drained).await;
        self.worker(id).await
    }
}

/// A worker that lost its connection may have an old session beside its new one until the old one has ended: what it
/// offers is what it said last, and what it runs is what all of them hold.
fn by_worker(sessions: Vec<SessionView>, now: Timestamp) -> Vec<Worker> {
    let mut newest: BTreeMap<WorkerId, (SessionView, u32)> = BTreeMap::new();
    for session in sessions {
        let running = session.running;
        match newest.entry(session.worker) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert((session, running));
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                let (known, total) = place.get_mut();
                *total += running;
                if session.expires_at >= known.expires_at {
                    *known = session;
                }
            }
        }
    }
    let mut workers: Vec<Worker> = newest
        .into_values()
        .map(|(mut s, running)| {
            s.running = running;
            s.worker(now)
        })
        .collect();
    workers.sort_by(|a, b| a.name.cmp(&b.name));
    workers
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use orchestrator_protocol::{Load, SessionId, WorkerState};
    use uuid::Uuid;

    use super::*;

    fn session(id: u128, worker: u128, slots: u32, running: u32, expires_at: i64) -> SessionView {
        SessionView {
            id: SessionId::from_uuid(Uuid::from_u128(id)),
            worker: WorkerId::from_uuid(Uuid::from_u128(worker)),
            name: format!("w{worker}"),
            labels: BTreeSet::new(),
            task_types: BTreeSet::new(),
            slots,
            running,
            owner: None,
            seen_at: Timestamp::from_micros(expires_at),
            load: Load::default(),
            record: std::sync::Arc::default(),
            draining: false,
            expires_at: Timestamp::from_micros(expires_at),
        }
    }

    #[test]
    fn a_worker_with_two_sessions_is_one_worker() {
        let now = Timestamp::from_micros(100);
        let sessions = vec![
            session(1, 1, 4, 2, 150),
            session(2, 1, 8, 1, 200),
            session(3, 2, 1, 0, 50),
        ];
        let workers = by_worker(sessions, now);
        let seen: Vec<_> = workers
            .iter()
            .map(|w| (w.name.as_str(), w.slots, w.running, w.state))
            .collect();
        assert_eq!(
            seen,
            [("w1", 8, 3, WorkerState::Online), ("w2", 1, 0, WorkerState::Offline)]
        );
        assert_eq!(workers[1].last_seen_at, Timestamp::from_micros(50));
    }
}
