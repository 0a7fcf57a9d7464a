//! The runs of a worker: those under way and those suspended.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use orchestrator_protocol::{LeaseId, SessionId, TaskId, Timestamp};
use tokio::task::AbortHandle;

use super::lease::Lease;
use crate::context::{Stop, StopReason, inner::Inner};

/// A worker's own number of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RunId(u64);

/// The runs of a worker. Changed by the worker's own task alone; the lock is for the compiler.
#[derive(Debug)]
pub(crate) struct Roster {
    runs: Mutex<Runs>,
}

#[derive(Debug)]
struct Runs {
    last: u64,
    /// In the order of their start, so that what is done to all is done in the same order each time.
    all: BTreeMap<RunId, Entry>,
    /// The newest run of each task. Only ever looked up by key.
    newest: HashMap<TaskId, RunId>,
    /// The suspended ones, the longest suspended first.
    suspended: BTreeMap<u64, RunId>,
    last_suspension: u64,
    /// How many suspended ones are kept.
    keep: usize,
    /// Leases that were given back before anyone told of them.
    given_up: BTreeSet<LeaseId>,
}

#[derive(Debug)]
struct Entry {
    inner: Arc<Inner>,
    abort: AbortHandle,
    suspended: Option<(u64, Timestamp)>,
}

