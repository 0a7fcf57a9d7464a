//! The whole system inside one program.

mod config;
mod handle;
mod open;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use orchestrator_protocol::{Json, NewTask, Task, TaskId, TaskState};
use serde::{Serialize, de::DeserializeOwned};
use tokio::task::JoinHandle;

pub use config::Config;
pub use handle::TaskHandle;

use crate::{
    agent::{Agent, Registry},
    error::Error,
    maintain,
    service::{Engine, LocalSource},
    store::StoreError,
    worker::{Worker, WorkerError, WorkerHandle},
};

/// The whole system inside one program: a store, the services over it, and a worker with the registered agents.
///
/// The worker and the maintenance loops start with the first task that is run or submitted, or with
/// [`Orchestrator::start`]; a program that only looks starts nothing. Cheap to clone; all clones are one.
///
/// Dropping the last clone aborts what runs, as a crash would: nothing that was finished is lost, and the next one to
/// open the same store goes on from there. [`Orchestrator::shutdown`] ends in order.
///
/// ```
/// use orchestrator_core::{AgentError, Orchestrator, TaskContext, agent};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let orchestrator = Orchestrator::open("memory:").await?;
/// orchestrator.register(agent("double", |_: TaskContext, n: i64| async move { Ok::<_, AgentError>(n * 2) }))?;
/// let doubled: i64 = orchestrator.run("double", &21).await?;
/// assert_eq!(doubled, 42);
/// # orchestrator.shutdown(std::time::Duration::from_secs(1)).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Orchestrator {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    config: Config,
    registry: Mutex<Registry>,
    running: Mutex<Option<Running>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Orchestrator")
            .field("store", &self.engine.store)
            .finish_non_exhaustive()
    }
}

/// What has been started.
struct Running {
    worker: WorkerHandle,
    loops: Vec<JoinHandle<()>>,
}

impl Running {
    fn abort(&self) {
        self.worker.abort();
        for task in &self.loops {
            task.abort();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(running) = self.running.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            running.abort();
        }
    }
}

impl Orchestrator {
    /// Opens a store by its URL: `memory:` or `sqlite:path/to/file.db`.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] for another scheme; [`Error::Store`] when the file cannot be used, with what to do.
    pub async fn open(url: &str) -> Result<Self, Error> {
        Self::open_with(url, Config::default()).await
    }

    /// Opens a store by its URL, set up as `config` says.
    ///
    /// # Errors
    ///
    /// As [`Orchestrator::open`].
    pub async fn open_with(url: &str, config: Config) -> Result<Self, Error> {
        let (store, owner) = open::store(url, &config.sources).await?;
        let mut config = config;
        config.worker.owner = config.worker.owner.or(owner);
        Ok(Self::with_store(store, config))
    }

