//! The writer's transaction: reads through the cache, writes gathered until they must be seen.

mod port;
mod settings;

use std::sync::Arc;

use orchestrator_protocol::{SideEffects, TaskState, Timestamp};
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use super::{
    cache::{Cache, Entry, Outcome, Unwritten},
    changes::Changes,
    codec::life,
    disk::{Disk, Keys, Which},
    line::Line,
    mirror::Mirror,
    pending::Pending,
};
use crate::{
    domain::placement::record::Observed,
    store::{
        error::StoreError,
        row::{Key, LaneId, TaskRow},
    },
};

/// A transaction that the writer works out.
pub(super) struct WriterTx<'w, D: Disk> {
    pub(super) line: Line<'w, D>,
    cache: &'w mut Cache,
    pub(super) mirror: &'w mut Mirror,
    observed: &'w mut Observed,
    pending: Pending,
    must_sync: bool,
    ended: Vec<Key>,
    /// Tasks that became ready in this transaction, and still are.
    readied: HashSet<Key>,
    /// The moment of its latest event.
    latest: Timestamp,
    /// How many tasks of each lane were started.
    started: HashMap<LaneId, usize>,
}

/// From how many tasks on it pays to read ahead, and how many are read at once at most.
const AHEAD: std::ops::Range<usize> = 16..4096;

/// What is left of a transaction that is worked out.
pub(super) struct Finished<D: Disk> {
    /// What is to be sent and committed.
    pub(super) stage: D::Stage,
    /// Whether something was done that must not be lost even with the power.
    pub(super) must_sync: bool,
    /// Tasks to be read for claims that are to come.
    pub(super) ahead: Vec<Key>,
}

/// Asks the connection, which sees every write of the transaction, in one trip with what is not written yet.
macro_rules! ask {
    ($tx:ident.$method:ident($($arg:expr),*)) => {{
        $tx.flush();
        let (disk, stage) = $tx.line.ready($tx.cache).await?;
        let answer = disk.$method(stage $(, $arg)*).await;
        $tx.line.note(answer)
    }};
}
use ask;

impl<'w, D: Disk> WriterTx<'w, D> {
    pub(super) fn new(
        line: Line<'w, D>,
        cache: &'w mut Cache,
        mirror: &'w mut Mirror,
        observed: &'w mut Observed,
    ) -> Self {
        Self {
            line,
            cache,
            mirror,
            observed,
            pending: Pending::default(),
            must_sync: false,
            ended: Vec::new(),
            readied: HashSet::default(),
            latest: Timestamp::from_micros(0),
            started: HashMap::default(),
        }
    }

    /// What is left to be sent and committed.
    pub(super) fn finish(mut self) -> Finished<D> {
        self.flush();
        for key in self.ended.drain(..) {
            self.cache.remove(key);
        }
        self.cache.age();
        Finished {
            ahead: self.ahead(),
            stage: self.line.stage,
            must_sync: self.must_sync,
        }
    }

    /// The tasks that claims will ask for next, if they go on like this, and that are not in memory. Twice as many as were
    /// started are looked for: the next transaction is worked out while these are read, and wants the ones before them.
    fn ahead(&self) -> Vec<Key> {
        let (cache, heads) = (&*self.cache, &self.mirror.heads);
        let lanes = self.started.iter().filter(|(_, started)| **started >= AHEAD.start);
        let next = lanes.flat_map(|(lane, started)| heads.first(&[*lane], 2 * started));
        let is_missing = |key: &Key| cache.peek(*key).is_none() && !self.line.is_coming(*key);
        let mut keys: Vec<Key> = next.filter(is_missing).take(AHEAD.end).collect();
        if keys.len() < AHEAD.start {
            keys.clear();
        }
        keys
    }

    /// Gives what is gathered to the connection, to be sent with the next trip.
    fn flush(&mut self) {
        let pending = &mut self.pending;
        pending.starts.look(&pending.events);
        let (due, due_gone) = pending.due.take();
        let (aside, aside_gone) = pending.aside.take();
        let (ready, ready_gone) = pending.ready.take();
        let (running, running_gone) = pending.running.take();
        let keys = std::mem::take(&mut pending.tasks);
        let numbers = self.mirror.numbers();
        // Numbers beyond the last reservation are in use: it must be on the disk before they are told.
        let reserved = [numbers.keys, numbers.leases, numbers.seqs];
        self.must_sync |= reserved.iter().any(|counted| counted.reserved.is_some());
        let mut sessions = std::mem::take(&mut pending.sessions);
        sessions.sort_unstable();
        sessions.dedup();
        let (cache, mirror) = (&*self.cache, &*self.mirror);
        let entries: Vec<&Entry> = keys.iter().filter_map(|key| cache.peek(*key)).collect();
        let which = |wanted: fn(&Unwritten) -> bool| -> Vec<&TaskRow> {
            let wanted = entries.iter().filter(|e| wanted(&e.unwritten));
            wanted.map(|e| &*e.row).collect()
        };
        let changes = Changes {
            edges_to_gone: std::mem::take(&mut pending.edges_to_gone),
            edges_of_gone: std::mem::take(&mut pending.edges_of_gone),
            edges: std::mem::take(&mut pending.edges),
            due_gone,
            due,
            aside_gone,
            aside,
            ready_gone,
            ready,
            running_gone,
            running,
            lanes: std::mem::take(&mut pending.lanes)
                .into_iter()
                .filter_map(|id| Some((id, mirror.lane(id)?)))
                .collect(),
            born: which(|u| u.task),
            lives: which(|u| u.life),
            results: which(|u| u.outcome == Outcome::Apart),
            outcomes: which(|u| u.outcome != Outcome::Written),
            events: std::mem::take(&mut pending.events),
            steps: std::mem::take(&mut pending.steps),
            logs: std::mem::take(&mut pending.logs),
            numbers,
            totals: std::mem::take(&mut pending.totals),
            starts: pending.starts.take(),
            tokens: std::mem::take(&mut pending.tokens).into_iter().collect(),
            sessions: sessions.iter().filter_map(|id| mirror.sessions.get(id)).collect(),
            sessions_gone: sessions
                .iter()
                .filter(|id| !mirror.sessions.contains_key(id))
                .copied()
                .collect(),
            settings: std::mem::take(&mut pending.settings),
        };
        if !changes.is_empty() {
            D::write(&mut self.line.stage, changes);
        }
        let ended = entries.iter().filter(|e| e.row.state.is_terminal());
        self.ended.extend(ended.map(|e| e.row.key));
        for key in keys {
            if let Some(entry) = self.cache.get(key) {
                entry.unwritten = Unwritten::default();
            }
        }
    }

