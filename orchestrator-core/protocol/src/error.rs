//! What went wrong, in words for people and codes for programs.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What kind of failure a task met, which decides what happens next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Trying again may help; counts against `max_attempts`.
    #[default]
    Retryable,
    /// A provider asked for patience; tried again no earlier than it said.
    RateLimited,
    /// Trying again cannot help.
    Terminal,
    /// A person must decide.
    NeedsAttention,
    /// The task was cancelled.
    Cancelled,
}

/// Why a task failed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskError {
    /// What kind of failure it is.
    pub class: ErrorClass,
    /// One clear line that says what happened and what to do.
    pub message: String,
    /// More, for programs and the curious: an exit code, a provider's answer, a traceback.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub detail: Value,
    /// Seconds that a provider asked to wait before the next attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<f64>,
}

impl TaskError {
    /// An error of a class with a message.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            detail: Value::Null,
            retry_after_s: None,
        }
    }

    /// A failure that may pass by itself.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Retryable, message)
    }

    /// A failure that no further attempt can mend.
    pub fn terminal(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Terminal, message)
    }

    /// The same error with details.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Value>) -> Self {
        self.detail = detail.into();
        self
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TaskError {}

/// The stable, machine-readable name of an error on the public interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// No task has this id.
    TaskNotFound,
    /// Something other than a task was not found.
    NotFound,
    /// The request breaks a rule; the detail names the field.
    InvalidInput,
    /// The dependencies of a batch form a circle.
    Cycle,
    /// The writer's lease is not the task's current one.
    LeaseLost,
    /// The idempotency key was used before with another body.
    IdempotencyConflict,
    /// The task's state does not allow this.
    StateConflict,
    /// The tree's budget is spent.
    BudgetExhausted,
    /// No or a wrong token.
    Unauthorized,
    /// The token's role does not allow this.
    Forbidden,
    /// Too many requests.
    RateLimited,
    /// The request is larger than allowed.
    PayloadTooLarge,
    /// This is not a way to call this address.
    MethodNotAllowed,
    /// The store cannot be reached or cannot write.
    Unavailable,
    /// A defect of ours.
    Internal,
}

/// An error as the public interface says it (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// A URI of the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here and what to do.
    pub detail: String,
    /// The stable name.
    pub code: Code,
    /// Which fields of the request are wrong, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldError {
    /// The field, as in `tasks[2].priority`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}
