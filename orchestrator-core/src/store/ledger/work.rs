//! What one verb works on: the loaded rows, what changed in them, and what is to be told.

use std::{collections::VecDeque, sync::Arc};

use rustc_hash::FxHashMap as HashMap;

use orchestrator_protocol::{
    Event, EventBody, EventType, Json, LogLine, Placement, Seq, SessionId, TaskId, TaskState, Timestamp, Worker,
};

use crate::{
    domain::{
        gate::Verdict,
        state::{IllegalTransition, Rest, TaskEvent, next},
    },
    store::{
        Committed,
        error::StoreError,
        row::{GateKind, Key, TaskRow},
        tx::{EventRow, Tx},
    },
};

/// A task of the working set.
struct Loaded {
    row: Arc<TaskRow>,
    /// Whether it is new or has changed since it was last handed to the transaction.
    is_dirty: bool,
}

/// The working set of one verb.
pub(super) struct Work<'t, T> {
    pub(super) tx: &'t mut T,
    pub(super) now: Timestamp,
    rows: HashMap<Key, Loaded>,
    ids: HashMap<TaskId, Key>,
    dirty: Vec<Key>,
    born: Vec<Key>,
    /// Durable events that were recorded; the first `stored` of them are with the transaction.
    recorded: Vec<EventRow>,
    stored: usize,
    told: Vec<(usize, Event)>,
    logs: Vec<(Key, LogLine)>,
    steps: Vec<(Key, String, Json)>,
    edges: Vec<(Key, Key)>,
    /// Tasks that became terminal and whose consequences are still to be followed.
    pub(super) ended: VecDeque<Key>,
    ready: bool,
    cancelled: Vec<SessionId>,
    /// Why the workers of tasks that are about to start were chosen.
    placed: HashMap<Key, Placement>,
    meant: Vec<SessionId>,
    open_at: Option<Timestamp>,
}

impl<'t, T: Tx> Work<'t, T> {
    pub(super) fn new(tx: &'t mut T, now: Timestamp) -> Self {
        Self {
            tx,
            now,
            rows: HashMap::default(),
            ids: HashMap::default(),
            dirty: Vec::new(),
            born: Vec::new(),
            recorded: Vec::new(),
            stored: 0,
            told: Vec::new(),
            logs: Vec::new(),
            steps: Vec::new(),
            edges: Vec::new(),
            ended: VecDeque::new(),
            ready: false,
            cancelled: Vec::new(),
            placed: HashMap::default(),
            meant: Vec::new(),
            open_at: None,
        }
    }