    /// Loads the tasks of keys that the connection gives, in that order.
    async fn see_tasks(&mut self, which: Keys<'_>) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        let keys = ask!(self.keys(which))?;
        self.by_key(&keys).await
    }

    /// Reads tasks that are not in the cache into it: those have nothing unwritten, so nothing is flushed for them.
    async fn load(&mut self, which: Which<'_>) -> Result<(), StoreError> {
        let (disk, stage) = self.line.ready(self.cache).await?;
        let rows = disk.tasks(stage, which).await;
        self.cache.learn(self.line.note(rows)?);
        Ok(())
    }

    /// Tasks by key, in that order.
    async fn by_key(&mut self, keys: &[Key]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        if !self.cache.unknown(keys).is_empty() {
            // They may be on their way already.
            self.line.ready(self.cache).await?;
            let missing = self.cache.unknown(keys);
            if !missing.is_empty() {
                self.load(Which::Keys(&missing)).await?;
            }
        }
        let cache = &mut *self.cache;
        Ok(keys
            .iter()
            .filter_map(|key| cache.get(*key).map(|entry| entry.row.clone()))
            .collect())
    }

    /// Takes a new task in.
    fn bear(&mut self, row: Arc<TaskRow>) {
        self.pending.totals.born(&row);
        self.pending.tasks.push(row.key);
        self.notice(None, &row);
        self.cache.insert(row, true);
    }

    /// When tasks became ready in this transaction that still are; none: there are no such tasks.
    pub(super) fn readied_at(&self) -> Option<Timestamp> {
        (!self.readied.is_empty()).then_some(self.latest)
    }

    /// Notices where a task is listed from now on.
    fn notice(&mut self, old: Option<&TaskRow>, new: &TaskRow) {
        self.mirror.heads.change(old, new);
        if let Some(held) = &mut self.mirror.held {
            held.change(old, new);
        } else {
            self.mirror.taken.change(old, new);
        }
        let (key, pending) = (new.key, &mut self.pending);
        let under = |number: Option<i64>| number.map(|number| (number, key));
        pending
            .due
            .change(under(old.and_then(life::due)), under(life::due(new)));
        pending
            .aside
            .change(under(old.and_then(life::aside)), under(life::aside(new)));
        let (was_ready, is_ready) = (old.and_then(life::ready), life::ready(new));
        if was_ready.is_none() && is_ready.is_some() {
            self.readied.insert(key);
        } else if is_ready.is_none() && was_ready.is_some() {
            self.readied.remove(&key);
        }
        pending.ready.change(was_ready, is_ready);
        pending.running.change(old.and_then(life::running), life::running(new));
    }

    /// Takes the changes of a task in.
    fn change(&mut self, row: &Arc<TaskRow>) -> Result<(), StoreError> {
        let Some(entry) = self.cache.get(row.key) else {
            let message = format!("a defect of the orchestrator: task {} is changed unread", row.id);
            return Err(StoreError::Unavailable(message));
        };
        let old = std::mem::replace(&mut entry.row, row.clone());
        if !entry.unwritten.any() {
            self.pending.tasks.push(row.key);
        }
        entry.unwritten.life = true;
        entry.unwritten.outcome = entry.unwritten.outcome.max(Outcome::of(Some(&old), row));
        self.pending.totals.changed(&old, row);
        self.notice(Some(&old), row);
        if row.state == TaskState::Running && row.lease != old.lease {
            *self.started.entry(row.lane).or_default() += 1;
            self.pending.starts.granted(row);
            self.must_sync |= row.spec.side_effects == SideEffects::Once;
        }
        Ok(())
    }

    /// Forgets those of these trees that ended before a moment. Says how many.
    pub(super) async fn forget(&mut self, roots: &[Key], before: Timestamp) -> Result<usize, StoreError> {
        let (trees, tasks) = ask!(self.forget(roots, before))?;
        for key in tasks {
            self.cache.remove(key);
        }
        Ok(trees)
    }
}
