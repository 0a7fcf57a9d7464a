//! The whole system inside one program.

mod config;
mod handle;
mod open;

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use orchestrator_protocol::{Json, NewTask, TaskId, TaskResult, TaskState};
use serde::{Serialize, de::DeserializeOwned};
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use handle::TaskHandle;
pub use open::store as open_store;

use crate::{
    agent::{Agent, Registry},
    bus::local::LocalBus,
    domain::placement::meets,
    error::Error,
    maintain::{Service, retention, timer},
    service::{Engine, LocalSource},
    store::{Store, StoreError, SubmittedTask, row::is_external},
    worker::{Worker, WorkerError, WorkerHandle},
};

/// The whole system inside one program: a store, the services over it, and a worker with the registered agents.
///
/// The worker and the maintenance loops start with the first task that is run or submitted here, or with
/// [`Orchestrator::start`]; a program that only looks, through [`Orchestrator::engine`], starts nothing and runs nobody's
/// tasks. Cheap to clone; all clones are one.
///
/// [`Orchestrator::shutdown`] ends in order. Dropping the last clone aborts what runs, as a crash would: nothing that was
/// finished is lost, and the next one to open the same store goes on from there. Handles of tasks do not keep it alive:
/// whoever waits through one is told that it was shut down.
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
    desk: Arc<Desk>,
    config: Config,
    registry: Mutex<Registry>,
    phase: Mutex<Phase>,
}

/// What handles of tasks hold on to.
#[derive(Debug)]
struct Desk {
    engine: Engine,
    /// Cancelled when nobody here runs tasks any more.
    over: CancellationToken,
}

impl Desk {
    /// A store that fails since it was closed is no trouble of the store.
    fn unless_over<T>(&self, result: Result<T, StoreError>) -> Result<T, Error> {
        result.map_err(|error| {
            if self.over.is_cancelled() {
                Error::ShutDown
            } else {
                error.into()
            }
        })
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Orchestrator")
            .field("store", &self.desk.engine.store)
            .finish_non_exhaustive()
    }
}

/// How far it is in its life.
enum Phase {
    Idle,
    Running(Running),
    Over,
}

/// What has been started. Dropping it aborts all of it.
struct Running {
    worker: WorkerHandle,
    services: Vec<Service>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.desk.over.cancel();
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
    pub fn with_store(store: Arc<dyn Store>, config: Config) -> Self {
        let engine = Engine::new(store, Arc::new(LocalBus::new()), config.sources.clone());
        let engine = engine.with_policy(config.placement);
        Self::with_engine(engine, config)
    }

