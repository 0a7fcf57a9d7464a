//! A worker whose agents are in Python.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use orchestrator_core::{
    agent::Registry,
    maintain::Service,
    worker::{self, WorkerConfig, WorkerError, WorkerHandle},
};
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    ask::written,
    bridge::{Job, Shared, Value},
    failure::Failure,
    run::PythonAgent,
    runtime::Native,
};

/// How a worker is set up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkerSettings {
    name: String,
    labels: BTreeSet<String>,
    slots: u32,
    grace_s: f64,
    suspended: Option<usize>,
    agents: Vec<AgentSettings>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentSettings {
    task_type: String,
    description: String,
    requires: Vec<String>,
    input_schema: Option<serde_json::Value>,
}

impl WorkerSettings {
    pub(crate) fn config(&self) -> Result<WorkerConfig, Failure> {
        let defaults = WorkerConfig::default();
        Ok(WorkerConfig {
            name: self.name.clone(),
            labels: self.labels.clone(),
            slots: self.slots,
            grace: Duration::try_from_secs_f64(self.grace_s)
                .map_err(|error| Failure::invalid(format!("grace: {error}")))?,
            suspended: self.suspended.unwrap_or(defaults.suspended),
            ..defaults
        })
    }

    pub(crate) fn registry(&self, start: Py<PyAny>, bridge: &Arc<Shared>) -> Result<Registry, Failure> {
        let (mut registry, start) = (Registry::new(), Arc::new(start));
        for agent in &self.agents {
            let agent = PythonAgent {
                task_type: agent.task_type.clone(),
                description: agent.description.clone(),
                requires: agent.requires.clone(),
                input_schema: agent.input_schema.clone(),
                start: start.clone(),
                bridge: bridge.clone(),
            };
            registry
                .add(agent)
                .map_err(|error| Failure::invalid(error.to_string()))?;
        }
        Ok(registry)
    }
}

enum Order {
    Stop(Duration),
    Hurry,
    Abort,
    Drain,
    Status(oneshot::Sender<Status>),
}

/// What it does now.
#[derive(Debug, Serialize)]
struct Status {
    running: usize,
    suspended: usize,
    draining: bool,
}

type Ended = Option<Result<(), WorkerError>>;

/// A worker that runs. Dropping it aborts it.
#[pyclass(frozen)]
pub(crate) struct Worker {
    hand: Native<Hand>,
    id: String,
    bridge: Arc<Shared>,
}

struct Hand {
    orders: mpsc::UnboundedSender<Order>,
    ended: Mutex<watch::Receiver<Ended>>,
}

impl Worker {
    pub(crate) fn start(worker: worker::Worker, wake_ups: Option<Service>, bridge: Arc<Shared>) -> Self {
        let id = worker.id().to_string();
        let (orders, queue) = mpsc::unbounded_channel();
        let (sender, ended) = watch::channel(None);
        tokio::spawn(async move {
            let result = obey(worker.start(), queue).await;
            if let Some(service) = wake_ups {
                service.stop().await;
            }
            sender.send_replace(Some(result));
        });
        Self {
            hand: Native::new(Hand {
                orders,
                ended: Mutex::new(ended),
            }),
            id,
            bridge,
        }
    }

    fn order(&self, order: Order) -> PyResult<()> {
        // Of one that has ended nothing is wanted any more.
        let _ = self.hand.get()?.orders.send(order);
        Ok(())
    }
}

/// Does as it is told until the worker has ended, or nobody is left to tell anything.
async fn obey(mut worker: WorkerHandle, mut queue: mpsc::UnboundedReceiver<Order>) -> Result<(), WorkerError> {
    loop {
        tokio::select! {
            biased;
            order = queue.recv() => match order {
                Some(Order::Stop(deadline)) => worker.begin_stop(deadline),
                Some(Order::Hurry) => worker.hurry(),
                Some(Order::Drain) => worker.drain(),
                Some(Order::Abort) | None => worker.abort(),
                Some(Order::Status(sender)) => {
                    let _ = sender.send(Status {
                        running: worker.running(),
                        suspended: worker.suspended(),
                        draining: worker.is_draining(),
                    });
                    continue;
                }
            },
            ended = worker.ended() => return ended,
        }
        if queue.is_closed() && queue.is_empty() {
            return worker.ended().await;
        }
    }
}

#[pymethods]
impl Worker {
    #[getter]
    fn id(&self) -> String {
        self.id.clone()
    }

    /// Begins to stop: claims no more, gives what runs so long to end, and gives back the rest.
    fn stop(&self, seconds: f64) -> PyResult<()> {
        let deadline = Duration::try_from_secs_f64(seconds)
            .map_err(|error| Failure::invalid(format!("seconds: {seconds}: {error}")).raise())?;
        self.order(Order::Stop(deadline))
    }

    /// Ends the time that the last tasks have.
    fn hurry(&self) -> PyResult<()> {
        self.order(Order::Hurry)
    }

    /// Takes nothing more and finishes what it has.
    fn drain(&self) -> PyResult<()> {
        self.order(Order::Drain)
    }

    /// Drops it where it is, as a crash would.
    fn abort(&self) -> PyResult<()> {
        self.order(Order::Abort)
    }

    /// Waits until it has ended.
    fn ended<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let hand = self.hand.get()?;
        let mut ended = hand.ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.bridge.promise(py, async move {
            let result = ended.wait_for(Option::is_some).await;
            match result.map(|result| result.clone()) {
                Ok(Some(Err(error))) if error != WorkerError::Aborted => Err(error.into()),
                _ => Ok(Value::Nothing),
            }
        })
    }

    /// What it does now, as JSON.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (sender, status) = oneshot::channel();
        self.order(Order::Status(sender))?;
        self.bridge.promise(py, async move {
            let status = status.await.unwrap_or(Status {
                running: 0,
                suspended: 0,
                draining: true,
            });
            Ok(Value::Text(written(&status)?))
        })
    }

    /// Whether the loop comes within so many seconds; an awaitable for another loop's thread would not do.
    fn ping(&self, py: Python<'_>, seconds: f64) -> PyResult<bool> {
        self.hand.get()?;
        let (sender, come) = oneshot::channel();
        self.bridge.push(Job::Ping(sender));
        let within = Duration::try_from_secs_f64(seconds)
            .map_err(|error| Failure::invalid(format!("seconds: {seconds}: {error}")).raise())?;
        let runtime = self.bridge.runtime.clone();
        Ok(py.detach(move || runtime.block_on(async { tokio::time::timeout(within, come).await.is_ok() })))
    }
}