    /// The system over a store of your own.
    pub fn with_store(store: Arc<dyn crate::store::Store>, config: Config) -> Self {
        let bus = Arc::new(crate::bus::local::LocalBus::new());
        let engine = Engine::new(store, bus, config.sources.clone());
        let inner = Inner {
            engine,
            config,
            registry: Mutex::default(),
            running: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Everything that can be asked of the system beyond running tasks: lists, trees, logs, live events, interventions.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Takes on an agent. All agents are registered before the worker starts.
    ///
    /// # Errors
    ///
    /// [`Error::Registry`] when its type is taken or reserved; [`Error::Started`] when the worker has started.
    pub fn register(&self, agent: impl Agent) -> Result<(), Error> {
        self.register_shared(Arc::new(agent))
    }

    /// Takes on an agent that others hold too.
    ///
    /// # Errors
    ///
    /// As [`Orchestrator::register`].
    pub fn register_shared(&self, agent: Arc<dyn Agent>) -> Result<(), Error> {
        if self.running().is_some() {
            return Err(Error::Started);
        }
        self.registry().add_shared(agent)?;
        Ok(())
    }

    fn registry(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.inner.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.inner.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task types of the registered agents.
    pub fn task_types(&self) -> Vec<String> {
        self.registry()
            .iter()
            .map(|agent| agent.task_type().to_owned())
            .collect()
    }

    /// Starts the worker and the maintenance loops, unless they run.
    ///
    /// # Errors
    ///
    /// [`Error::Worker`] when the worker's configuration makes no sense.
    pub fn start(&self) -> Result<(), Error> {
        let mut running = self.running();
        if running.is_some() {
            return Ok(());
        }
        let config = &self.inner.config;
        let engine = &self.inner.engine;
        let source = Arc::new(LocalSource::new(engine.clone(), config.source.clone()));
        let worker = Worker::new(
            config.worker.clone(),
            source.clone(),
            self.registry().clone(),
            config.sources.clone(),
        )?;
        let loops = vec![
            tokio::spawn(async move { source.listen().await }),
            tokio::spawn(maintain::timer::run(engine.clone())),
            tokio::spawn(maintain::retention::run(engine.clone(), config.retention.clone())),
        ];
        *running = Some(Running {
            worker: worker.start(),
            loops,
        });
        Ok(())
    }

    /// Submits a task and starts working.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownAgent`] when no agent here runs it; [`Error::Store`] as [`Engine::submit`].
    pub async fn submit(&self, task: NewTask) -> Result<TaskHandle, Error> {
        self.check_agent(&task.task_type)?;
        self.start()?;
        let submitted = self.inner.engine.submit(vec![task]).await?;
        let id = submitted.first().map(crate::store::SubmittedTask::id);
        let id = id.ok_or_else(|| StoreError::Unavailable("the store gave no answer".to_owned()))?;
        Ok(self.task(id))
    }

    /// A task that was submitted before, here or elsewhere.
    pub fn task(&self, id: TaskId) -> TaskHandle {
        TaskHandle::new(self.inner.engine.clone(), id)
    }

    /// Runs an agent and returns its output.
    ///
    /// # Errors
    ///
    /// [`Error::TaskFailed`] and its kin say how it ended; as [`Orchestrator::submit`] before it began.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the task running.
    pub async fn run<O: DeserializeOwned>(
        &self,
        task_type: &str,
        input: &(impl Serialize + ?Sized + Sync),
    ) -> Result<O, Error> {
        let input = Json::of(input).map_err(|e| StoreError::invalid("input", e.to_string()))?;
        self.submit(NewTask::new(task_type, input)).await?.output().await
    }

    fn check_agent(&self, task_type: &str) -> Result<(), Error> {
        let registry = self.registry();
        if registry.get(task_type).is_some() || crate::store::row::is_external(task_type) {
            return Ok(());
        }
        let known: Vec<&str> = registry.iter().map(|agent| agent.task_type()).collect();
        let known = match known.len() {
            0 => "no agent is registered".to_owned(),
            _ => format!("registered are {}", known.join(", ")),
        };
        Err(Error::UnknownAgent {
            task_type: task_type.to_owned(),
            known,
        })
    }

    /// Ends in order: claims no more, gives what runs `deadline` to end, gives the rest back, and closes the store.
    /// What is not finished goes on when the store is opened again.
    pub async fn shutdown(&self, deadline: Duration) {
        let running = self.running().take();
        if let Some(running) = running {
            for task in &running.loops {
                // The timers may go on until the worker has ended; nothing depends on it.
                task.abort();
            }
            if let Err(error) = running.worker.stop(deadline).await
                && error != WorkerError::Aborted
            {
                tracing::warn!(%error, "the worker did not end in order");
            }
        }
        self.inner.engine.store.close().await;
    }

    /// Drops everything where it is, as a crash would. For tests.
    pub fn abort(&self) {
        if let Some(running) = self.running().take() {
            running.abort();
        }
    }
}

/// The output of a task that has ended.
pub(crate) fn outcome<O: DeserializeOwned>(task: Task) -> Result<O, Error> {
    let id = task.id;
    match task.state {
        TaskState::Succeeded => {
            let output = task.output.unwrap_or_default();
            output.to().map_err(|e| Error::Output {
                task: id,
                message: e.to_string(),
            })
        }
        TaskState::Cancelled => Err(Error::TaskCancelled { task: id }),
        TaskState::NeedsAttention => Err(Error::NeedsAttention {
            task: id,
            message: task.error.unwrap_or_default().message,
        }),
        _ => Err(Error::TaskFailed {
            task: id,
            error: task.error.unwrap_or_default(),
        }),
    }
}
