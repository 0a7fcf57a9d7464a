//! What an agent in Python can do with its task.

use std::{sync::Arc, time::Duration};

use orchestrator_core::context::{self, Checkpoint, External, StopReason};
use orchestrator_protocol::{Decision, Json, NewTask, TaskError, Usage};
use pyo3::prelude::*;
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::{
    ask::{read, written},
    bridge::{Shared, Value},
    failure::Failure,
    run::{Seat, Word},
    step,
};

/// The context of one run of one task.
#[pyclass(frozen)]
pub(crate) struct TaskContext {
    ctx: context::TaskContext,
    seat: Arc<Seat>,
    bridge: Arc<Shared>,
}

impl TaskContext {
    pub(crate) fn new(ctx: context::TaskContext, seat: Arc<Seat>, bridge: Arc<Shared>) -> Self {
        Self { ctx, seat, bridge }
    }
}

/// Why a task was stopped, in one word.
pub(crate) fn reason(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Cancelled => "cancelled",
        StopReason::LeaseLost => "lease_lost",
        StopReason::TimedOut => "timed_out",
        StopReason::Draining => "draining",
        _ => "refused",
    }
}

/// What is asked of people.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    #[serde(rename = "question")]
    text: String,
    #[serde(default)]
    content: serde_json::Value,
    #[serde(default)]
    evaluation: serde_json::Value,
    #[serde(default)]
    context: serde_json::Value,
    #[serde(default)]
    description: String,
    expires_in_s: Option<f64>,
    default: Option<Decision>,
}

/// What is asked of outside systems.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outside {
    #[serde(default)]
    description: String,
    #[serde(default)]
    input: Json,
    expires_in_s: Option<f64>,
}

/// What became of a child, as Python reads it.
#[derive(serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Output(Json),
    Error(TaskError),
}

fn told(outcomes: Vec<Result<Json, TaskError>>) -> Vec<Told> {
    let tell = |outcome: Result<Json, TaskError>| outcome.map_or_else(Told::Error, Told::Output);
    outcomes.into_iter().map(tell).collect()
}

fn seconds(name: &str, value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value).map_err(|error| Failure::invalid(format!("{name}: {value}: {error}")).raise())
}

fn expiry(value: Option<f64>) -> PyResult<Option<Duration>> {
    value.map(|value| seconds("expires_in", value)).transpose()
}

#[pymethods]
impl TaskContext {
    #[getter]
    fn task_id(&self) -> String {
        self.ctx.task_id().to_string()
    }

    #[getter]
    fn root_id(&self) -> String {
        self.ctx.root_id().to_string()
    }

    #[getter]
    fn attempt(&self) -> u32 {
        self.ctx.attempt()
    }

    /// What was submitted, as JSON.
    fn spec(&self) -> PyResult<String> {
        written(&**self.ctx.spec()).map_err(|failure| failure.raise())
    }

