//! A step whose work is done in Python, between its beginning and its end.

use std::sync::{Arc, Mutex, PoisonError};

use orchestrator_core::context::TaskContext;
use orchestrator_protocol::{Json, TaskError};
use pyo3::prelude::*;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    bridge::{Answer, Shared, Value},
    failure::Failure,
    runtime::Native,
};

/// A step that has begun: its task is not suspended before it is finished or given up.
#[pyclass(frozen)]
pub(crate) struct Step {
    open: Native<Mutex<Option<Open>>>,
    bridge: Arc<Shared>,
}

struct Open {
    result: oneshot::Sender<Json>,
    /// Ends once the result is recorded, or the step is undone.
    recording: JoinHandle<Result<Json, TaskError>>,
}

/// Begins a step: gives the recorded result as text, or a [`Step`] when there is none.
pub(crate) async fn begin(ctx: TaskContext, name: String, bridge: Arc<Shared>) -> Answer {
    let (began, begun) = oneshot::channel();
    let (result, awaited) = oneshot::channel();
    let recording = tokio::spawn(async move {
        let work = || async {
            let _ = began.send(());
            awaited.await.map_err(|_| TaskError::retryable("the step was given up"))
        };
        ctx.step::<Json, TaskError, _, _>(name, work).await
    });
    // Nobody says that it began when there is a result already, or when it may not begin.
    if begun.await.is_err() {
        return Ok(Value::Text(recorded(recording).await?.get().to_owned()));
    }
    Ok(Value::of(Step {
        open: Native::new(Mutex::new(Some(Open { result, recording }))),
        bridge,
    }))
}

async fn recorded(recording: JoinHandle<Result<Json, TaskError>>) -> Result<Json, Failure> {
    match recording.await {
        Ok(result) => Ok(result?),
        Err(error) => Err(Failure::new("internal", error.to_string())),
    }
}

impl Step {
    fn close(&self) -> PyResult<Open> {
        let open = self.open.get()?.lock().unwrap_or_else(PoisonError::into_inner).take();
        open.ok_or_else(|| Failure::invalid("the step has ended already").raise())
    }
}

#[pymethods]
impl Step {
    /// Records its result, a JSON text.
    fn finish<'py>(&self, py: Python<'py>, result: String) -> PyResult<Bound<'py, PyAny>> {
        let result = Json::parse(result).map_err(|error| Failure::invalid(error.to_string()).raise())?;
        let open = self.close()?;
        self.bridge.promise(py, async move {
            let _ = open.result.send(result);
            recorded(open.recording).await?;
            Ok(Value::Nothing)
        })
    }

    /// Leaves it undone. Its name is free once the awaitable is done.
    fn give_up<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Open { result, recording } = self.close()?;
        self.bridge.promise(py, async move {
            drop(result);
            // That it was given up is no news.
            let _ = recording.await;
            Ok(Value::Nothing)
        })
    }
}
