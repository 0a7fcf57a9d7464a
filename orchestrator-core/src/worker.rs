//! The worker: one loop that claims tasks, runs their agents and reports, over the small port [`source::TaskSource`].
//!
//! The same loop runs embedded, where the source is the service in the same process, and far away, where it is a
//! client. Its parts, each a file: sessions one after the other; heartbeats, claims and reports within a session; a run
//! for each task; and the roster of runs, suspended ones included.

pub(crate) mod backoff;
mod claims;
mod config;
mod crew;
mod handle;
mod heartbeat;
pub(crate) mod lease;
mod limit;
pub(crate) mod outbox;
mod reporter;
mod roster;
mod run;
mod session;
mod slot;
pub mod source;

use std::{
    future::Future,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use orchestrator_protocol::WorkerId;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use config::{LoadProbe, WorkerConfig};
pub use handle::WorkerHandle;

use self::{
    crew::Crew,
    outbox::{Message, Outbox},
    reporter::Reporter,
    roster::Roster,
    slot::Slots,
    source::{Hello, SharedSource},
};
use crate::{agent::Registry, clock::Sources, context::host::Host, store::StoreError};

/// Why there is no worker, or no more.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// It cannot be set up like this.
    #[error("the worker's configuration is wrong: {}", .0.join("; "))]
    Config(Vec<String>),
    /// The source does not take it, and will not later.
    #[error("the worker was refused: {0}")]
    Refused(StoreError),
    /// It was aborted.
    #[error("the worker was aborted")]
    Aborted,
}

/// A worker that has not started.
///
/// ```no_run
/// # use std::time::Duration;
/// use orchestrator_core::{
///     agent::{AgentError, Registry, agent},
///     clock::Sources,
///     context::TaskContext,
///     worker::{Worker, WorkerConfig, source::SharedSource},
/// };
///
/// # async fn example(source: SharedSource) -> Result<(), Box<dyn std::error::Error>> {
/// let mut agents = Registry::new();
/// agents.add(agent("double", |_ctx: TaskContext, n: i64| async move { Ok::<_, AgentError>(n * 2) }))?;
/// let worker = Worker::new(WorkerConfig::default(), source, agents, Sources::default())?.start();
/// worker.stop(Duration::from_secs(30)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Worker {
    crew: Arc<Crew>,
    inbox: mpsc::Receiver<Message>,
    hello: Hello,
}

impl Worker {
    /// Sets up a worker. Agents that require labels which it does not offer are left out.
    ///
    /// # Errors
    ///
    /// [`WorkerError::Config`] with everything that is wrong.
    pub fn new(
        config: WorkerConfig,
        source: SharedSource,
        agents: Registry,
        sources: Sources,
    ) -> Result<Self, WorkerError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(WorkerError::Config(problems));
        }
        let worker = config.worker.unwrap_or_else(|| sources.ids.worker());
        let (outbox, inbox) = Outbox::new();
        let task_types = agents.task_types(&config.labels);
        let input_schemas = Some(agents.input_schemas(&task_types));
        let hello = Hello {
            worker,
            name: config.name,
            task_types,
            input_schemas,
            labels: config.labels,
            slots: config.slots,
            owner: config.owner,
        };
        let host = Arc::new(Host {
            source,
            sources,
            outbox,
            beat: Notify::new(),
            grace: config.grace,
            wait_poll: config.wait_poll,
            seed: worker.as_uuid(),
        });
        let crew = Arc::new(Crew {
            host,
            slots: Slots::new(config.slots as usize),
            roster: Roster::new(config.suspended),
            agents,
            suspended_for: config.suspended_for,
            load: config.load,
            draining: AtomicBool::new(false),
            hurry: CancellationToken::new(),
        });
        Ok(Self { crew, inbox, hello })
    }

    /// Its id: what tasks that it runs show as their worker.
    pub fn id(&self) -> WorkerId {
        self.hello.worker
    }

    /// Starts it as a task of the current tokio runtime.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start(self) -> WorkerHandle {
        let (sender, mut receiver) = watch::channel(None::<Duration>);
        let crew = self.crew.clone();
        let stop = async move {
            let deadline = receiver
                .wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|deadline| *deadline);
            match deadline {
                Some(deadline) => deadline,
                // The handle is gone, and aborts the worker.
                None => std::future::pending().await,
            }
        };
        let task = tokio::spawn(self.run(stop));
        WorkerHandle::new(crew, sender, task)
    }

    /// Works until `stop` gives the time that the last tasks may take; then stops as [`WorkerHandle::stop`] says.
    ///
    /// # Errors
    ///
    /// [`WorkerError::Refused`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops all agents where they are, as a crash would.
    pub async fn run(self, stop: impl Future<Output = Duration> + Send) -> Result<(), WorkerError> {
        let _drops_agents = DropsAgents(self.crew.clone());
        let mut reporter = Reporter::new(self.crew.clone(), self.inbox);
        tokio::select! {
            biased;
            () = reporter.run() => Ok(()),
            result = session::serve(&self.crew, self.hello, stop) => result,
        }
    }
}

/// Drops the agents together with the worker.
struct DropsAgents(Arc<Crew>);

impl Drop for DropsAgents {
    fn drop(&mut self) {
        self.0.roster.abort_all();
    }
}
