//! Tasks from a server.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use orchestrator_client::{
    Client, ClientError, Events, EventsQuery, ServerAddress, Step,
    api::{HistoryQuery, PageQuery, TaskQuery},
    transport::Transport,
};
use orchestrator_desktop_model::{Failure, FailureKind, list::Filter};
use orchestrator_protocol::{
    Checkpoint, Code, Decision, Event, LogLine, NewTask, Page, Seq, Stats, Task, TaskId, TaskType, Tree, Why, Worker,
    WorkerId,
};

use super::{
    failure,
    source::{Live, PAGE, Source, label, text},
};

/// A server.
#[derive(Debug)]
pub(super) struct Remote {
    client: Client,
    transport: Arc<dyn Transport>,
}

impl Remote {
    /// A server by its URL. Nothing is asked yet.
    pub(super) fn open(url: &str, token: Option<String>) -> Result<Self, Failure> {
        let refused = |message: String| Failure::new(FailureKind::Address, message);
        let address = ServerAddress::parse(url, token).map_err(|error| refused(error.to_string()))?;
        #[cfg(not(target_family = "wasm"))]
        let (client, transport) = (Client::new(address), orchestrator_client::transport::native());
        #[cfg(target_family = "wasm")]
        let transport = orchestrator_client::transport::browser();
        #[cfg(target_family = "wasm")]
        let client = Client::over(address, Arc::clone(&transport));
        let client = client.map_err(told)?;
        Ok(Self { client, transport })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn told(error: ClientError) -> Failure {
    failure::of_call(&error)
}

struct RemoteLive(Events);

#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
impl Live for RemoteLive {
    async fn step(&mut self) -> Result<Step, Failure> {
        self.0.step().await.map_err(|error| failure::of_events(&error))
    }
}

#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
impl Source for Remote {
    async fn sleep(&self, wait: Duration) {
        self.transport.sleep(wait).await;
    }

    fn live(&self, query: EventsQuery) -> Box<dyn Live> {
        let address = self.client.address().clone();
        Box::new(RemoteLive(Events::new(Arc::clone(&self.transport), address, query)))
    }

    async fn tasks(&self, filter: Filter, limit: u32, cursor: Option<String>) -> Result<Page<Task>, Failure> {
        let query = TaskQuery {
            task_type: text(&filter.task_type),
            label: label(&filter),
            text: text(&filter.text),
            states: filter.states,
            roots_only: !filter.children,
            limit: Some(limit),
            cursor,
            ..TaskQuery::default()
        };
        self.client.tasks(&query).await.map_err(told)
    }

    async fn task(&self, id: TaskId) -> Result<Task, Failure> {
        self.client.task(id).await.map_err(told)
    }

    async fn tree(&self, id: TaskId) -> Result<Tree, Failure> {
        self.client.tree(id).await.map_err(told)
    }

    async fn why(&self, id: TaskId) -> Result<Why, Failure> {
        self.client.why(id).await.map_err(told)
    }

    async fn history(&self, id: TaskId, after: Seq) -> Result<Vec<Event>, Failure> {
        let mut query = HistoryQuery {
            after,
            tree: true,
            limit: Some(PAGE),
            ..HistoryQuery::default()
        };
        let mut all = Vec::new();
        loop {
            let page = self.client.task_events(id, &query).await.map_err(told)?;
            all.extend(page.items);
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return Ok(all);
            }
        }
    }

    async fn logs(&self, id: TaskId, after: Seq) -> Result<Page<LogLine>, Failure> {
        let query = HistoryQuery {
            after,
            limit: Some(PAGE),
            ..HistoryQuery::default()
        };
        self.client.logs(id, &query).await.map_err(told)
    }

    async fn submit(&self, task: NewTask) -> Result<Task, Failure> {
        self.client.submit(&task).await.map(|made| made.value).map_err(told)
    }

    async fn cancel(&self, id: TaskId) -> Result<Task, Failure> {
        self.client.cancel(id).await.map_err(told)
    }

    async fn retry(&self, id: TaskId) -> Result<Task, Failure> {
        self.client.retry(id).await.map_err(told)
    }

    async fn pause(&self, id: TaskId) -> Result<Task, Failure> {
        self.client.pause(id).await.map_err(told)
    }

    async fn resume(&self, id: TaskId) -> Result<Task, Failure> {
        self.client.resume(id).await.map_err(told)
    }

    async fn decide(&self, id: TaskId, decision: Decision) -> Result<Task, Failure> {
        self.client.decide(id, &decision).await.map_err(told)
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, Failure> {
        let page = PageQuery {
            limit: Some(PAGE),
            cursor: None,
        };
        let page = self.client.checkpoints(None, &page).await.map_err(told)?;
        Ok(page.items)
    }

    async fn workers(&self) -> Result<Vec<Worker>, Failure> {
        let mut query = PageQuery {
            limit: Some(PAGE),
            cursor: None,
        };
        let mut all = Vec::new();
        loop {
            let page = self.client.workers(&query).await.map_err(told)?;
            all.extend(page.items);
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return Ok(all);
            }
        }
    }

    async fn task_types(&self) -> Result<Vec<TaskType>, Failure> {
        let mut query = PageQuery {
            limit: Some(PAGE),
            cursor: None,
        };
        let mut all = Vec::new();
        loop {
            let page = match self.client.task_types(&query).await {
                Ok(page) => page,
                // A server from before there was this address.
                Err(error) if error.code() == Some(Code::NotFound) => return Ok(Vec::new()),
                Err(error) => return Err(told(error)),
            };
            all.extend(page.items);
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return Ok(all);
            }
        }
    }

    async fn drain(&self, id: WorkerId) -> Result<Worker, Failure> {
        self.client.drain(id).await.map_err(told)
    }

    async fn stats(&self) -> Result<Stats, Failure> {
        self.client.stats().await.map_err(told)
    }
}
