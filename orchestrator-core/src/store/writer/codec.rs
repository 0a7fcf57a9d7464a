//! How what is stored is written as numbers and JSON, the same in every database.

pub mod event;
pub mod life;
pub mod session;
pub mod task;

use std::fmt::Display;

use orchestrator_protocol::{EventType, Json, TaskState, Timestamp, Usage, Usd};
use serde::{Deserialize, Serialize};

use crate::store::error::StoreError;

/// What was stored cannot be read again.
pub fn damaged(what: &str, why: impl Display) -> StoreError {
    StoreError::Unusable(format!("the database holds a {what} that cannot be read: {why}"))
}

/// The number of a state in the database.
pub const fn state_code(state: TaskState) -> i64 {
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
///
/// # Errors
///
/// It is none of ours.
pub fn state_of(code: i64) -> Result<TaskState, StoreError> {
    TaskState::ALL
        .into_iter()
        .find(|state| state_code(*state) == code)
        .ok_or_else(|| damaged("state", code))
}

/// The number of an event's type in the database.
pub const fn kind_code(kind: EventType) -> i64 {
    match kind {
        EventType::TaskCreated => 0,
        EventType::TaskState => 1,
        EventType::TaskStep => 2,
        EventType::TaskProgress => 3,
        EventType::TaskLog => 4,
        EventType::TaskUsage => 5,
        EventType::CheckpointOpened => 6,
        EventType::CheckpointDecided => 7,
        EventType::Evaluation => 8,
        EventType::WorkerState => 9,
        EventType::WorkerStats => 10,
        EventType::Lagged => 11,
    }
}

/// The type of an event of a number.
///
/// # Errors
///
/// It is none of ours.
pub fn kind_of(code: i64) -> Result<EventType, StoreError> {
    EventType::ALL
        .into_iter()
        .find(|kind| kind_code(*kind) == code)
        .ok_or_else(|| damaged("kind of event", code))
}

/// A JSON text as a value.
///
/// # Errors
///
/// It is damaged.
pub fn parse<'t, V: Deserialize<'t>>(what: &str, text: &'t str) -> Result<V, StoreError> {
    serde_json::from_str(text).map_err(|e| damaged(what, e))
}

/// A value as a JSON text.
pub fn text<V: Serialize + ?Sized>(value: &V) -> String {
    serde_json::to_string(value).expect("what is stored has text keys and finite numbers only")
}

/// A JSON column.
///
/// # Errors
///
/// It is damaged.
pub fn json(text: Option<&str>) -> Result<Option<Json>, StoreError> {
    text.map(|text| Json::parse(text).map_err(|e| damaged("JSON value", e)))
        .transpose()
}

/// The length up to which inputs and outputs are kept with what belongs to them. Larger ones have their own place, so
/// that they are not written again, nor read where they are not wanted.
const SMALL: usize = 512;

/// Whether a value is kept with what belongs to it.
pub fn is_small(value: &Json) -> bool {
    value.get().len() <= SMALL
}

/// A moment in microseconds.
pub fn micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_micros)
}

/// Usage as `[input_tokens, output_tokens, cached_tokens, billionths of a dollar, seconds]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent(pub u64, pub u64, pub u64, pub i64, pub f64);

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
