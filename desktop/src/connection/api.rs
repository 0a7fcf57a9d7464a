//! What can be asked: the calls that screens make, whoever answers.

use std::{
    hash::{Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use orchestrator_client::{
    Client, Events, EventsQuery, ServerAddress, Step,
    api::{HistoryQuery, PageQuery, TaskQuery},
    transport::Transport,
};
use orchestrator_desktop_model::{Failure, FailureKind, list::Filter};
use orchestrator_protocol::{
    Checkpoint, Decision, Event, LogLine, NewTask, Page, Seq, Stats, Task, TaskId, Tree, Why, Worker, WorkerId,
};

use super::failure;

/// The most that a list gives at once.
pub const PAGE: u32 = 500;

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// A server's URL, or `sqlite:FILE` or `memory:` for an engine inside the app, where the build has one.
    pub url: String,
    /// The token, where the server asks for one.
    pub token: Option<String>,
}

/// Why nothing can be asked there.
pub type OpenError = Failure;

/// What answers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    kind: Kind,
    /// Tells connections apart, so that a new one to the same address is followed anew.
    number: u64,
}

#[derive(Debug, Clone)]
enum Kind {
    Remote {
        client: Client,
        transport: Arc<dyn Transport>,
    },
}

/// Live events.
#[derive(Debug)]
pub struct Live(Box<Events>);

impl Live {
    /// The next event, or what became of the connection.
    ///
    /// # Errors
    ///
    /// There will be none, however often one asks.
    pub async fn step(&mut self) -> Result<Step, Failure> {
        self.0.step().await.map_err(|error| failure::of_events(&error))
    }
}

impl Hash for Api {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

#[cfg(not(target_family = "wasm"))]
fn transport() -> Arc<dyn Transport> {
    orchestrator_client::transport::native()
}

#[cfg(target_family = "wasm")]
fn transport() -> Arc<dyn Transport> {
    orchestrator_client::transport::browser()
}

/// Tasks. Every call fails with a [`Failure`]: it was refused, or nobody answers.
impl Api {
    /// Makes what is needed for asking; whether anybody answers is not known before the first call.
    ///
    /// # Errors
    ///
    /// The address is none.
    pub async fn open(target: Target) -> Result<Self, OpenError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let refused = |message: String| Failure::new(FailureKind::Refused, message);
        let address = ServerAddress::parse(&target.url, target.token).map_err(|error| refused(error.to_string()))?;
        let transport = transport();
        let client = Client::over(address, Arc::clone(&transport)).map_err(|error| failure::of_call(&error))?;
        Ok(Self {
            kind: Kind::Remote { client, transport },
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
        })
    }

    /// Whether the engine is inside the app.
    pub fn is_embedded(&self) -> bool {
        false
    }

    /// Returns after so long.
    pub async fn sleep(&self, wait: Duration) {
        let Kind::Remote { transport, .. } = &self.kind;
        transport.sleep(wait).await;
    }

    /// Live events.
    pub fn live(&self, query: EventsQuery) -> Live {
        let Kind::Remote { client, transport } = &self.kind;
        Live(Box::new(Events::new(
            Arc::clone(transport),
            client.address().clone(),
            query,
        )))
    }

    /// A page of tasks, the newest first.
    pub async fn tasks(&self, filter: Filter, limit: u32, cursor: Option<String>) -> Result<Page<Task>, Failure> {
        let text = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let query = TaskQuery {
            states: filter.states,
            task_type: text(filter.task_type),
            label: filter
                .label
                .split_once(':')
                .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())),
            text: text(filter.text),
            roots_only: !filter.children,
            limit: Some(limit),
            cursor,
            ..TaskQuery::default()
        };
        self.client().tasks(&query).await.map_err(told)
    }

    /// One task.
    pub async fn task(&self, id: TaskId) -> Result<Task, Failure> {
        self.client().task(id).await.map_err(told)
    }

    /// A task and all below it.
    pub async fn tree(&self, id: TaskId) -> Result<Tree, Failure> {
        self.client().tree(id).await.map_err(told)
    }

    /// Why a task is where it is.
    pub async fn why(&self, id: TaskId) -> Result<Why, Failure> {
        self.client().why(id).await.map_err(told)
    }

    /// The durable history of a task and of all below it, after a place.
    pub async fn history(&self, id: TaskId, after: Seq) -> Result<Vec<Event>, Failure> {
        let mut query = HistoryQuery {
            after,
            tree: true,
            limit: Some(PAGE),
            ..HistoryQuery::default()
        };
        let mut all = Vec::new();
        loop {
            let page = self.client().task_events(id, &query).await.map_err(told)?;
            all.extend(page.items);
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return Ok(all);
            }
        }
    }

    /// A page of the lines that a task wrote, after a place.
    pub async fn logs(&self, id: TaskId, after: Seq) -> Result<Page<LogLine>, Failure> {
        let query = HistoryQuery {
            after,
            limit: Some(PAGE),
            ..HistoryQuery::default()
        };
        self.client().logs(id, &query).await.map_err(told)
    }

    /// Submits a task.
    pub async fn submit(&self, task: NewTask) -> Result<Task, Failure> {
        self.client().submit(&task).await.map(|made| made.value).map_err(told)
    }

    /// Cancels a task and everything below it.
    pub async fn cancel(&self, id: TaskId) -> Result<Task, Failure> {
        self.client().cancel(id).await.map_err(told)
    }

    /// Runs a failed, cancelled or needs_attention task again.
    pub async fn retry(&self, id: TaskId) -> Result<Task, Failure> {
        self.client().retry(id).await.map_err(told)
    }

    /// Starts nothing more of a task and what is below it.
    pub async fn pause(&self, id: TaskId) -> Result<Task, Failure> {
        self.client().pause(id).await.map_err(told)
    }

    /// Takes a pause back.
    pub async fn resume(&self, id: TaskId) -> Result<Task, Failure> {
        self.client().resume(id).await.map_err(told)
    }

    /// Decides at a checkpoint.
    pub async fn decide(&self, id: TaskId, decision: Decision) -> Result<Task, Failure> {
        self.client().decide(id, &decision).await.map_err(told)
    }

    /// What waits for people, the newest first.
    pub async fn checkpoints(&self) -> Result<Vec<Checkpoint>, Failure> {
        let page = PageQuery {
            limit: Some(PAGE),
            cursor: None,
        };
        let page = self.client().checkpoints(None, &page).await.map_err(told)?;
        Ok(page.items)
    }

    /// The workers that are connected, by name.
    pub async fn workers(&self) -> Result<Vec<Worker>, Failure> {
        let mut query = PageQuery {
            limit: Some(PAGE),
            cursor: None,
        };
        let mut all = Vec::new();
        loop {
            let page = self.client().workers(&query).await.map_err(told)?;
            all.extend(page.items);
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return Ok(all);
            }
        }
    }

    /// Lets a worker finish what it has and take no more.
    pub async fn drain(&self, id: WorkerId) -> Result<Worker, Failure> {
        self.client().drain(id).await.map_err(told)
    }

    /// Counts.
    pub async fn stats(&self) -> Result<Stats, Failure> {
        self.client().stats().await.map_err(told)
    }

    fn client(&self) -> &Client {
        let Kind::Remote { client, .. } = &self.kind;
        client
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn told(error: orchestrator_client::ClientError) -> Failure {
    failure::of_call(&error)
}
