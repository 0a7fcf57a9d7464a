//! Events, lines and steps in columns.

use orchestrator_protocol::{Event, EventBody, EventType, Json, LogLine, Seq, TaskId, Timestamp, WorkerId};
use sqlx::sqlite::SqliteRow;

use super::{column, uuid};
use crate::store::{
    error::StoreError,
    row::Key,
    sqlite::sql::{Cells, Insert},
    writer::codec::{event::Happening, kind_code, kind_of, parse, state_code, state_of},
};

/// Writes rows of `event`.
pub(in crate::store::sqlite) static INSERT: Insert = Insert::new(
    "insert into event(seq,task,previous,at,kind,state,attempt,worker,more)",
    9,
    "",
);

/// The parameters of one row of [`INSERT`].
pub(in crate::store::sqlite) fn bind<'r>(cells: &mut Cells<'r>, event: &'r Happening) {
    cells.int(event.seq.0);
    cells.int(event.key.0);
    cells.int(event.previous.0);
    cells.int(event.at.as_micros());
    cells.int(kind_code(event.kind));
    cells.opt_int(event.state.map(state_code));
    cells.opt_int(event.attempt.map(i64::from));
    cells.opt_id(event.worker.as_ref().map(WorkerId::as_bytes));
    cells.opt_text(event.more.as_deref());
}

/// What [`decode`] reads, from `event e join task t`, up to the `where`.
pub(in crate::store::sqlite) const SELECT: &str = "select e.seq,e.at,e.kind,e.state,e.attempt,e.worker,e.more,t.id,\
    t.root_id,case e.kind when 0 then t.body->>'task_type' end,t.parent_id,t.step \
    from event e join task t on t.key=e.task ";

/// A row of [`SELECT`].
pub(in crate::store::sqlite) fn decode(row: &SqliteRow) -> Result<Event, StoreError> {
    let more: Option<&str> = column(row, 6)?;
    let mut body: EventBody = more.map(|text| parse("event", text)).transpose()?.unwrap_or_default();
    let state: Option<i64> = column(row, 3)?;
    body.state = state.map(state_of).transpose()?;
    body.attempt = column::<Option<i64>>(row, 4)?.map(|n| n as u32);
    let worker: Option<&[u8]> = column(row, 5)?;
    body.worker_id = worker.map(|b| uuid(b).map(WorkerId::from_uuid)).transpose()?;
    let task = TaskId::from_uuid(uuid(column(row, 7)?)?);
    let id = |bytes: Option<&[u8]>| bytes.map(|b| uuid(b).map(TaskId::from_uuid)).transpose();
    let root = id(column(row, 8)?)?;
    let kind = kind_of(column(row, 2)?)?;
    if kind == EventType::TaskCreated {
        body.task_type = column(row, 9)?;
        body.parent_id = id(column(row, 10)?)?;
        body.step = column(row, 11)?;
    }
    Ok(Event {
        seq: Seq(column(row, 0)?),
        at: Timestamp::from_micros(column(row, 1)?),
        kind,
        task_id: Some(task),
        root_id: Some(root.unwrap_or(task)),
        body,
    })
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
