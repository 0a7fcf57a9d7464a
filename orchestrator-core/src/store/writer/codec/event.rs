//! Events without what their tasks tell of them.

use orchestrator_protocol::{Event, EventBody, EventType, Seq, TaskState, Timestamp, WorkerId};

use super::text;
use crate::store::{row::Key, tx::EventRow};

/// A durable event without what its task tells of it.
#[derive(Debug)]
pub struct Happening {
    /// Its place in the history.
    pub seq: Seq,
    /// Its task.
    pub key: Key,
    /// The task's event before it; 0: none.
    pub previous: Seq,
    /// When.
    pub at: Timestamp,
    /// Of which type it is.
    pub kind: EventType,
    /// The state that it says.
    pub state: Option<TaskState>,
    /// The attempt that it says.
    pub attempt: Option<u32>,
    /// The worker that it names.
    pub worker: Option<WorkerId>,
    /// What else it says, as JSON.
    pub more: Option<String>,
}

impl From<&EventRow> for Happening {
    fn from(row: &EventRow) -> Self {
        let event = &row.event;
        Self {
            seq: event.seq,
            key: row.key,
            previous: row.previous,
            at: event.at,
            kind: event.kind,
            state: event.body.state,
            attempt: event.body.attempt,
            worker: event.body.worker_id,
            more: more(event),
        }
    }
}

/// What an event says beyond its columns, if anything.
fn more(event: &Event) -> Option<String> {
    let created = event.kind == EventType::TaskCreated;
    // Every field is named, so that a new one is not lost.
    let EventBody {
        state: _,
        attempt: _,
        worker_id: _,
        task_type,
        parent_id,
        step,
        progress,
        stream,
        text: words,
        usage,
        error,
        decision,
        placement,
        lost,
        data,
    } = &event.body;
    let told_by_task = created || (task_type.is_none() && parent_id.is_none() && step.is_none());
    let plain = words.is_none() && error.is_none() && usage.is_none() && data.is_none() && decision.is_none();
    let small = progress.is_none() && stream.is_none() && lost.is_none() && placement.is_none();
    if told_by_task && plain && small {
        return None;
    }
    let mut more = EventBody {
        state: None,
        attempt: None,
        worker_id: None,
        ..event.body.clone()
    };
    if created {
        more.task_type = None;
        more.parent_id = None;
        more.step = None;
    }
    Some(text(&more))
}

impl Happening {
    /// Whether a worker began to run the task.
    pub fn is_start(&self) -> bool {
        self.kind == EventType::TaskState && self.state == Some(TaskState::Running)
    }
}
