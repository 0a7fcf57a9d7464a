//! Why a store refused.

use orchestrator_protocol::{Code, SessionId, TaskId, TaskState};

/// Why a store refused, with nothing changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No task has this id.
    #[error("there is no task {0}")]
    TaskNotFound(TaskId),
    /// Something else that was named does not exist.
    #[error("there is no {0}")]
    NotFound(String),
    /// A field breaks a rule.
    #[error("{field}: {message}")]
    Invalid {
        /// Which field, as in `tasks[2].depends_on`.
        field: String,
        /// What is wrong with it and what to do.
        message: String,
    },
    /// The batch's dependencies form a circle.
    #[error("the dependencies form a circle: {}", .path.join(" -> "))]
    Cycle {
        /// The refs or ids along the circle, the first one again at the end.
        path: Vec<String>,
    },
    /// The key was used before, with another body.
    #[error("the idempotency key `{key}` was used for task {task} with another body; use a new key")]
    IdempotencyConflict {
        /// The key.
        key: String,
        /// The task that it belongs to.
        task: TaskId,
    },
    /// The task's state does not allow this.
    #[error("task {task} is {state}: it cannot be {wanted}")]
    StateConflict {
        /// The task.
        task: TaskId,
        /// Its state.
        state: TaskState,
        /// What was wanted, as a participle: `retried`, `completed`.
        wanted: String,
    },
    /// The session is unknown or has ended; the worker opens a new one.
    #[error("the session {0} has ended; open a new one")]
    SessionLost(SessionId),
    /// The storage cannot be opened as it is; the message says what to do.
    #[error("{0}")]
    Unusable(String),
    /// The storage is full: what was acknowledged before is kept, this request was not.
    #[error("no room left to write: {0}; everything acknowledged before is kept, this request was not stored")]
    Full(String),
    /// The storage cannot be reached or written at the moment.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

impl StoreError {
    /// An invalid field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            message: message.into(),
        }
    }

    /// The stable name on the public interface.
    pub fn code(&self) -> Code {
        match self {
            Self::TaskNotFound(_) => Code::TaskNotFound,
            Self::NotFound(_) => Code::NotFound,
            Self::Invalid { .. } => Code::InvalidInput,
            Self::Cycle { .. } => Code::Cycle,
            Self::IdempotencyConflict { .. } => Code::IdempotencyConflict,
            Self::StateConflict { .. } => Code::StateConflict,
            Self::SessionLost(_) => Code::LeaseLost,
            Self::Unusable(_) | Self::Full(_) | Self::Unavailable(_) => Code::Unavailable,
        }
    }

    /// Whether the same request may succeed a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Full(_))
    }
}
