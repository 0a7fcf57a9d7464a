//! How the program ends.

use std::{fmt, process::ExitCode};

use orchestrator_core::{Error, protocol::TaskState, store::StoreError};

/// The exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: it succeeded.
    Success,
    /// 1: the task failed, or needs a person.
    Failed,
    /// 2: the command was used wrongly, or what it was pointed at cannot be used.
    Usage,
    /// 3: the task was cancelled, or the command was interrupted.
    Cancelled,
    /// 4: the store or the server cannot be reached.
    Unavailable,
}

impl Exit {
    /// The exit status for a task's end.
    pub fn of(state: TaskState) -> Self {
        match state {
            TaskState::Succeeded => Self::Success,
            TaskState::Cancelled => Self::Cancelled,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Cancelled => 3,
            Exit::Unavailable => 4,
        })
    }
}

/// Why the program could not do what was asked: one line and an exit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The line.
    pub message: String,
    /// The status.
    pub exit: Exit,
}

impl Failure {
    /// Wrong usage.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            exit: Exit::Usage,
        }
    }

    /// Something cannot be reached.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            exit: Exit::Unavailable,
        }
    }

    /// When nobody can be heard who wants to stop the command.
    pub fn deaf(error: &std::io::Error) -> Self {
        Self::unavailable(format!("no signals can be heard: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match &error {
            StoreError::Full(_) | StoreError::Unavailable(_) | StoreError::SessionLost(_) => Exit::Unavailable,
            _ => Exit::Usage,
        };
        let message = match error {
            StoreError::TaskNotFound(id) => format!("there is no task {id}; `orchestrator list` shows those there are"),
            error => error.to_string(),
        };
        Self { message, exit }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match &error {
            Error::Store(_) => None,
            Error::TaskCancelled { .. } => Some(Exit::Cancelled),
            Error::TaskFailed { .. }
            | Error::NeedsAttention { .. }
            | Error::BudgetExhausted { .. }
            | Error::Output { .. } => Some(Exit::Failed),
            Error::ShutDown => Some(Exit::Unavailable),
            _ => Some(Exit::Usage),
        };
        match (error, exit) {
            (Error::Store(error), _) => error.into(),
            (error, exit) => Self {
                message: error.to_string(),
                exit: exit.unwrap_or(Exit::Usage),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_reached_is_told_apart_from_wrong_usage() {
        for (error, exit) in [
            (StoreError::Full("x".into()), Exit::Unavailable),
            (StoreError::Unavailable("x".into()), Exit::Unavailable),
            (StoreError::Unusable("x".into()), Exit::Usage),
            (StoreError::Cycle { path: vec![] }, Exit::Usage),
        ] {
            assert_eq!(Failure::from(error).exit, exit);
        }
        assert_eq!(Failure::from(Error::ShutDown).exit, Exit::Unavailable);
    }

    #[test]
    fn a_task_that_needs_a_person_has_not_succeeded() {
        assert_eq!(Exit::of(TaskState::NeedsAttention), Exit::Failed);
        assert_eq!(Exit::of(TaskState::Cancelled), Exit::Cancelled);
    }
}
