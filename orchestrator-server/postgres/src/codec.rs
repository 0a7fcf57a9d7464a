//! How what is stored is read from columns.

use orchestrator_core::store::{
    StoreError,
    row::TaskRow,
    writer::codec::{
        damaged, kind_of, parse, state_of,
        task::{Columns, Family},
    },
};
use orchestrator_protocol::{Event, EventBody, EventType, Seq, TaskId, Timestamp, WorkerId};
use sqlx::{Row, postgres::PgRow};
use uuid::Uuid;

use crate::words::told;

/// A column of a row.
pub(crate) fn column<'r, V>(row: &'r PgRow, index: usize) -> Result<V, StoreError>
where
    V: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(index).map_err(|e| damaged("row", e))
}

/// What [`task`] reads, from `task t join life l`, up to the `where`.
pub(crate) const TASK: &str = "select t.key,t.id,t.parent,t.parent_id,t.root,t.root_id,t.step,t.place_group,t.group_size,\
    t.created_at,l.state,l.lane,l.rank,l.queued,l.session,l.worker,l.lease,l.attempt,l.last_event,l.started_at,\
    l.finished_at,t.body,t.input,coalesce(l.output,r.output),r.error,l.more \
    from task t join life l on l.key=t.key left join result r on r.key=t.key ";

/// A row of [`TASK`].
pub(crate) fn task(row: &PgRow) -> Result<TaskRow, StoreError> {
    let parent: Option<i64> = column(row, 2)?;
    let family = parent.map(|parent| family(row, parent)).transpose()?;
    let columns = Columns {
        key: column(row, 0)?,
        id: column(row, 1)?,
        family,
        created_at: column(row, 9)?,
        state: i64::from(column::<i16>(row, 10)?),
        lane: column(row, 11)?,
        rank: column(row, 12)?,
        queued: column(row, 13)?,
        session: column(row, 14)?,
        worker: column(row, 15)?,
        lease: column(row, 16)?,
        attempt: column::<i32>(row, 17)? as u32,
        last_event: column(row, 18)?,
        started_at: column(row, 19)?,
        finished_at: column(row, 20)?,
        body: column(row, 21)?,
        input: column(row, 22)?,
        output: column(row, 23)?,
        error: column(row, 24)?,
        more: column(row, 25)?,
    };
    columns.decode()
}

fn family(row: &PgRow, parent: i64) -> Result<Family, StoreError> {
    let group = column::<Option<String>>(row, 7)?.map(told);
    let size: Option<i32> = column(row, 8)?;
    Ok(Family {
        parent,
        parent_id: column(row, 3)?,
        root: column::<Option<i64>>(row, 4)?.unwrap_or(parent),
        root_id: column(row, 5)?,
        step: column::<Option<String>>(row, 6)?.map(told),
        group: group.zip(size.map(|size| size as u32)),
    })
}

/// What [`event`] reads, from `event e join task t`, up to the `where`.
pub(crate) const EVENT: &str = "select e.seq,e.at,e.kind,e.state,e.attempt,e.worker,e.more,t.id,t.root_id,\
    case e.kind when 0 then n.task_type end,t.parent_id,t.step \
    from event e join task t on t.key=e.task left join life m on m.key=t.key and e.kind=0 left join lane n on n.id=m.lane ";

/// A row of [`EVENT`].
pub(crate) fn event(row: &PgRow) -> Result<Event, StoreError> {
    let more: Option<&str> = column(row, 6)?;
    let mut body: EventBody = more.map(|text| parse("event", text)).transpose()?.unwrap_or_default();
    let state: Option<i16> = column(row, 3)?;
    body.state = state.map(|code| state_of(i64::from(code))).transpose()?;
    body.attempt = column::<Option<i32>>(row, 4)?.map(|n| n as u32);
    body.worker_id = column::<Option<Uuid>>(row, 5)?.map(WorkerId::from_uuid);
    let task = TaskId::from_uuid(column(row, 7)?);
    let root: Option<Uuid> = column(row, 8)?;
    let kind = kind_of(i64::from(column::<i16>(row, 2)?))?;
    if kind == EventType::TaskCreated {
        body.task_type = column::<Option<String>>(row, 9)?.map(told);
        body.parent_id = column::<Option<Uuid>>(row, 10)?.map(TaskId::from_uuid);
        body.step = column::<Option<String>>(row, 11)?.map(told);
    }
    Ok(Event {
        seq: Seq(column(row, 0)?),
        at: Timestamp::from_micros(column(row, 1)?),
        kind,
        task_id: Some(task),
        root_id: Some(root.map_or(task, TaskId::from_uuid)),
        body,
    })
}
