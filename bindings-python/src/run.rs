//! One run of a task whose agent is in Python.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use orchestrator_core::{Agent, context::TaskContext, protocol::Usage};
use orchestrator_protocol::{Json, TaskError};
use pyo3::{intern, prelude::*};
use tokio::sync::{mpsc, oneshot};

use crate::{
    bridge::{Errand, Job, Shared},
    context,
};

pub(crate) type Outcome = Result<Json, TaskError>;

/// An agent in Python.
pub(crate) struct PythonAgent {
    pub(crate) task_type: String,
    pub(crate) description: String,
    pub(crate) requires: Vec<String>,
    pub(crate) input_schema: Option<serde_json::Value>,
    /// Called on the loop with a context, the task's type and its input, gives the `asyncio.Task` that runs it.
    pub(crate) start: Arc<Py<PyAny>>,
    pub(crate) bridge: Arc<Shared>,
}

#[async_trait]
impl Agent for PythonAgent {
    fn task_type(&self) -> &str {
        &self.task_type
    }

    fn description(&self) -> &str {
        &self.description
    }

    fn requires(&self) -> Vec<String> {
        self.requires.clone()
    }

    fn input_schema(&self) -> Option<serde_json::Value> {
        self.input_schema.clone()
    }

    async fn run(&self, ctx: TaskContext, input: Json) -> Outcome {
        let (sender, mut receiver) = oneshot::channel();
        let (words, heard) = mpsc::unbounded_channel();
        let seat = Arc::new(Seat::new(sender, words));
        let leaving = Leaving {
            bridge: &self.bridge,
            seat: seat.clone(),
        };
        self.bridge.push(Job::Start(Box::new(Start {
            call: self.start.clone(),
            task_type: self.task_type.clone(),
            ctx: ctx.clone(),
            seat: seat.clone(),
            input,
        })));
        let stopped = async {
            ctx.cancelled().await;
            let why = ctx.stop_reason().map_or("stopped", context::reason);
            self.bridge.push(Job::Stop {
                seat: seat.clone(),
                why: why.to_owned(),
            });
            std::future::pending::<()>().await;
        };
        let work = async {
            let outcome = tokio::select! {
                outcome = &mut receiver => outcome,
                () = stopped => unreachable!("it is pending"),
            };
            // Nothing more is said after the outcome; what was said before comes first.
            seat.hush();
            outcome
        };
        let (outcome, ()) = futures::join!(work, speak(&ctx, heard));
        drop(leaving);
        outcome.unwrap_or_else(|_| Err(TaskError::retryable("the event loop on which the agent ran was closed")))
    }
}

/// Something that a task says without waiting for an answer.
pub(crate) enum Word {
    Line {
        stream: String,
        text: String,
    },
    Progress(f64),
    Usage(Usage),
    /// Answered once everything before it was said.
    Flush(oneshot::Sender<()>),
}

/// Says what comes, in order, until nothing more can come.
async fn speak(ctx: &TaskContext, mut heard: mpsc::UnboundedReceiver<Word>) {
    while let Some(word) = heard.recv().await {
        match word {
            Word::Line { stream, text } => ctx.output(&stream, text).await,
            Word::Progress(progress) => ctx.progress(progress).await,
            Word::Usage(usage) => ctx.usage(usage).await,
            Word::Flush(sender) => {
                let _ = sender.send(());
            }
        }
    }
}

/// What the two sides of a run share.
#[derive(Debug)]
pub(crate) struct Seat {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The `asyncio.Task`, while it may be running.
    task: Option<Py<PyAny>>,
    outcome: Option<oneshot::Sender<Outcome>>,
    words: Option<mpsc::UnboundedSender<Word>>,
}

impl Seat {
    fn new(outcome: oneshot::Sender<Outcome>, words: mpsc::UnboundedSender<Word>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                task: None,
                outcome: Some(outcome),
                words: Some(words),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says how the agent ended. Later outcomes of the same run are ignored.
    pub(crate) fn finish(&self, bridge: &Shared, outcome: Outcome) {
        let (sender, task) = {
            let mut inner = self.lock();
            (inner.outcome.take(), inner.task.take())
        };
        // Outside of the lock: the last reference may run anything.
        drop(task);
        if let Some(sender) = sender {
            bridge.errand(Errand::Finish(sender, outcome));
        }
    }

    /// Says something; false when nobody listens any more.
    pub(crate) fn say(&self, word: Word) -> bool {
        self.lock().words.as_ref().is_some_and(|words| words.send(word).is_ok())
    }

    fn hush(&self) {
        self.lock().words = None;
    }

    /// Cancels the `asyncio.Task`. On the loop's thread.
    pub(crate) fn stop(&self, py: Python<'_>, why: &str) -> PyResult<()> {
        let task = self.lock().task.as_ref().map(|task| task.clone_ref(py));
        if let Some(task) = task {
            task.call_method1(py, intern!(py, "cancel"), (why,))?;
        }
        Ok(())
    }
}

/// Stops what runs in Python when the run is dropped: suspended and forgotten, out of its grace, or its worker is gone.
struct Leaving<'r> {
    bridge: &'r Shared,
    seat: Arc<Seat>,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let unfinished = {
            let mut inner = self.seat.lock();
            inner.words = None;
            inner.outcome.take().is_some()
        };
        if unfinished {
            self.bridge.push(Job::Stop {
                seat: self.seat.clone(),
                why: "the run was given up here; the task goes on elsewhere, or later".to_owned(),
            });
        }
    }
}

/// A run that is to begin on the loop.
pub(crate) struct Start {
    call: Arc<Py<PyAny>>,
    task_type: String,
    ctx: TaskContext,
    seat: Arc<Seat>,
    input: Json,
}

impl Start {
    /// Begins it, on the loop's thread.
    pub(crate) fn begin(self, py: Python<'_>, bridge: &Arc<Shared>) {
        if self.seat.lock().outcome.is_none() {
            return;
        }
        let seat = self.seat.clone();
        let ctx = context::TaskContext::new(self.ctx, seat.clone(), bridge.clone());
        let begun = self.call.call1(py, (ctx, &self.task_type, self.input.get()));
        match begun {
            Ok(task) => {
                let mut inner = seat.lock();
                // It may have ended already, where tasks are started eagerly.
                if inner.outcome.is_some() {
                    inner.task = Some(task);
                }
            }
            Err(error) => seat.finish(
                bridge,
                Err(TaskError::retryable(format!("the agent could not be started: {error}"))),
            ),
        }
    }
}