    /// The system over services of your own, with their store, bus, time and ids, and their way to compare workers.
    pub fn with_engine(engine: Engine, config: Config) -> Self {
        let over = CancellationToken::new();
        let inner = Inner {
            desk: Arc::new(Desk { engine, over }),
            config,
            registry: Mutex::default(),
            phase: Mutex::new(Phase::Idle),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Everything that can be asked of the system beyond running tasks: lists, trees, logs, live events, interventions.
    pub fn engine(&self) -> &Engine {
        &self.inner.desk.engine
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
        match &*self.phase() {
            Phase::Idle => Ok(self.registry().add_shared(agent)?),
            Phase::Running(_) => Err(Error::Started),
            Phase::Over => Err(Error::ShutDown),
        }
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.inner.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.inner.phase.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// [`Error::Worker`] when the configuration makes no sense; [`Error::ShutDown`].
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn start(&self) -> Result<(), Error> {
        let mut phase = self.phase();
        match &*phase {
            Phase::Over => return Err(Error::ShutDown),
            Phase::Running(running) if !running.worker.is_ended() => return Ok(()),
            _ => {}
        }
        let running = self.begin()?;
        *phase = Phase::Running(running);
        Ok(())
    }

    fn begin(&self) -> Result<Running, Error> {
        let (engine, config) = (self.engine(), &self.inner.config);
        let mut problems = config.source.problems();
        let placement = config.placement.problems().into_iter();
        problems.extend(placement.map(|problem| format!("placement.{problem}")));
        if !problems.is_empty() {
            return Err(WorkerError::Config(problems).into());
        }
        let source = LocalSource::new(engine.clone(), config.source.clone()).with_orders();
        let source = Arc::new(source);
        let sources = engine.sources.clone();
        let agents = self.registry().clone();
        let worker = Worker::new(config.worker.clone(), source.clone(), agents, sources.clone())?;
        let listen = move || {
            let source = source.clone();
            async move { source.listen().await }
        };
        let timed = engine.clone();
        let (kept, retention) = (engine.clone(), config.retention.clone());
        let services = vec![
            Service::start("wake-ups", &sources, listen),
            Service::start("timers", &sources, move || timer::run(timed.clone())),
            Service::start("retention", &sources, move || {
                retention::run(kept.clone(), retention.clone())
            }),
        ];
        Ok(Running {
            worker: worker.start(),
            services,
        })
    }

    /// Submits a task and starts working. Tasks for agents of other programs that share the store are submitted through
    /// [`Orchestrator::engine`].
    ///
    /// # Errors
    ///
    /// [`Error::UnknownAgent`] when no agent here runs it; [`Error::Store`] as [`Engine::submit`]; [`Error::ShutDown`].
    ///
    /// # Cancel safety
    ///
    /// The task is stored or not; an idempotency key finds out.
    pub async fn submit(&self, task: NewTask) -> Result<TaskHandle, Error> {
        self.check_agent(&task.task_type)?;
        self.start()?;
        let submitted = self.inner.desk.engine.submit_one(task).await;
        Ok(self.task(self.inner.desk.unless_over(submitted)?.id()))
    }

    /// Submits a batch of tasks, all or none, and starts working. They may depend on each other by their refs.
    ///
    /// # Errors
    ///
    /// As [`Orchestrator::submit`].
    ///
    /// # Cancel safety
    ///
    /// As [`Orchestrator::submit`].
    pub async fn submit_all(&self, tasks: Vec<NewTask>) -> Result<Vec<TaskHandle>, Error> {
        for task in &tasks {
            self.check_agent(&task.task_type)?;
        }
        self.start()?;
        let submitted = self.inner.desk.engine.submit(tasks).await;
        let submitted = self.inner.desk.unless_over(submitted)?;
        Ok(submitted
            .iter()
            .map(|task: &SubmittedTask| self.task(task.id()))
            .collect())
    }

    /// A task that was submitted before, here or elsewhere.
    pub fn task(&self, id: TaskId) -> TaskHandle {
        TaskHandle::new(self.inner.desk.clone(), id)
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

    /// Whether the worker here would run tasks of a type: a task that nobody takes would be waited for without end.
    fn check_agent(&self, task_type: &str) -> Result<(), Error> {
        if is_external(task_type) {
            return Ok(());
        }
        let registry = self.registry();
        let labels = &self.inner.config.worker.labels;
        let known = match registry.get(task_type) {
            Some(agent) => {
                let mut lacking = agent.requires();
                lacking.retain(|label| !meets(labels, label));
                if lacking.is_empty() {
                    return Ok(());
                }
                format!(
                    "its agent is left out, since the worker does not offer {}",
                    lacking.join(", ")
                )
            }
            None if registry.is_empty() => "no agent is registered".to_owned(),
            None => {
                let known: Vec<&str> = registry.iter().map(|agent| agent.task_type()).collect();
                format!("registered are {}", known.join(", "))
            }
        };
        Err(Error::UnknownAgent {
            task_type: task_type.to_owned(),
            known,
        })
    }

    /// Ends in order: claims no more, gives what runs `deadline` to end, stops the rest and gives it back, ends the loops
    /// and closes the store. Nothing of it is left when this returns, and nothing can be run or submitted any more. What is
    /// not finished goes on when the store is opened again. A second call does not wait for the first one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts what runs, as dropping the last clone does.
    pub async fn shutdown(&self, deadline: Duration) {
        let phase = mem::replace(&mut *self.phase(), Phase::Over);
        if let Phase::Running(Running { worker, services }) = phase {
            if let Err(error) = worker.stop(deadline).await {
                tracing::warn!(%error, "the worker did not end in order");
            }
            // After the worker: what it lets end may still set timers and wake others.
            for service in services {
                service.stop().await;
            }
        }
        self.inner.desk.over.cancel();
        self.inner.desk.engine.close().await;
    }

    /// Drops everything where it is, as a crash would, and may be started again. For tests.
    pub fn abort(&self) {
        let mut phase = self.phase();
        if let Phase::Running(running) = &*phase {
            running.worker.abort();
            *phase = Phase::Idle;
        }
    }
}

/// The output of a task that has ended.
fn outcome<O: DeserializeOwned>(result: TaskResult) -> Result<O, Error> {
    let TaskResult { task, attention } = result;
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
        TaskState::Paused => {
            let spender = attention.into_iter().next();
            Err(Error::BudgetExhausted {
                task: id,
                spender: spender.as_ref().map_or(id, |spender| spender.task_id),
                message: spender.map(|spender| spender.message).unwrap_or_default(),
            })
        }
        _ => Err(Error::TaskFailed {
            task: id,
            error: task.error.unwrap_or_default(),
        }),
    }
}
