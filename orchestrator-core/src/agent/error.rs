//! Errors of agents: everything that `?` may meet, turned into a task's error.

use std::fmt;

use orchestrator_protocol::TaskError;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The error type of agents and steps that call many things: `?` turns every standard error into it.
///
/// A [`TaskError`] stays what it is; anything else becomes a retryable error with its message and those of its causes.
/// It does not implement [`std::error::Error`] itself, which is what lets it be made from everything that does.
///
/// ```
/// use orchestrator_core::agent::AgentError;
/// use orchestrator_protocol::{ErrorClass, TaskError};
///
/// fn parse(text: &str) -> Result<u32, AgentError> {
///     if text.is_empty() {
///         return Err(AgentError::terminal("there is no text"));
///     }
///     Ok(text.parse()?)
/// }
///
/// let error = TaskError::from(parse("x").unwrap_err());
/// assert_eq!(error.message, "invalid digit found in string");
/// assert_eq!(error.class, ErrorClass::Retryable);
/// assert_eq!(TaskError::from(parse("").unwrap_err()).class, ErrorClass::Terminal);
/// ```
pub struct AgentError(TaskError);

impl AgentError {
    /// An error that may pass by itself.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self(TaskError::retryable(message))
    }

    /// An error that no further attempt can mend.
    pub fn terminal(message: impl Into<String>) -> Self {
        Self(TaskError::terminal(message))
    }

    /// Any error that can be boxed: also texts, and the errors of the `anyhow` family.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self(task_error(error.into()))
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for AgentError {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

impl From<AgentError> for TaskError {
    fn from(error: AgentError) -> Self {
        error.0
    }
}

impl From<AgentError> for BoxError {
    fn from(error: AgentError) -> Self {
        Box::new(error.0)
    }
}

impl fmt::Debug for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A task's error made from any error. A task error among the causes decides the class.
pub(crate) fn task_error(error: BoxError) -> TaskError {
    let error = match error.downcast::<TaskError>() {
        Ok(error) => return *error,
        Err(error) => error,
    };
    let mut message = error.to_string();
    let mut within = None;
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Many errors repeat their cause in their own message.
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        within = within.or_else(|| error.downcast_ref::<TaskError>().cloned());
        cause = error.source();
    }
    match within {
        Some(inner) => TaskError { message, ..inner },
        None => TaskError::retryable(message),
    }
}
