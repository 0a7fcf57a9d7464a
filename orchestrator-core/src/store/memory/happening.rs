//! An event as the shelf keeps it: small, since every task has several.

use orchestrator_protocol::{Event, EventBody, EventType, Seq, TaskState, Timestamp, WorkerId};

use crate::store::{
    row::{Key, TaskRow},
    tx::EventRow,
};

/// A durable event without what its task tells.
pub(super) struct Happening {
    pub(super) seq: Seq,
    pub(super) at: Timestamp,
    pub(super) key: Key,
    pub(super) kind: EventType,
    state: Option<TaskState>,
    attempt: u32,
    worker: Option<WorkerId>,
    /// The whole body, where it says more than a plain change of state or a creation.
    more: Option<Box<EventBody>>,
}

impl Happening {
    pub(super) fn of(row: &EventRow) -> Self {
        let event = &row.event;
        let body = &event.body;
        let plain = match event.kind {
            EventType::TaskCreated => true,
            EventType::TaskState => body.error.is_none() && body.text.is_none() && body.placement.is_none(),
            _ => false,
        };
        Self {
            seq: event.seq,
            at: event.at,
            key: row.key,
            kind: event.kind,
            state: body.state,
            attempt: body.attempt.unwrap_or(0),
            worker: body.worker_id,
            more: (!plain).then(|| Box::new(body.clone())),
        }
    }

    /// The event as it was recorded.
    pub(super) fn event(&self, task: &TaskRow) -> Event {
        let body = match &self.more {
            Some(body) => EventBody::clone(body),
            None => EventBody {
                state: self.state,
                attempt: (self.attempt > 0).then_some(self.attempt),
                worker_id: self.worker,
                ..EventBody::default()
            },
        };
        let (task_id, root_id) = (Some(task.id), Some(task.root_id));
        let mut event = Event {
            seq: self.seq,
            at: self.at,
            kind: self.kind,
            task_id,
            root_id,
            body,
        };
        if self.kind == EventType::TaskCreated {
            event.body.task_type = Some(task.spec.task_type.clone());
            event.body.parent_id = task.parent_id;
            event.body.step.clone_from(&task.step);
        }
        event
    }
}
