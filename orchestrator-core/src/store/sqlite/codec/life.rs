//! Where a task is in its life, in columns.
//!
//! A row is changed several times, and one that keeps its length is changed where it is. So what is not there yet holds
//! the place of what will be: a time that never comes, an id of zeros, the bytes of a float, and leases so large that all
//! have the same length.

use orchestrator_protocol::{LeaseId, SessionId, Timestamp, WorkerId};
use uuid::Uuid;

use super::uuid;
use crate::store::{
    error::StoreError,
    row::TaskRow,
    sqlite::sql::{Cells, Insert},
    writer::codec::{damaged, life::More, state_code, text},
};

/// Writes rows of `life`, new or changed.
pub(in crate::store::sqlite) static PUT: Insert = Insert::new(
    "replace into life(key,state,lane,rank,queued,attempt,last_event,lease,last_lease,reported,session,worker,started_at,\
     finished_at,wall,more)",
    16,
    "",
);

/// The time that never comes. It is after every other.
const NEVER: i64 = i64::MAX;

/// No lease; that of number n is n more. SQLite keeps all of them in six bytes.
const NO_LEASE: i64 = 1 << 40;

/// No session, and no worker.
const NOBODY: &[u8; 16] = &[0; 16];

/// The parameters of one row of [`PUT`].
pub(in crate::store::sqlite) fn bind<'r>(cells: &mut Cells<'r>, row: &'r TaskRow) {
    cells.int(row.key.0);
    cells.int(state_code(row.state));
    cells.int(row.lane.0);
    cells.int(row.rank);
    cells.int(i64::from(row.queued));
    cells.int(i64::from(row.attempt));
    cells.int(row.last_event.0);
    cells.int(lease(row.lease));
    cells.int(lease(row.last_lease));
    cells.int(row.reported as i64);
    cells.id(row.session.as_ref().map_or(NOBODY, SessionId::as_bytes));
    cells.id(row.worker.as_ref().map_or(NOBODY, WorkerId::as_bytes));
    cells.int(time(row.started_at));
    cells.int(time(row.finished_at));
    cells.eight(row.usage.wall_s.to_be_bytes());
    let more = More::of(row).and_then(More::without_columns);
    cells.opt_text(more.map(|more| text(&more)));
}

fn lease(lease: Option<LeaseId>) -> i64 {
    NO_LEASE + lease.map_or(0, |lease| lease.0)
}

/// The lease of a column.
pub(super) fn lease_of(column: i64) -> Option<LeaseId> {
    (column != NO_LEASE).then_some(LeaseId(column - NO_LEASE))
}

fn time(at: Option<Timestamp>) -> i64 {
    at.map_or(NEVER, Timestamp::as_micros)
}

/// The time of a column, in microseconds.
pub(super) fn time_of(column: i64) -> Option<i64> {
    (column != NEVER).then_some(column)
}

/// The seconds of a column.
pub(in crate::store::sqlite) fn seconds_of(column: &[u8]) -> Result<f64, StoreError> {
    let bytes = <[u8; 8]>::try_from(column).map_err(|e| damaged("number", e))?;
    Ok(f64::from_be_bytes(bytes))
}

/// The session or worker of a column.
pub(super) fn who(column: &[u8]) -> Result<Option<Uuid>, StoreError> {
    if column == NOBODY {
        Ok(None)
    } else {
        uuid(column).map(Some)
    }
}
