//! A task in columns.

use std::sync::Arc;

use orchestrator_protocol::{Json, LeaseId, NewTask, Seq, SessionId, TaskId, Timestamp, Usage, WorkerId};
use sqlx::sqlite::SqliteRow;

use super::{column, life::More, parse, state_of, text, uuid};
use crate::store::{
    error::StoreError,
    report::Group,
    row::{GateKind, Key, LaneId, TaskRow},
    sqlite::{
        fault,
        sql::{Args, Insert},
    },
};

/// Writes rows of `task`.
pub(in crate::store::sqlite) static INSERT: Insert = Insert::new(
    "insert into task(key,id,parent,parent_id,root,root_id,step,place_group,group_size,idempotency_key,created_at,\
     body,input) values",
    13,
    "",
);

/// The parameters of one row of [`INSERT`].
pub(in crate::store::sqlite) fn bind(args: &mut Args, row: &TaskRow) {
    let is_root = row.root == row.key;
    args.int(row.key.0);
    args.id(row.id.as_bytes());
    args.opt_int(row.parent.map(|key| key.0));
    args.opt_id(row.parent_id.as_ref().map(TaskId::as_bytes));
    args.opt_int((!is_root).then_some(row.root.0));
    args.opt_id((!is_root).then_some(row.root_id.as_bytes()));
    args.opt_text(row.step.as_deref());
    args.opt_text(row.group.as_ref().map(|g| g.name.as_str()));
    args.opt_int(row.group.as_ref().map(|g| i64::from(g.size)));
    args.opt_text(row.spec.idempotency_key.as_deref());
    args.int(row.created_at.as_micros());
    let bare = NewTask {
        input: Json::NULL,
        ..NewTask::clone(&row.spec)
    };
    args.text(text(&bare));
    args.opt_text((!row.spec.input.is_null()).then(|| row.spec.input.get()));
}

/// Writes rows of `result`.
pub(in crate::store::sqlite) static PUT_RESULT: Insert = Insert::new(
    "insert into result(key,output,error) values",
    3,
    " on conflict(key) do update set output=excluded.output,error=excluded.error",
);

/// The parameters of one row of [`PUT_RESULT`].
pub(in crate::store::sqlite) fn bind_result(args: &mut Args, row: &TaskRow) {
    args.int(row.key.0);
    args.opt_text(row.output.as_ref().map(Json::get));
    args.opt_text(row.error.as_ref().map(text));
}

/// What [`decode`] reads, from `task t join life l`, up to the `where`. Each column costs, so small ones come together.
pub(in crate::store::sqlite) const SELECT: &str = "select t.key,t.id,\
    case when t.parent is null then null else json_array(t.parent,hex(t.parent_id),t.root,hex(t.root_id),t.step,\
    t.place_group,t.group_size) end,\
    json_array(t.created_at,l.state,l.lane,l.rank,l.queued,l.attempt,l.last_event,l.lease,l.started_at,l.finished_at),\
    l.session,l.worker,l.more,t.body,t.input,r.output,r.error \
    from task t join life l on l.key=t.key left join result r on r.key=t.key ";

/// The place of a child in its tree.
type Family = (i64, String, i64, String, Option<String>, Option<String>, Option<u32>);

/// The numbers of a task: created, state, lane, rank, queued, attempt, last event, lease, started, finished.
type Numbers = (i64, i64, i64, i64, i64, u32, i64, Option<i64>, Option<i64>, Option<i64>);

/// A row of [`SELECT`].
pub(in crate::store::sqlite) fn decode(row: &SqliteRow) -> Result<TaskRow, StoreError> {
    let key = Key(column(row, 0)?);
    let id = TaskId::from_uuid(uuid(column(row, 1)?)?);
    let family: Option<&str> = column(row, 2)?;
    let family: Option<Family> = family.map(|text| parse("task", text)).transpose()?;
    let numbers: Numbers = parse("task", column(row, 3)?)?;
    let session: Option<&[u8]> = column(row, 4)?;
    let worker: Option<&[u8]> = column(row, 5)?;
    let more: Option<&str> = column(row, 6)?;
    let mut spec: NewTask = parse("task", column(row, 7)?)?;
    spec.input = json(column(row, 8)?)?.unwrap_or_default();
    let error: Option<&str> = column(row, 10)?;
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
        lane: LaneId(numbers.2),
        created_at: Timestamp::from_micros(numbers.0),
        state: state_of(numbers.1)?,
        attempt: numbers.5,
        failures: 0,
        losses: 0,
        lease: numbers.7.map(LeaseId),
        last_lease: None,
        reported: 0,
        session: session.map(|b| uuid(b).map(SessionId::from_uuid)).transpose()?,
        worker: worker.map(|b| uuid(b).map(WorkerId::from_uuid)).transpose()?,
        held: None,
        cancel: None,
        wake_at: None,
        gate: None,
        gate_kind: GateKind::Dependencies,
        queued: numbers.4 != 0,
        suspended: false,
        rank: numbers.3,
        has_history: false,
        has_children: false,
        has_waiters: false,
        progress: None,
        output: json(column(row, 9)?)?,
        error: error.map(|text| parse("task", text)).transpose()?,
        usage: Usage::default(),
        tree_usage: Usage::default(),
        started_at: numbers.8.map(Timestamp::from_micros),
        finished_at: numbers.9.map(Timestamp::from_micros),
        retried_at: None,
        budget_lifted: false,
        last_event: Seq(numbers.6),
    };
    if let Some(family) = family {
        place(&mut task, family)?;
    }
    if let Some(more) = more {
        parse::<More>("task", more)?.fill(&mut task);
    }
    Ok(task)
}

/// Says where a child is in its tree.
fn place(task: &mut TaskRow, family: Family) -> Result<(), StoreError> {
    let id = |hex: &str| hex.parse().map_err(|e| fault::damaged("id", e));
    let (parent, parent_id, root, root_id, step, group, size) = family;
    task.parent = Some(Key(parent));
    task.parent_id = Some(id(&parent_id)?);
    task.root = Key(root);
    task.root_id = id(&root_id)?;
    task.step = step;
    task.group = group.zip(size).map(|(name, size)| Group { name, size });
    Ok(())
}

/// A JSON column.
fn json(text: Option<&str>) -> Result<Option<Json>, StoreError> {
    text.map(|text| Json::parse(text).map_err(|e| fault::damaged("JSON value", e)))
        .transpose()
}
