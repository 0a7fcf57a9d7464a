//! What was submitted, and what came of it.

use std::sync::Arc;

use orchestrator_protocol::{Json, LeaseId, NewTask, Seq, SessionId, TaskId, Timestamp, Usage, WorkerId};
use uuid::Uuid;

use super::{is_small, json, life::More, parse, state_of, text};
use crate::store::{
    error::StoreError,
    report::Group,
    row::{GateKind, Key, LaneId, TaskRow},
};

/// A task as submitted, and its input apart from it where that is large.
pub fn body(spec: &NewTask) -> (String, Option<&str>) {
    if is_small(&spec.input) {
        return (text(spec), None);
    }
    let bare = NewTask {
        input: Json::NULL,
        ..spec.clone()
    };
    (text(&bare), Some(spec.input.get()))
}

/// Whether a task has something that is kept apart: an error, or a large output.
pub fn has_result(row: &TaskRow) -> bool {
    row.error.is_some() || row.output.as_ref().is_some_and(|output| !is_small(output))
}

/// A task as its columns say it.
#[derive(Debug, Clone)]
pub struct Columns<'r> {
    /// The store's number of it.
    pub key: i64,
    /// Its id.
    pub id: Uuid,
    /// Its place in its tree; none: it is the topmost.
    pub family: Option<Family>,
    /// When it was submitted.
    pub created_at: i64,
    /// Where it is, as [`super::state_code`].
    pub state: i64,
    /// Where it queues.
    pub lane: i64,
    /// Where it stands there.
    pub rank: i64,
    /// Whether it is blocked for want of a place in its group.
    pub queued: bool,
    /// The session that holds its lease, or held it last.
    pub session: Option<Uuid>,
    /// The worker of that session.
    pub worker: Option<Uuid>,
    /// Its lease.
    pub lease: Option<i64>,
    /// How often it was started.
    pub attempt: u32,
    /// Its newest event.
    pub last_event: i64,
    /// When it was first started.
    pub started_at: Option<i64>,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// What was submitted, as [`body`] writes it.
    pub body: &'r str,
    /// The input, where it is apart.
    pub input: Option<&'r str>,
    /// What it gave.
    pub output: Option<&'r str>,
    /// Why it failed last.
    pub error: Option<&'r str>,
    /// [`More`] as JSON.
    pub more: Option<&'r str>,
}

/// The place of a child in its tree.
#[derive(Debug, Clone)]
pub struct Family {
    /// Its parent.
    pub parent: i64,
    /// Its parent's id.
    pub parent_id: Option<Uuid>,
    /// The topmost task of its tree.
    pub root: i64,
    /// That task's id.
    pub root_id: Option<Uuid>,
    /// Its name within its parent.
    pub step: Option<String>,
    /// The siblings with which it shares places, and how many places there are.
    pub group: Option<(String, u32)>,
}

impl Columns<'_> {
    /// The task.
    ///
    /// # Errors
    ///
    /// Something is damaged.
    pub fn decode(self) -> Result<TaskRow, StoreError> {
        let (key, id) = (Key(self.key), TaskId::from_uuid(self.id));
        let mut spec: NewTask = parse("task", self.body)?;
        if let Some(input) = json(self.input)? {
            spec.input = input;
        }
        let mut task = TaskRow {
            key,
            id,
            parent: None,
            parent_id: None,
            root: key,
            root_id: id,
            step: None,
            group: None,
            spec: Arc::new(spec),
            lane: LaneId(self.lane),
            created_at: Timestamp::from_micros(self.created_at),
            state: state_of(self.state)?,
            attempt: self.attempt,
            failures: 0,
            losses: 0,
            lease: self.lease.map(LeaseId),
            last_lease: None,
            reported: 0,
            session: self.session.map(SessionId::from_uuid),
            worker: self.worker.map(WorkerId::from_uuid),
            held: None,
            cancel: None,
            wake_at: None,
            gate: None,
            gate_kind: GateKind::Dependencies,
            queued: self.queued,
            suspended: false,
            rank: self.rank,
            has_history: false,
            has_children: false,
            has_waiters: false,
            progress: None,
            output: json(self.output)?,
            error: self.error.map(|text| parse("task", text)).transpose()?,
            usage: Usage::default(),
            tree_usage: Usage::default(),
            started_at: self.started_at.map(Timestamp::from_micros),
            finished_at: self.finished_at.map(Timestamp::from_micros),
            retried: None,
            budget_lifted: false,
            last_event: Seq(self.last_event),
        };
        if let Some(family) = self.family {
            task.parent = Some(Key(family.parent));
            task.parent_id = family.parent_id.map(TaskId::from_uuid);
            task.root = Key(family.root);
            task.root_id = family.root_id.map_or(id, TaskId::from_uuid);
            task.step = family.step;
            task.group = family.group.map(|(name, size)| Group { name, size });
        }
        if let Some(more) = self.more {
            parse::<More>("task", more)?.fill(&mut task);
        }
        Ok(task)
    }
}