    /// Why it was stopped, if it was.
    #[getter]
    fn stop_reason(&self) -> Option<&'static str> {
        self.ctx.stop_reason().map(reason)
    }

    /// Says how the agent ended: with its output, a JSON text.
    fn finish(&self, output: String) -> PyResult<()> {
        let output = Json::parse(output).map_err(|error| Failure::invalid(error.to_string()).raise())?;
        self.seat.finish(&self.bridge, Ok(output));
        Ok(())
    }

    /// Says how the agent ended: with a task's error, as JSON.
    fn fail(&self, error: &str) -> PyResult<()> {
        let error: TaskError = read(error).map_err(|failure| failure.raise())?;
        self.seat.finish(&self.bridge, Err(error));
        Ok(())
    }

    fn output(&self, stream: String, text: String) -> bool {
        self.seat.say(Word::Line { stream, text })
    }

    fn progress(&self, progress: f64) -> bool {
        self.seat.say(Word::Progress(progress))
    }

    /// Says what was spent, as JSON.
    fn usage(&self, usage: &str) -> PyResult<bool> {
        let usage: Usage = read(usage).map_err(|failure| failure.raise())?;
        Ok(self.seat.say(Word::Usage(usage)))
    }

    /// Done once everything that was said before is queued to be reported.
    fn flush<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (sender, said) = oneshot::channel();
        self.seat.say(Word::Flush(sender));
        self.bridge.promise(py, async move {
            let _ = said.await;
            Ok(Value::Nothing)
        })
    }

    /// Begins a step: gives its recorded result as JSON, or a step to be finished.
    fn step<'py>(&self, py: Python<'py>, name: String) -> PyResult<Bound<'py, PyAny>> {
        let work = step::begin(self.ctx.clone(), name, self.bridge.clone());
        self.bridge.promise(py, work)
    }

    fn call<'py>(&self, py: Python<'py>, name: String, task: String) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.ctx.clone();
        self.bridge.promise(py, async move {
            let output: Json = ctx.call(name, read(&task)?).await?;
            Ok(Value::Text(output.get().to_owned()))
        })
    }

    fn spawn<'py>(&self, py: Python<'py>, name: String, task: String) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.ctx.clone();
        let bridge = self.bridge.clone();
        self.bridge.promise(py, async move {
            let child: context::Child<Json> = ctx.spawn(name, read(&task)?).await?;
            let child = Arc::new(child);
            Ok(Value::of(Child { child, bridge }))
        })
    }

    /// Runs many children, at most so many at a time; gives a JSON array of `{"output"}` or `{"error"}`.
    fn map<'py>(&self, py: Python<'py>, name: String, tasks: String, max_parallel: u32) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.ctx.clone();
        self.bridge.promise(py, async move {
            let outcomes = ctx
                .map_tasks::<Json>(name, read::<Vec<NewTask>>(&tasks)?, max_parallel)
                .await?;
            Ok(Value::Text(written(&told(outcomes))?))
        })
    }

    /// Lets children race; gives a JSON array of the winner's place and output.
    fn race<'py>(&self, py: Python<'py>, name: String, tasks: String) -> PyResult<Bound<'py, PyAny>> {
        let ctx = self.ctx.clone();
        self.bridge.promise(py, async move {
            let won: (usize, Json) = ctx.race(name, read::<Vec<NewTask>>(&tasks)?).await?;
            Ok(Value::Text(written(&won)?))
        })
    }

    fn sleep<'py>(&self, py: Python<'py>, name: String, duration: f64) -> PyResult<Bound<'py, PyAny>> {
        let (ctx, duration) = (self.ctx.clone(), seconds("seconds", duration)?);
        self.bridge.promise(py, async move {
            ctx.sleep(name, duration).await?;
            Ok(Value::Nothing)
        })
    }

    /// Asks people; gives their decision as JSON.
    fn checkpoint<'py>(&self, py: Python<'py>, name: String, question: &str) -> PyResult<Bound<'py, PyAny>> {
        let asked: Question = read(question).map_err(|failure| failure.raise())?;
        let expires_in = expiry(asked.expires_in_s)?;
        let content = Checkpoint::new(asked.text).content(&asked.content);
        let mut checkpoint = content
            .map_err(|error| Failure::invalid(error.to_string()).raise())?
            .evaluation(asked.evaluation)
            .context(asked.context)
            .description(asked.description);
        if let Some(expires_in) = expires_in {
            checkpoint = checkpoint.expires_in(expires_in);
        }
        if let Some(default) = asked.default {
            checkpoint = checkpoint.default(default);
        }
        let ctx = self.ctx.clone();
        self.bridge.promise(py, async move {
            let decision = ctx.checkpoint_with(name, checkpoint).await?;
            Ok(Value::Text(written(&decision)?))
        })
    }

    /// Waits for an outside system; gives what it said as JSON.
    fn wait_external<'py>(&self, py: Python<'py>, name: String, external: &str) -> PyResult<Bound<'py, PyAny>> {
        let asked: Outside = read(external).map_err(|failure| failure.raise())?;
        let mut external = External::new(asked.description).input(asked.input);
        if let Some(expires_in) = expiry(asked.expires_in_s)? {
            external = external.expires_in(expires_in);
        }
        let ctx = self.ctx.clone();
        self.bridge.promise(py, async move {
            let output: Json = ctx.wait_external(name, external).await?;
            Ok(Value::Text(output.get().to_owned()))
        })
    }
}

/// A child that was asked for.
#[pyclass(frozen)]
pub(crate) struct Child {
    child: Arc<context::Child<Json>>,
    bridge: Arc<Shared>,
}

#[pymethods]
impl Child {
    #[getter]
    fn id(&self) -> String {
        self.child.id().to_string()
    }

    #[getter]
    fn name(&self) -> String {
        self.child.name().to_owned()
    }

    /// Waits for its output, a JSON text.
    fn join<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let child = self.child.clone();
        self.bridge.promise(py, async move {
            let output = child.join().await?;
            Ok(Value::Text(output.get().to_owned()))
        })
    }
}
