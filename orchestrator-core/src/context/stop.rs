//! Why a task was stopped.

use orchestrator_protocol::{ErrorClass, TaskError};

/// Why a task was stopped on this worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// Someone cancelled it.
    Cancelled,
    /// Its lease is lost: another worker may run it now, and nothing that is said of it here counts any more.
    LeaseLost,
    /// It ran, or was silent, longer than it may.
    TimedOut,
    /// The worker is going away; another one will run it again from its finished steps.
    Draining,
    /// The store refused what it asked for.
    Refused,
}

/// A stop, with its words.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    pub(crate) reason: StopReason,
    pub(crate) message: String,
}

impl Stop {
    pub(crate) fn new(reason: StopReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    pub(crate) fn lost() -> Self {
        Self::new(
            StopReason::LeaseLost,
            "the lease was lost: the task is not this worker's any more",
        )
    }

    /// What operations of a stopped task return.
    pub(crate) fn error(&self) -> TaskError {
        TaskError::new(ErrorClass::Cancelled, self.message.clone())
    }
}
