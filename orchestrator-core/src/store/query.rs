//! Reading what is stored.

use std::{collections::BTreeSet, sync::Arc};

use orchestrator_protocol::{
    EventType, LimitRule, Load, Seq, SessionId, Task, TaskId, TaskState, Timestamp, Worker, WorkerId, WorkerState,
};

use super::{
    error::StoreError,
    row::{Key, SessionRow, Standing, TaskRow},
    session::Owner,
};
use crate::domain::placement::record::Record;

/// Which tasks to list, the newest first.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// In one of these states; empty means any.
    pub states: Vec<TaskState>,
    /// Of this type.
    pub task_type: Option<String>,
    /// In this tree.
    pub root_id: Option<TaskId>,
    /// Directly below this task.
    pub parent_id: Option<TaskId>,
    /// Run by this worker, now or last.
    pub worker_id: Option<WorkerId>,
    /// With this label.
    pub label: Option<(String, String)>,
    /// With this text in the description, whatever its case.
    pub text: Option<String>,
    /// Without a parent.
    pub roots_only: bool,
    /// How many, 1 to 500; 0 means 50.
    pub limit: usize,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl ListQuery {
    /// How many tasks a page has.
    ///
    /// # Errors
    ///
    /// More than 500 were asked for.
    pub fn page_size(&self) -> Result<usize, StoreError> {
        match self.limit {
            0 => Ok(50),
            n if n <= 500 => Ok(n),
            n => Err(StoreError::invalid("limit", format!("{n} is more than 500"))),
        }
    }

    /// The key that the page ends before.
    ///
    /// # Errors
    ///
    /// The cursor is not one of ours.
    pub fn before(&self) -> Result<Option<Key>, StoreError> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let key = cursor.parse().ok().filter(|key| *key > 0);
        let key = key.ok_or_else(|| StoreError::invalid("cursor", "is not the next_cursor of an earlier page"))?;
        Ok(Some(Key(key)))
    }

    /// Whether a task is among those asked for.
    pub fn matches(&self, row: &TaskRow) -> bool {
        let spec = &row.spec;
        (self.states.is_empty() || self.states.contains(&row.state))
            && self.task_type.as_ref().is_none_or(|t| spec.task_type == *t)
            && self.root_id.is_none_or(|id| row.root_id == id)
            && self.parent_id.is_none_or(|id| row.parent_id == Some(id))
            && self.worker_id.is_none_or(|id| row.worker == Some(id))
            && self.label.as_ref().is_none_or(|(k, v)| spec.labels.get(k) == Some(v))
            && self
                .text
                .as_ref()
                .is_none_or(|t| spec.description.to_lowercase().contains(&t.to_lowercase()))
            && !(self.roots_only && row.parent.is_some())
    }
}

/// Whose events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EventScope {
    /// Everyone's.
    #[default]
    All,
    /// One task's.
    Task(TaskId),
    /// Those of a task and all below it.
    Tree(TaskId),
}

/// Which durable events to read.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Whose.
    pub scope: EventScope,
    /// After this place.
    pub after: Seq,
    /// Of these types; empty means all.
    pub types: Vec<EventType>,
    /// How many at most; 0 means 1,000.
    pub limit: usize,
}

/// Which lines to read.
#[derive(Debug, Clone)]
pub struct LogQuery {
    /// Whose.
    pub task: TaskId,
    /// After this place.
    pub after: Seq,
    /// How many at most; 0 means 1,000.
    pub limit: usize,
}

/// A session as others see it.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// Its worker.
    pub worker: WorkerId,
    /// The worker's name.
    pub name: String,
    /// What it offers.
    pub labels: BTreeSet<String>,
    /// The agents that it has.
    pub task_types: BTreeSet<String>,
    /// How many tasks it runs at once.
    pub slots: u32,
    /// How many it holds now.
    pub running: u32,
    /// The process that it lives in.
    pub owner: Option<Owner>,
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// How busy its machine was then.
    pub load: Load,
    /// What its worker has shown, up to its last heartbeat.
    pub record: Arc<Record>,
    /// Whether it is granted nothing more.
    pub draining: bool,
    /// When it ends unless it is renewed.
    pub expires_at: Timestamp,
}

impl SessionView {
    /// A session with how many tasks it holds.
    pub fn new(row: SessionRow, running: u32) -> Self {
        Self {
            id: row.id,
            worker: row.worker,
            name: row.name,
            labels: row.labels,
            task_types: row.task_types,
            slots: row.slots,
            running,
            owner: row.owner,
            seen_at: row.seen_at,
            load: row.load,
            record: row.record,
            draining: row.draining,
            expires_at: row.expires_at,
        }
    }

    /// Its worker as it is now.
    pub fn worker(self, now: Timestamp) -> Worker {
        Worker {
            id: self.worker,
            name: self.name,
            state: match self.draining {
                _ if self.expires_at <= now => WorkerState::Offline,
                true => WorkerState::Draining,
                false => WorkerState::Online,
            },
            labels: self.labels,
            task_types: self.task_types,
            slots: self.slots,
            running: self.running,
            cpu_percent: self.load.cpu_percent,
            memory_percent: self.load.memory_percent,
            disk_percent: self.load.disk_percent,
            last_seen_at: self.seen_at,
        }
    }

    /// What the choice of a worker depends on.
    pub fn standing(&self) -> Standing {
        Standing {
            session: self.id,
            worker: self.worker,
            slots: self.slots,
            running: self.running,
            load: self.load,
            record: self.record.clone(),
            draining: self.draining,
            seen_at: self.seen_at,
            expires_at: self.expires_at,
        }
    }
}

/// A limit key with its rule, and what counts against it.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitUse {
    /// The key.
    pub key: String,
    /// Its rule.
    pub rule: LimitRule,
    /// Tasks that run under it.
    pub running: u32,
    /// Tasks that were started under it within the last minute.
    pub started: u32,
    /// Tokens that were spent under it within the last minute.
    pub tokens: u64,
}

/// What there is to know about why a task is where it is; [`crate::domain::why`] turns it into words.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The task.
    pub task: Task,
    /// Stopped by an operator (or an ancestor's operator) or a budget.
    pub held: Option<super::row::Hold>,
    /// When its timer, backoff or start time comes.
    pub wake_at: Option<Timestamp>,
    /// The unsettled tasks that it waits for, at most 20 of them.
    pub waits_for: Vec<(TaskId, String, TaskState)>,
    /// How many unsettled tasks it waits for.
    pub waits_for_count: usize,
    /// Its place among parallel siblings, when it waits for one: the group's size.
    pub group_size: Option<u32>,
    /// Whether its queue is paused.
    pub queue_paused: bool,
    /// When it became ready, while it is.
    pub ready_at: Option<Timestamp>,
    /// The worker that keeps what it goes on with.
    pub kept_by: Option<WorkerId>,
    /// Its limit keys that have a rule, with what counts against each now.
    pub limits: Vec<LimitUse>,
    /// All sessions that have not ended.
    pub sessions: Vec<SessionView>,
    /// Ready tasks ahead of it in its lane, at most 1,000.
    pub ahead: usize,
    /// The nearest ancestor whose budget is spent, when `held` says so.
    pub spent_by: Option<TaskId>,
}
