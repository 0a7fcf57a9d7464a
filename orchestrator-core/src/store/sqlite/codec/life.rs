//! Where a task is in its life, in columns.

use orchestrator_protocol::{Json, SessionId, WorkerId};

use crate::store::{
    row::TaskRow,
    sqlite::sql::{Cells, Insert},
    writer::codec::{is_small, life::More, micros, state_code, text},
};

/// Writes rows of `life`, new or changed.
pub(in crate::store::sqlite) static PUT: Insert = Insert::new(
    "replace into life(key,state,lane,rank,queued,session,worker,lease,attempt,last_event,started_at,finished_at,output,\
     more)",
    14,
    "",
);

/// The parameters of one row of [`PUT`].
pub(in crate::store::sqlite) fn bind<'r>(cells: &mut Cells<'r>, row: &'r TaskRow) {
    cells.int(row.key.0);
    cells.int(state_code(row.state));
    cells.int(row.lane.0);
    cells.int(row.rank);
    cells.int(i64::from(row.queued));
    cells.opt_id(row.session.as_ref().map(SessionId::as_bytes));
    cells.opt_id(row.worker.as_ref().map(WorkerId::as_bytes));
    cells.opt_int(row.lease.map(|l| l.0));
    cells.int(i64::from(row.attempt));
    cells.int(row.last_event.0);
    cells.opt_int(micros(row.started_at));
    cells.opt_int(micros(row.finished_at));
    cells.opt_text(row.output.as_ref().filter(|o| is_small(o)).map(Json::get));
    cells.opt_text(More::of(row).map(|more| text(&more)));
}