    /// Makes room for so many rows that will be loaded or born.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.rows.reserve(rows);
        self.ids.reserve(rows);
        self.recorded.reserve(rows);
        self.dirty.reserve(rows);
    }

    /// Takes rows in, keeping those that are here already, and says their keys in the order given.
    pub(super) fn adopt(&mut self, rows: Vec<Arc<TaskRow>>) -> Vec<Key> {
        let mut keys = Vec::with_capacity(rows.len());
        self.reserve(rows.len());
        for row in rows {
            keys.push(row.key);
            self.ids.insert(row.id, row.key);
            self.rows.entry(row.key).or_insert(Loaded { row, is_dirty: false });
        }
        keys
    }

    /// Loads tasks by id; unknown ones are left out.
    pub(super) async fn load(&mut self, ids: &[TaskId]) -> Result<(), StoreError> {
        let missing: Vec<TaskId> = ids.iter().filter(|id| !self.ids.contains_key(id)).copied().collect();
        if !missing.is_empty() {
            let rows = self.tx.tasks(&missing).await?;
            self.adopt(rows);
        }
        Ok(())
    }

    /// Loads tasks by key.
    pub(super) async fn load_keys(&mut self, keys: &[Key]) -> Result<(), StoreError> {
        let missing: Vec<Key> = keys
            .iter()
            .filter(|key| !self.rows.contains_key(key))
            .copied()
            .collect();
        if !missing.is_empty() {
            let rows = self.tx.tasks_by_key(&missing).await?;
            self.adopt(rows);
        }
        Ok(())
    }

    /// The key of a loaded task.
    pub(super) fn key(&self, id: TaskId) -> Option<Key> {
        self.ids.get(&id).copied()
    }

    /// A loaded task by id.
    pub(super) fn by_id(&self, id: TaskId) -> Option<&TaskRow> {
        self.key(id).and_then(|key| self.get(key))
    }

    /// A loaded task.
    pub(super) fn row(&self, key: Key) -> &TaskRow {
        &self.rows[&key].row
    }

    /// A loaded task, to be shared.
    pub(super) fn shared(&self, key: Key) -> Arc<TaskRow> {
        self.rows[&key].row.clone()
    }

    /// A loaded task, if it is.
    pub(super) fn get(&self, key: Key) -> Option<&TaskRow> {
        self.rows.get(&key).map(|loaded| &*loaded.row)
    }

    /// A loaded task, to be changed.
    pub(super) fn change(&mut self, key: Key) -> &mut TaskRow {
        let loaded = self.rows.get_mut(&key).expect("a row is loaded before it is changed");
        if !loaded.is_dirty {
            loaded.is_dirty = true;
            self.dirty.push(key);
        }
        // What the transaction remembers of it stays as it is until it is told of the change.
        Arc::make_mut(&mut loaded.row)
    }

    /// A task that did not exist, in its first state, and the event that says so.
    pub(super) fn give_birth(&mut self, row: TaskRow) {
        let key = row.key;
        let body = EventBody {
            state: Some(row.state),
            task_type: Some(row.spec.task_type.clone()),
            parent_id: row.parent_id,
            step: row.step.clone(),
            ..EventBody::default()
        };
        self.ready |= row.state == TaskState::Ready;
        let waits_for_person = row.state == TaskState::Waiting;
        self.ids.insert(row.id, key);
        let row = Arc::new(row);
        // New is more than changed.
        self.rows.insert(key, Loaded { row, is_dirty: true });
        self.born.push(key);
        self.record(key, EventType::TaskCreated, body);
        if waits_for_person {
            self.open_checkpoint(key);
        }
    }

    /// Records a durable event of a task.
    pub(super) fn record(&mut self, key: Key, kind: EventType, body: EventBody) {
        let seq = self.tx.next_seqs(1);
        let now = self.now;
        let row = self.change(key);
        let previous = std::mem::replace(&mut row.last_event, seq);
        let event = Event {
            seq,
            at: now,
            kind,
            task_id: Some(row.id),
            root_id: Some(row.root_id),
            body,
        };
        let root = row.root;
        self.recorded.push(EventRow {
            key,
            root,
            previous,
            event,
        });
    }

    /// Tells a live-only event of a task.
    pub(super) fn tell(&mut self, key: Key, kind: EventType, seq: Option<Seq>, body: EventBody) {
        let seq = seq.unwrap_or_else(|| self.tx.last_seq());
        let row = self.row(key);
        let event = Event {
            seq,
            at: self.now,
            kind,
            task_id: Some(row.id),
            root_id: Some(row.root_id),
            body,
        };
        self.told.push((self.recorded.len(), event));
    }

    /// Tells how a worker is, which nobody keeps.
    pub(super) fn tell_of_worker(&mut self, worker: Worker) {
        let event = Event {
            seq: self.tx.last_seq(),
            at: self.now,
            kind: EventType::WorkerState,
            task_id: None,
            root_id: None,
            body: EventBody {
                worker_id: Some(worker.id),
                data: serde_json::to_value(worker).ok(),
                ..EventBody::default()
            },
        };
        self.told.push((self.recorded.len(), event));
    }

    pub(super) fn add_log(&mut self, key: Key, line: LogLine) {
        self.logs.push((key, line));
    }

    pub(super) fn add_step(&mut self, key: Key, name: String, output: Json) {
        self.steps.push((key, name, output));
    }

    pub(super) fn has_new_step(&self, key: Key, name: &str) -> bool {
        self.steps.iter().any(|(k, n, _)| *k == key && n == name)
    }

    pub(super) fn add_edge(&mut self, target: Key, waiter: Key) {
        self.edges.push((target, waiter));
    }

    /// Tells a session at once that something it runs was cancelled.
    pub(super) fn tell_cancelled(&mut self, session: Option<SessionId>) {
        self.cancelled.extend(session);
    }

    /// Says why a worker was chosen, for the event of the task's start.
    pub(super) fn place(&mut self, key: Key, placement: Placement) {
        self.placed.insert(key, placement);
    }

    /// A task is left for a session until a moment.
    pub(super) fn leave(&mut self, session: SessionId, until: Timestamp) {
        self.meant.push(session);
        self.open_at = Some(self.open_at.map_or(until, |at| at.min(until)));
    }

    /// Moves a task along the table of states and records it, with why in words where that helps.
    ///
    /// A task that is held comes to rest as paused. What ends is queued for its consequences.
    pub(super) fn happen(&mut self, key: Key, event: TaskEvent, why: Option<String>) -> Result<(), StoreError> {
        self.step_state(key, event, why)?;
        let row = self.row(key);
        let rests = matches!(
            row.state,
            TaskState::Blocked | TaskState::Scheduled | TaskState::Ready | TaskState::Waiting
        );
        if row.held.is_some() && rests && !row.is_external() {
            self.step_state(key, TaskEvent::Paused, None)?;
        }
        let now = self.now;
        let row = self.change(key);
        match row.state {
            TaskState::Ready => self.ready = true,
            TaskState::Waiting if row.is_external() => self.open_checkpoint(key),
            state if state.is_terminal() => {
                row.finished_at = Some(now);
                row.wake_at = None;
                row.suspended = false;
                self.ended.push_back(key);
            }
            _ => {}
        }
        Ok(())
    }

    fn step_state(&mut self, key: Key, event: TaskEvent, why: Option<String>) -> Result<(), StoreError> {
        let row = self.change(key);
        row.state = next(row.state, event).map_err(|illegal| defect(row.id, illegal))?;
        let state = row.state;
        let placement = if state == TaskState::Running {
            self.placed.remove(&key)
        } else {
            None
        };
        let row = self.row(key);
        let body = EventBody {
            state: Some(state),
            placement: placement.map(Box::new),
            attempt: (row.attempt > 0).then_some(row.attempt),
            worker_id: if state == TaskState::Running { row.worker } else { None },
            error: match state {
                TaskState::Failed | TaskState::Scheduled | TaskState::NeedsAttention => row.error.clone(),
                _ => None,
            },
            text: why,
            ..EventBody::default()
        };
        self.record(key, EventType::TaskState, body);
        Ok(())
    }

    fn open_checkpoint(&mut self, key: Key) {
        let row = self.row(key);
        if row.spec.task_type == "checkpoint" {
            let body = EventBody {
                parent_id: row.parent_id,
                step: row.step.clone(),
                data: Some(row.spec.input.to_value()),
                ..EventBody::default()
            };
            self.record(key, EventType::CheckpointOpened, body);
        }
    }

    /// Where a task rests, given its facts.
    pub(super) fn rest(&self, key: Key) -> Rest {
        let row = self.row(key);
        let closed = row.gate.is_some_and(|gate| gate.verdict() != Verdict::Open);
        if row.suspended {
            let timer_rang = row.wake_at.is_some_and(|at| at <= self.now);
            let waits_on = closed || (row.gate.is_none() && row.wake_at.is_some());
            return if waits_on && !timer_rang {
                Rest::Waiting
            } else {
                Rest::Ready
            };
        }
        if row.queued || (closed && row.gate_kind == GateKind::Dependencies) {
            Rest::Blocked
        } else if row.is_external() {
            Rest::Waiting
        } else if row.wake_at.is_some_and(|at| at > self.now) {
            Rest::Scheduled
        } else {
            Rest::Ready
        }
    }

    /// Lets a task go on from blocked, scheduled or waiting to where it rests now, if that is elsewhere. A paused one
    /// stays.
    pub(super) fn free(&mut self, key: Key, why: Option<String>) -> Result<(), StoreError> {
        let rest = self.rest(key);
        let now = self.now;
        let row = self.row(key);
        if row.state == TaskState::Paused || row.state.is_terminal() || row.state == TaskState::from(rest) {
            return Ok(());
        }
        if rest == Rest::Ready {
            self.change(key).enqueue(now);
        }
        self.happen(key, TaskEvent::Freed(rest), why)
    }

    /// Hands every change to the transaction, so that its reads see them.
    pub(super) async fn flush(&mut self) -> Result<(), StoreError> {
        let born = self.take_sorted(|work| &mut work.born);
        if !born.is_empty() {
            self.tx.insert_tasks(born).await?;
        }
        let changed = self.take_sorted(|work| &mut work.dirty);
        if !changed.is_empty() {
            self.tx.update_tasks(changed).await?;
        }
        if !self.edges.is_empty() {
            let edges = std::mem::take(&mut self.edges);
            self.tx.insert_edges(&edges).await?;
        }
        if !self.steps.is_empty() {
            self.tx.insert_steps(std::mem::take(&mut self.steps)).await?;
        }
        if !self.logs.is_empty() {
            self.tx.insert_logs(std::mem::take(&mut self.logs)).await?;
        }
        if self.stored < self.recorded.len() {
            self.tx.insert_events(&self.recorded[self.stored..]).await?;
            self.stored = self.recorded.len();
        }
        Ok(())
    }

    /// The rows of a list of keys, in the order of keys. The list is empty afterwards.
    fn take_sorted(&mut self, list: impl FnOnce(&mut Self) -> &mut Vec<Key>) -> Vec<Arc<TaskRow>> {
        let mut keys = std::mem::take(list(self));
        keys.sort_unstable();
        let row = |key: &Key| {
            let loaded = self.rows.get_mut(key).expect("a row is loaded before it is changed");
            loaded.is_dirty = false;
            loaded.row.clone()
        };
        keys.iter().map(row).collect()
    }

    /// Ends one caller's part of the verb. Its events are filled in by [`Work::finish`].
    pub(super) fn part<V>(&mut self, value: V) -> Part<V> {
        let mut cancelled = std::mem::take(&mut self.cancelled);
        cancelled.sort_unstable();
        cancelled.dedup();
        let mut meant = std::mem::take(&mut self.meant);
        meant.sort_unstable();
        meant.dedup();
        Part {
            value,
            end: self.recorded.len(),
            ready: std::mem::take(&mut self.ready),
            cancelled,
            meant,
            open_at: self.open_at.take(),
        }
    }

    /// Ends the verb: hands everything to the transaction, and tells each caller what its part recorded.
    pub(super) async fn finish<V>(
        mut self,
        parts: Vec<Result<Part<V>, StoreError>>,
    ) -> Result<Vec<Result<Committed<V>, StoreError>>, StoreError> {
        self.follow().await?;
        let mut recorded = self.recorded.into_iter().map(|row| row.event);
        let mut told = self.told.into_iter().peekable();
        let mut at = 0;
        let mut answers = Vec::with_capacity(parts.len());
        for part in parts {
            answers.push(part.map(|part| {
                let mut events = Vec::with_capacity(part.end - at);
                while at < part.end || told.peek().is_some_and(|(place, _)| *place <= part.end) {
                    match told.next_if(|(place, _)| *place <= at) {
                        Some((_, event)) => events.push(event),
                        None if at < part.end => {
                            events.extend(recorded.next());
                            at += 1;
                        }
                        None => break,
                    }
                }
                Committed {
                    value: part.value,
                    events,
                    ready: part.ready,
                    cancelled: part.cancelled,
                    meant: part.meant,
                    open_at: part.open_at,
                }
            }));
        }
        Ok(answers)
    }

    /// Ends a verb that has one caller.
    pub(super) async fn finish_one<V>(mut self, value: V) -> Result<Committed<V>, StoreError> {
        self.follow().await?;
        let part = self.part(value);
        only(self.finish(vec![Ok(part)]).await?)?
    }
}

/// One caller's part of a verb.
pub(super) struct Part<V> {
    value: V,
    /// How many durable events were recorded by its end.
    end: usize,
    ready: bool,
    cancelled: Vec<SessionId>,
    meant: Vec<SessionId>,
    open_at: Option<Timestamp>,
}

/// The only answer of a verb that was given a batch of one.
pub(super) fn only<V>(answers: Vec<V>) -> Result<V, StoreError> {
    answers
        .into_iter()
        .next()
        .ok_or_else(|| StoreError::Unavailable("a verb gave no answer".to_owned()))
}

/// A transition that the ledger should never have asked for: a defect of ours, which must not be stored.
fn defect(task: TaskId, illegal: IllegalTransition) -> StoreError {
    StoreError::Unavailable(format!("a defect of the orchestrator: task {task}: {illegal}"))
}
