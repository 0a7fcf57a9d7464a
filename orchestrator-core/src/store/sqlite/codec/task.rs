//! A task in columns.

use orchestrator_protocol::{Json, TaskId};
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::{column, life, uuid};
use crate::store::{
    error::StoreError,
    row::TaskRow,
    sqlite::sql::{Cells, Insert},
    writer::codec::{
        damaged, parse,
        task::{Columns, Family, body},
        text,
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
    let (body, input) = body(&row.spec);
    cells.text(body);
    cells.opt_text(input);
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
    cells.opt_text(row.output.as_ref().map(Json::get));
    cells.opt_text(row.error.as_ref().map(text));
}

/// What [`decode`] reads, from `task t join life l`, up to the `where`. Each column costs, so small ones come together.
pub(in crate::store::sqlite) const SELECT: &str = "select t.id,json_array(t.key,t.created_at,l.state,l.lane,l.rank,\
    l.queued,l.attempt,l.last_event,l.lease,l.last_lease,l.reported,l.started_at,l.finished_at),l.session,l.worker,\
    l.wall,case when t.parent is null then null else json_array(t.parent,hex(t.parent_id),t.root,hex(t.root_id),t.step,\
    t.place_group,t.group_size) end,l.more,t.body,t.input,r.output,r.error \
    from task t join life l on l.key=t.key left join result r on r.key=t.key ";

/// The numbers of a task: key, created, state, lane, rank, queued, attempt, last event, lease, last lease, reported,
/// started, finished.
type Numbers = [i64; 13];

/// The place of a child in its tree.
type Place<'t> = (i64, &'t str, i64, &'t str, Option<String>, Option<String>, Option<u32>);

/// A row of [`SELECT`].
pub(in crate::store::sqlite) fn decode(row: &SqliteRow) -> Result<TaskRow, StoreError> {
    let [
        key,
        created_at,
        state,
        lane,
        rank,
        queued,
        attempt,
        last_event,
        lease,
        last_lease,
        reported,
        started_at,
        finished_at,
    ]: Numbers = parse("task", column(row, 1)?)?;
    let family: Option<&str> = column(row, 5)?;
    let columns = Columns {
        key,
        id: uuid(column(row, 0)?)?,
        family: family.map(|text| place(parse("task", text)?)).transpose()?,
        created_at,
        state,
        lane,
        rank,
        queued: queued != 0,
        session: life::who(column(row, 2)?)?,
        worker: life::who(column(row, 3)?)?,
        lease: life::lease_of(lease).map(|lease| lease.0),
        attempt: attempt as u32,
        last_event,
        started_at: life::time_of(started_at),
        finished_at: life::time_of(finished_at),
        body: column(row, 7)?,
        input: column(row, 8)?,
        output: column(row, 9)?,
        error: column(row, 10)?,
        more: column(row, 6)?,
    };
    let mut task = columns.decode()?;
    task.last_lease = life::lease_of(last_lease);
    task.reported = reported as u64;
    // What a tree has spent is left out where it is what its root has.
    let is_alone = task.tree_usage == task.usage;
    task.usage.wall_s = life::seconds_of(column(row, 4)?)?;
    if is_alone {
        task.tree_usage.wall_s = task.usage.wall_s;
    }
    Ok(task)
}

/// The UUID of hexadecimal digits, if there are any.
fn hex(digits: &str) -> Result<Option<Uuid>, StoreError> {
    if digits.is_empty() {
        return Ok(None);
    }
    Uuid::try_parse(digits).map(Some).map_err(|e| damaged("id", e))
}

/// Where a child is in its tree.
fn place((parent, parent_id, root, root_id, step, group, size): Place<'_>) -> Result<Family, StoreError> {
    Ok(Family {
        parent,
        parent_id: hex(parent_id)?,
        root,
        root_id: hex(root_id)?,
        step,
        group: group.zip(size),
    })
}
