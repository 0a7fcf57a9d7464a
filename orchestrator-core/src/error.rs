//! Why a call of the core failed.

use orchestrator_protocol::{Code, TaskError, TaskId};

use crate::{agent::RegistryError, store::StoreError, worker::WorkerError};

/// Why a call of the core failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The task failed.
    #[error("task {task} failed: {error}")]
    TaskFailed {
        /// The task.
        task: TaskId,
        /// Why.
        error: TaskError,
    },
    /// The task was cancelled.
    #[error("task {task} was cancelled")]
    TaskCancelled {
        /// The task.
        task: TaskId,
    },
    /// The task waits for a person to decide.
    #[error("task {task} needs a decision: {message}")]
    NeedsAttention {
        /// The task.
        task: TaskId,
        /// What happened.
        message: String,
    },
    /// The budget of the task or of one above it is spent: nothing more of it starts until it is resumed.
    #[error("task {task} has stopped: {message}; resume it to go on regardless, or cancel it")]
    BudgetExhausted {
        /// The task.
        task: TaskId,
        /// The task whose budget it is.
        spender: TaskId,
        /// What was spent.
        message: String,
    },
    /// No agent here runs this type.
    #[error("no agent runs tasks of the type `{task_type}`; {known}")]
    UnknownAgent {
        /// The type.
        task_type: String,
        /// The types that there are, in words.
        known: String,
    },
    /// The output is not of the type that was asked for.
    #[error("the output of task {task} does not fit: {message}")]
    Output {
        /// The task.
        task: TaskId,
        /// What does not fit.
        message: String,
    },
    /// The URL of the store is not one of ours.
    #[error("{0}")]
    Url(String),
    /// An agent was not taken on.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The worker cannot be set up, or ended.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The worker runs already, and its agents are what they were when it started.
    #[error("the worker runs already; register every agent before the first task")]
    Started,
    /// It was shut down: nothing is run here any more. What was stored goes on when the store is opened again.
    #[error("the orchestrator was shut down; open it again to go on")]
    ShutDown,
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// The stable name on the public interface.
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::ShutDown => Code::Unavailable,
            Self::BudgetExhausted { .. } => Code::BudgetExhausted,
            Self::TaskFailed { .. } | Self::TaskCancelled { .. } | Self::NeedsAttention { .. } => Code::StateConflict,
            _ => Code::InvalidInput,
        }
    }
}
