//! Events, lines and steps in columns.

use orchestrator_protocol::{Event, EventBody, EventType, Json, LogLine, TaskId};
use sqlx::sqlite::SqliteRow;

use super::{column, uuid};
use crate::store::{
    error::StoreError,
    row::Key,
    sqlite::sql::{Cells, Insert},
    writer::codec::{event::Happening, parse},
};

/// What [`Teller::decode`] reads, from `task t`, up to the `where`.
pub(in crate::store::sqlite) const TELLER: &str =
    "select t.key,t.id,t.root_id,t.parent_id,t.step,t.body->>'task_type' from task t ";

/// A task, as far as its events tell of it.
pub(in crate::store::sqlite) struct Teller {
    id: TaskId,
    root: TaskId,
    parent: Option<TaskId>,
    step: Option<String>,
    task_type: String,
}

impl Teller {
    /// A row of [`TELLER`], with the task's key.
    pub(in crate::store::sqlite) fn decode(row: &SqliteRow) -> Result<(Key, Self), StoreError> {
        let id = |bytes: Option<&[u8]>| bytes.map(|b| uuid(b).map(TaskId::from_uuid)).transpose();
        let task = TaskId::from_uuid(uuid(column(row, 1)?)?);
        let teller = Self {
            id: task,
            root: id(column(row, 2)?)?.unwrap_or(task),
            parent: id(column(row, 3)?)?,
            step: column(row, 4)?,
            task_type: column(row, 5)?,
        };
        Ok((Key(column(row, 0)?), teller))
    }

    /// An event of the task.
    pub(in crate::store::sqlite) fn tell(&self, event: &Happening) -> Result<Event, StoreError> {
        let more = event.more.as_deref();
        let mut body: EventBody = more.map(|text| parse("event", text)).transpose()?.unwrap_or_default();
        body.state = event.state;
        body.attempt = event.attempt;
        body.worker_id = event.worker;
        if event.kind == EventType::TaskCreated {
            body.task_type = Some(self.task_type.clone());
            body.parent_id = self.parent;
            body.step.clone_from(&self.step);
        }
        Ok(Event {
            seq: event.seq,
            at: event.at,
            kind: event.kind,
            task_id: Some(self.id),
            root_id: Some(self.root),
            body,
        })
    }
}

/// Writes rows of `log`.
pub(in crate::store::sqlite) static INSERT_LOG: Insert = Insert::new("insert into log(task,seq,at,stream,line)", 5, "");

/// The parameters of one row of [`INSERT_LOG`].
pub(in crate::store::sqlite) fn bind_log<'r>(cells: &mut Cells<'r>, (task, line): &'r (Key, LogLine)) {
    cells.int(task.0);
    cells.int(line.seq.0);
    cells.int(line.at.as_micros());
    cells.text(line.stream.as_str());
    cells.text(line.text.as_str());
}

/// Writes rows of `step`.
pub(in crate::store::sqlite) static INSERT_STEP: Insert = Insert::new("insert into step(task,name,output)", 3, "");

/// The parameters of one row of [`INSERT_STEP`].
pub(in crate::store::sqlite) fn bind_step<'r>(cells: &mut Cells<'r>, (task, name, output): &'r (Key, String, Json)) {
    cells.int(task.0);
    cells.text(name.as_str());
    cells.text(output.get());
}
