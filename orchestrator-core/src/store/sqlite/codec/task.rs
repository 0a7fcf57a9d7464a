//! A task in columns.

use std::sync::Arc;

use orchestrator_protocol::{Json, LeaseId, NewTask, Seq, SessionId, TaskId, Timestamp, Usage, WorkerId};
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::{column, is_small, life::More, parse, state_of, text, uuid};
use crate::store::{
    error::StoreError,
    report::Group,
    row::{GateKind, Key, LaneId, TaskRow},
    sqlite::{
        fault,
        sql::{Cells, Insert},
    },
};

/// Writes rows of `task`.
pub(in crate::store::sqlite) static INSERT: Insert = Insert::new(
    "insert into task(key,id,parent,parent_id,root,root_id,step,place_group,group_size,idempotency_key,created_at,\
     body,input)",
    13,
    "",
);

/// The parameters of one row of [`INSERT`].
pub(in crate::store::sqlite) fn bind<'r>(cells: &mut Cells<'r>, row: &'r TaskRow) {
    let is_root = row.root == row.key;
    cells.int(row.key.0);
    cells.id(row.id.as_bytes());
    cells.opt_int(row.parent.map(|key| key.0));
    cells.opt_id(row.parent_id.as_ref().map(TaskId::as_bytes));
    cells.opt_int((!is_root).then_some(row.root.0));
    cells.opt_id((!is_root).then_some(row.root_id.as_bytes()));
    cells.opt_text(row.step.as_deref());
    cells.opt_text(row.group.as_ref().map(|g| g.name.as_str()));
    cells.opt_int(row.group.as_ref().map(|g| i64::from(g.size)));
    cells.opt_text(row.spec.idempotency_key.as_deref());
    cells.int(row.created_at.as_micros());
    if is_small(&row.spec.input) {
        cells.text(text(&*row.spec));
        cells.opt_text(None::<&str>);
    } else {
        let bare = NewTask {
            input: Json::NULL,
            ..NewTask::clone(&row.spec)
        };
        cells.text(text(&bare));
        cells.text(row.spec.input.get());
    }
}

/// Whether a task has something that is kept in `result`.
pub(in crate::store::sqlite) fn has_result(row: &TaskRow) -> bool {
    row.error.is_some() || row.output.as_ref().is_some_and(|output| !is_small(output))
}

/// Writes rows of `result`.
pub(in crate::store::sqlite) static PUT_RESULT: Insert = Insert::new(
    "insert into result(key,output,error)",
    3,
    " on conflict(key) do update set output=excluded.output,error=excluded.error",
);

/// The parameters of one row of [`PUT_RESULT`].
pub(in crate::store::sqlite) fn bind_result<'r>(cells: &mut Cells<'r>, row: &'r TaskRow) {
    cells.int(row.key.0);
    cells.opt_text(row.output.as_ref().filter(|o| !is_small(o)).map(Json::get));
    cells.opt_text(row.error.as_ref().map(text));
}

/// What [`decode`] reads, from `task t join life l`, up to the `where`. Each column costs, so small ones come together.
pub(in crate::store::sqlite) const SELECT: &str = "select t.id,json_array(t.key,t.created_at,l.state,l.lane,l.rank,\
    l.queued,l.attempt,l.last_event,l.lease,l.started_at,l.finished_at,hex(l.session),hex(l.worker)),\
    case when t.parent is null then null else json_array(t.parent,hex(t.parent_id),t.root,hex(t.root_id),t.step,\
    t.place_group,t.group_size) end,l.more,t.body,t.input,coalesce(l.output,r.output),r.error \
    from task t join life l on l.key=t.key left join result r on r.key=t.key ";

/// The numbers of a task: key, created, state, lane, rank, queued, attempt, last event, lease, started, finished; and
/// its session and worker.
type Numbers<'t> = (
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    u32,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    &'t str,
    &'t str,
);

/// The place of a child in its tree.
type Family<'t> = (i64, &'t str, i64, &'t str, Option<String>, Option<String>, Option<u32>);

/// A row of [`SELECT`].
pub(in crate::store::sqlite) fn decode(row: &SqliteRow) -> Result<TaskRow, StoreError> {
    let id = TaskId::from_uuid(uuid(column(row, 0)?)?);
    let numbers: Numbers<'_> = parse("task", column(row, 1)?)?;
    let (key, created, state, lane, rank, queued, attempt, last_event, lease, started, finished, session, worker) =
        numbers;
    let key = Key(key);
    let family: Option<&str> = column(row, 2)?;
    let more: Option<&str> = column(row, 3)?;
    let mut spec: NewTask = parse("task", column(row, 4)?)?;
    if let Some(input) = json(column(row, 5)?)? {
        spec.input = input;
    }
    let error: Option<&str> = column(row, 7)?;
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
        lane: LaneId(lane),
        created_at: Timestamp::from_micros(created),
        state: state_of(state)?,
        attempt,
        failures: 0,
        losses: 0,
        lease: lease.map(LeaseId),
        last_lease: None,
        reported: 0,
        session: hex(session)?.map(SessionId::from_uuid),
        worker: hex(worker)?.map(WorkerId::from_uuid),
        held: None,
        cancel: None,
        wake_at: None,
        gate: None,
        gate_kind: GateKind::Dependencies,
        queued: queued != 0,
        suspended: false,
        rank,
        has_history: false,
        has_children: false,
        has_waiters: false,
        progress: None,
        output: json(column(row, 6)?)?,
        error: error.map(|text| parse("task", text)).transpose()?,
        usage: Usage::default(),
        tree_usage: Usage::default(),
        started_at: started.map(Timestamp::from_micros),
        finished_at: finished.map(Timestamp::from_micros),
        retried: None,
        budget_lifted: false,
        last_event: Seq(last_event),
    };
    if let Some(family) = family {
        place(&mut task, parse("task", family)?)?;
    }
    if let Some(more) = more {
        parse::<More>("task", more)?.fill(&mut task);
    }
    Ok(task)
}

/// The UUID of hexadecimal digits, if there are any.
fn hex(digits: &str) -> Result<Option<Uuid>, StoreError> {
    if digits.is_empty() {
        return Ok(None);
    }
    Uuid::try_parse(digits).map(Some).map_err(|e| fault::damaged("id", e))
}

/// Says where a child is in its tree.
fn place(task: &mut TaskRow, family: Family<'_>) -> Result<(), StoreError> {
    let (parent, parent_id, root, root_id, step, group, size) = family;
    task.parent = Some(Key(parent));
    task.parent_id = hex(parent_id)?.map(TaskId::from_uuid);
    task.root = Key(root);
    task.root_id = hex(root_id)?.map_or(task.id, TaskId::from_uuid);
    task.step = step;
    task.group = group.zip(size).map(|(name, size)| Group { name, size });
    Ok(())
}

/// A JSON column.
fn json(text: Option<&str>) -> Result<Option<Json>, StoreError> {
    text.map(|text| Json::parse(text).map_err(|e| fault::damaged("JSON value", e)))
        .transpose()
}
