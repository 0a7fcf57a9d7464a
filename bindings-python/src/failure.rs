//! Errors on their way to Python, where they become the exceptions of `orchestrator._errors`.

use orchestrator_client::{ClientError, events::EventsError};
use orchestrator_core::{Error, store::StoreError, worker::WorkerError};
use orchestrator_protocol::{Code, ErrorClass, TaskError};
use pyo3::{prelude::*, sync::PyOnceLock};
use serde::Serialize;
use serde_json::{Value, json};

/// Why something failed, as the exception says it.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// A code of the public interface, `task_error` with a task's error as the detail, or `cancelled`.
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Value,
}

/// The code that stands for `asyncio.CancelledError`.
pub(crate) const CANCELLED: &str = "cancelled";

impl Failure {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            detail: Value::Null,
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new("invalid_input", message)
    }

    /// The same as a Python exception.
    pub(crate) fn exception<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let make = MAKE.get_or_try_init(py, || {
            let make = py.import("orchestrator._errors")?.getattr("from_native")?;
            PyResult::Ok(make.unbind())
        })?;
        make.bind(py)
            .call1((&self.code, &self.message, self.detail.to_string()))
    }

    /// The same, raised.
    pub(crate) fn raise(&self) -> PyErr {
        Python::attach(|py| match self.exception(py) {
            Ok(exception) => PyErr::from_value(exception),
            Err(error) => error,
        })
    }
}

/// The name of a code, as it is on the wire.
fn name(code: impl Serialize) -> String {
    match serde_json::to_value(code) {
        Ok(Value::String(name)) => name,
        _ => "internal".to_owned(),
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::new(&name(error.code()), error.to_string());
        match error {
            StoreError::Invalid { field, message } => Self {
                detail: json!({"errors": [{"field": field, "message": message}]}),
                ..failure
            },
            StoreError::StateConflict { task, state, .. } => Self {
                detail: json!({"task_id": task, "state": state}),
                ..failure
            },
            StoreError::IdempotencyConflict { task, .. } => Self {
                detail: json!({"task_id": task}),
                ..failure
            },
            _ => failure,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            error => Self::new(&name(error.code()), error.to_string()),
        }
    }
}

impl From<WorkerError> for Failure {
    fn from(error: WorkerError) -> Self {
        match error {
            WorkerError::Config(_) => Self::invalid(error.to_string()),
            WorkerError::Refused(refused) => Self {
                message: format!("the worker was refused: {refused}"),
                ..refused.into()
            },
            error => Self::new("unavailable", error.to_string()),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(problem) => Self {
                code: name(problem.code),
                message: problem.detail.clone(),
                detail: json!({"status": problem.status, "errors": problem.errors}),
            },
            error => Self::new(&name(Code::Unavailable), error.to_string()),
        }
    }
}

impl From<EventsError> for Failure {
    fn from(error: EventsError) -> Self {
        let code = match error.status {
            401 => Code::Unauthorized,
            403 => Code::Forbidden,
            404 => Code::TaskNotFound,
            _ => Code::InvalidInput,
        };
        Self::new(&name(code), error.to_string())
    }
}

/// What operations of a context fail with.
impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        if error.class == ErrorClass::Cancelled {
            return Self::new(CANCELLED, error.message);
        }
        Self {
            code: "task_error".to_owned(),
            message: error.message.clone(),
            detail: serde_json::to_value(error).unwrap_or_default(),
        }
    }
}