impl Roster {
    pub(crate) fn new(keep: usize) -> Self {
        Self {
            runs: Mutex::new(Runs {
                last: 0,
                all: BTreeMap::new(),
                newest: HashMap::new(),
                suspended: BTreeMap::new(),
                last_suspension: 0,
                keep,
                given_up: BTreeSet::new(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a new run.
    pub(crate) fn next(&self) -> RunId {
        let mut runs = self.lock();
        runs.last += 1;
        RunId(runs.last)
    }

    /// Adds a run that has just been started.
    pub(crate) fn add(&self, id: RunId, inner: Arc<Inner>, abort: AbortHandle) {
        let mut runs = self.lock();
        runs.newest.insert(inner.task, id);
        runs.all.insert(
            id,
            Entry {
                inner,
                abort,
                suspended: None,
            },
        );
    }

    /// The number of a task's newest run.
    pub(crate) fn newest(&self, task: TaskId) -> Option<RunId> {
        self.lock().newest.get(&task).copied()
    }

    /// Hands a suspended run the lease with which it goes on; false when it cannot go on.
    pub(crate) fn resume(&self, id: RunId, lease: &Arc<Lease>, after: Option<LeaseId>) -> bool {
        let mut runs = self.lock();
        let runs = &mut *runs;
        let Some(entry) = runs.all.get_mut(&id) else {
            return false;
        };
        if !entry.inner.grant(lease, after) {
            return false;
        }
        if let Some((place, _)) = entry.suspended.take() {
            runs.suspended.remove(&place);
        }
        true
    }

    /// Makes way for a new run of the same task: drops a suspended run, stops any other. Gives what the new one should
    /// wait for.
    pub(crate) fn replace(&self, id: RunId) -> Option<Arc<Inner>> {
        let mut runs = self.lock();
        let entry = runs.all.get(&id)?;
        if entry.suspended.is_some() {
            runs.evict(id);
            return None;
        }
        entry.inner.stop(Stop::lost());
        Some(entry.inner.clone())
    }

    /// Keeps a run that was suspended under this lease, unless it goes on already.
    pub(crate) fn suspend(&self, lease: &Lease, now: Timestamp) {
        let mut guard = self.lock();
        let runs = &mut *guard;
        let Some(entry) = runs.all.get_mut(&lease.run) else {
            return;
        };
        let goes_on = entry.inner.held().is_some_and(|held| held.id != lease.id);
        if goes_on || entry.suspended.is_some() {
            return;
        }
        runs.last_suspension += 1;
        entry.suspended = Some((runs.last_suspension, now));
        runs.suspended.insert(runs.last_suspension, lease.run);
        runs.fit();
    }

    /// Forgets a run that is over.
    pub(crate) fn end(&self, id: RunId) {
        self.lock().remove(id);
    }

    /// Whether a task runs here under a lease.
    pub(crate) fn knows(&self, task: TaskId, lease: LeaseId) -> bool {
        let runs = self.lock();
        let newest = runs.newest.get(&task).and_then(|id| runs.all.get(id));
        newest.is_some_and(|entry| entry.inner.held().is_some_and(|held| held.id == lease))
    }

    /// Remembers that a lease is given back and must not be used when it is told of.
    pub(crate) fn give_up(&self, lease: LeaseId) {
        self.lock().given_up.insert(lease);
    }

    /// Whether a lease was given back before it was told of.
    pub(crate) fn was_given_up(&self, lease: LeaseId) -> bool {
        self.lock().given_up.contains(&lease)
    }

    /// Stops a task that runs under a lease.
    pub(crate) fn cancel(&self, task: TaskId, lease: LeaseId) {
        let runs = self.lock();
        let Some(entry) = runs.newest.get(&task).and_then(|id| runs.all.get(id)) else {
            return;
        };
        if entry.inner.held().is_some_and(|held| held.id == lease) {
            entry
                .inner
                .stop(Stop::new(StopReason::Cancelled, "the task was cancelled"));
        }
    }

    /// The lease that a run holds is lost.
    pub(crate) fn lose(&self, lease: &Lease) {
        let runs = self.lock();
        let Some(entry) = runs.all.get(&lease.run) else { return };
        if entry.inner.held().is_some_and(|held| held.id == lease.id) {
            entry.inner.stop(Stop::lost());
        }
    }

    /// All leases of a session are lost.
    pub(crate) fn lose_session(&self, session: SessionId) {
        for entry in self.lock().all.values() {
            if entry.inner.held().is_some_and(|held| held.session.id == session) {
                entry.inner.stop(Stop::lost());
            }
        }
    }

    /// Stops everything that runs, since the worker goes away.
    pub(crate) fn stop_all(&self) {
        for entry in self.lock().all.values() {
            let stop = Stop::new(StopReason::Draining, "the worker is going away");
            entry.inner.stop(stop);
        }
    }

    /// Drops what is suspended, and keeps nothing suspended from now on.
    pub(crate) fn keep_none(&self) {
        let mut runs = self.lock();
        runs.keep = 0;
        runs.fit();
    }

    /// Drops what has been suspended since before a moment.
    pub(crate) fn sweep(&self, before: Timestamp) {
        let mut runs = self.lock();
        while let Some((_, id)) = runs.suspended.first_key_value() {
            let id = *id;
            let since = runs.all.get(&id).and_then(|entry| entry.suspended);
            if since.is_some_and(|(_, at)| at >= before) {
                return;
            }
            runs.evict(id);
        }
    }

    /// How many runs are suspended.
    pub(crate) fn suspended(&self) -> usize {
        self.lock().suspended.len()
    }

    /// Drops everything at once.
    pub(crate) fn abort_all(&self) {
        let mut runs = self.lock();
        while let Some((id, _)) = runs.all.first_key_value() {
            let id = *id;
            runs.evict(id);
        }
    }
}

impl Runs {
    fn fit(&mut self) {
        while self.suspended.len() > self.keep {
            let Some((_, id)) = self.suspended.first_key_value() else {
                return;
            };
            let id = *id;
            self.evict(id);
        }
    }

    /// Drops a run where it is.
    fn evict(&mut self, id: RunId) {
        if let Some(entry) = self.remove(id) {
            entry.abort.abort();
            // Branches of the agent that live elsewhere hear of it too.
            entry.inner.stop(Stop::lost());
            entry.inner.close();
        }
    }

    fn remove(&mut self, id: RunId) -> Option<Entry> {
        let entry = self.all.remove(&id)?;
        if let Some((place, _)) = entry.suspended {
            self.suspended.remove(&place);
        }
        if self.newest.get(&entry.inner.task) == Some(&id) {
            self.newest.remove(&entry.inner.task);
        }
        Some(entry)
    }
}
