//! How what is stored is written in columns.

pub(super) mod event;
pub(super) mod life;
pub(super) mod session;
pub(super) mod task;

use orchestrator_protocol::{Json, TaskState, Timestamp, Usage, Usd};
use serde::{Deserialize, Serialize};
use sqlx::{Row, sqlite::SqliteRow};

use super::fault;
use crate::store::error::StoreError;

/// The number of a state in the database.
pub(super) const fn state_code(state: TaskState) -> i64 {
    match state {
        TaskState::Blocked => 0,
        TaskState::Scheduled => 1,
        TaskState::Ready => 2,
        TaskState::Running => 3,
        TaskState::Waiting => 4,
        TaskState::Paused => 5,
        TaskState::NeedsAttention => 6,
        TaskState::Succeeded => 7,
        TaskState::Failed => 8,
        TaskState::Cancelled => 9,
    }
}

/// The state of a number.
pub(super) fn state_of(code: i64) -> Result<TaskState, StoreError> {
    TaskState::ALL
        .into_iter()
        .find(|state| state_code(*state) == code)
        .ok_or_else(|| fault::damaged("state", code))
}

/// A column of a row.
pub(super) fn column<'r, V>(row: &'r SqliteRow, index: usize) -> Result<V, StoreError>
where
    V: sqlx::Decode<'r, sqlx::Sqlite>,
{
    row.try_get_unchecked(index).map_err(|e| fault::damaged("row", e))
}

/// A JSON text as a value.
pub(super) fn parse<'t, V: Deserialize<'t>>(what: &str, text: &'t str) -> Result<V, StoreError> {
    serde_json::from_str(text).map_err(|e| fault::damaged(what, e))
}

/// A value as a JSON text.
pub(super) fn text<V: Serialize + ?Sized>(value: &V) -> String {
    serde_json::to_string(value).expect("what is stored has text keys and finite numbers only")
}

/// A UUID from sixteen bytes.
pub(super) fn uuid(bytes: &[u8]) -> Result<uuid::Uuid, StoreError> {
    uuid::Uuid::from_slice(bytes).map_err(|e| fault::damaged("id", e))
}

/// The length up to which inputs and outputs are kept with what belongs to them. Larger ones have their own place, so
/// that they are not written again, nor read where they are not wanted.
const SMALL: usize = 512;

/// Whether a value is kept with what belongs to it.
pub(super) fn is_small(value: &Json) -> bool {
    value.get().len() <= SMALL
}

/// A moment in microseconds.
pub(super) fn micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_micros)
}

/// Usage as `[input_tokens, output_tokens, cached_tokens, billionths of a dollar, seconds]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Spent(
    pub(super) u64,
    pub(super) u64,
    pub(super) u64,
    pub(super) i64,
    pub(super) f64,
);

impl From<&Usage> for Spent {
    fn from(usage: &Usage) -> Self {
        Self(
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_tokens,
            usage.cost_usd.as_nanos(),
            // JSON knows no other numbers.
            if usage.wall_s.is_finite() { usage.wall_s } else { 0.0 },
        )
    }
}

impl From<Spent> for Usage {
    fn from(spent: Spent) -> Self {
        Self {
            input_tokens: spent.0,
            output_tokens: spent.1,
            cached_tokens: spent.2,
            cost_usd: Usd::from_nanos(spent.3),
            wall_s: spent.4,
        }
    }
}
