//! An engine far away: a server.

use std::{sync::Arc, time::Duration};

use orchestrator_client::{
    Client, EventsQuery, RemoteConfig, RemoteSource, ServerAddress,
    api::{HistoryQuery, PageQuery, TaskQuery},
    transport,
};
use orchestrator_core::{
    agent::Registry,
    clock::Sources,
    worker::{Worker, WorkerConfig},
};
use orchestrator_protocol::{LimitRule, TaskId};

use crate::{
    ask::{Ask, Follow, List, nothing, written},
    failure::Failure,
};

/// How long one request waits for a task to end, or to need a person.
const PATIENCE: Duration = Duration::from_mins(1);

/// How much later than it was waited for an answer may come.
const SLACK: Duration = Duration::from_secs(1);

/// All items of a list, page by page. A macro, since the future of an async closure cannot be shown to be `Send`.
macro_rules! everything {
    ($page:ident => $list:expr) => {{
        let mut query = PageQuery {
            limit: Some(500),
            cursor: None,
        };
        let mut items = Vec::new();
        loop {
            let $page = &query;
            let page = $list.await?;
            items.extend(page.items);
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                break items;
            }
        }
    }};
}

/// A server.
#[derive(Debug)]
pub(crate) struct Remote {
    client: Client,
    address: ServerAddress,
}

impl Remote {
    pub(crate) fn new(url: &str, token: Option<String>) -> Result<Self, Failure> {
        let address = ServerAddress::parse(url, token).map_err(|error| Failure::invalid(error.to_string()))?;
        let client = Client::new(address.clone())?;
        Ok(Self { client, address })
    }

    pub(crate) fn worker(&self, config: WorkerConfig, agents: Registry) -> Result<Worker, Failure> {
        let source = RemoteSource::new(RemoteConfig::new(self.address.clone(), transport::native()));
        Ok(Worker::new(config, Arc::new(source), agents, Sources::default())?)
    }

    pub(crate) fn events(&self, follow: Follow) -> orchestrator_client::Events {
        let query = EventsQuery {
            task_id: follow.task_id,
            tree: follow.tree,
            types: follow.types,
            after: follow.after,
        };
        orchestrator_client::Events::new(transport::native(), self.address.clone(), query)
    }

    pub(crate) async fn answer(&self, ask: Ask) -> Result<String, Failure> {
        let client = &self.client;
        match ask {
            Ask::Submit { tasks } => {
                let ids: Vec<TaskId> = match tasks.as_slice() {
                    [task] => vec![client.submit(task).await?.value.id],
                    tasks => client
                        .submit_all(tasks)
                        .await?
                        .value
                        .iter()
                        .map(|task| task.id)
                        .collect(),
                };
                written(&ids)
            }
            Ask::Get { task_id } => written(&client.task(task_id).await?),
            Ask::Settled { task_id, wait_s } => self.settled(task_id, wait_s).await,
            Ask::List(list) => written(&client.tasks(&task_query(list)).await?),
            Ask::Tree { task_id } => written(&client.tree(task_id).await?),
            Ask::History {
                task_id,
                after,
                tree,
                types,
                limit,
            } => {
                let query = HistoryQuery {
                    after,
                    tree,
                    types,
                    limit: Some(limit),
                    cursor: None,
                };
                written(&client.task_events(task_id, &query).await?.items)
            }
            Ask::Logs { task_id, after, limit } => {
                let query = HistoryQuery {
                    after,
                    limit: Some(limit),
                    ..HistoryQuery::default()
                };
                written(&client.logs(task_id, &query).await?.items)
            }
            Ask::Why { task_id } => written(&client.why(task_id).await?),
            ask => self.act(ask).await,
        }
    }

    async fn act(&self, ask: Ask) -> Result<String, Failure> {
        let client = &self.client;
        match ask {
            Ask::Cancel { task_id, .. } => written(&client.cancel(task_id).await?),
            Ask::Retry { task_id } => written(&client.retry(task_id).await?),
            Ask::Pause { task_id } => written(&client.pause(task_id).await?),
            Ask::Resume { task_id } => written(&client.resume(task_id).await?),
            Ask::Decide { task_id, decision } => written(&client.decide(task_id, &decision).await?),
            Ask::Complete { task_id, result } => written(&client.complete(task_id, &result).await?),
            Ask::Checkpoints { root_id } => written(&everything!(page => client.checkpoints(root_id, page))),
            Ask::Workers => written(&everything!(page => client.workers(page))),
            Ask::Worker { worker_id } => written(&client.worker(worker_id).await?),
            Ask::Drain { worker_id } => written(&client.drain(worker_id).await?),
            Ask::Schedules => written(&everything!(page => client.schedules(page))),
            Ask::PutSchedule { schedule } => written(&client.put_schedule(&schedule).await?.value),
            Ask::PauseSchedule {
                schedule_id,
                paused: true,
            } => written(&client.pause_schedule(schedule_id).await?),
            Ask::PauseSchedule { schedule_id, .. } => written(&client.resume_schedule(schedule_id).await?),
            Ask::DeleteSchedule { schedule_id } => {
                client.delete_schedule(schedule_id).await?;
                nothing()
            }
            Ask::Limits => {
                let limits = everything!(page => client.limits(page));
                let limits: Vec<(String, LimitRule)> =
                    limits.into_iter().map(|limit| (limit.key, limit.rule)).collect();
                written(&limits)
            }
            Ask::PutLimit { key, rule: Some(rule) } => {
                client.put_limit(&key, &rule).await?;
                nothing()
            }
            Ask::PutLimit { key, rule: None } => {
                client.delete_limit(&key).await?;
                nothing()
            }
            Ask::PauseQueue { queue, paused: true } => {
                client.pause_queue(&queue).await?;
                nothing()
            }
            Ask::PauseQueue { queue, .. } => {
                client.resume_queue(&queue).await?;
                nothing()
            }
            Ask::Stats => written(&client.stats().await?),
            Ask::Tick => Err(Failure::invalid("a server's clock is its own")),
            other => Err(Failure::new("internal", format!("{other:?} is not an act"))),
        }
    }

    async fn settled(&self, id: TaskId, wait_s: Option<f64>) -> Result<String, Failure> {
        let longest = match wait_s {
            Some(wait_s) => Some(
                Duration::try_from_secs_f64(wait_s).map_err(|error| Failure::invalid(format!("timeout: {error}")))?,
            ),
            None => None,
        };
        let end = longest.map(|longest| tokio::time::Instant::now() + longest);
        let mut waiting = self.client.wait_for(id);
        loop {
            let left = end.map(|end| end.saturating_duration_since(tokio::time::Instant::now()));
            let wait = left.unwrap_or(PATIENCE).min(PATIENCE);
            let asked = waiting.next(wait);
            let found = match end {
                None => asked.await?,
                Some(end) => match tokio::time::timeout_at(end + SLACK, asked).await {
                    Ok(answer) => answer?,
                    Err(_) => self.client.result_or_attention(id, Duration::ZERO).await?,
                },
            };
            let over = end.is_some_and(|end| end <= tokio::time::Instant::now());
            if found.has_stopped() || over {
                return written(&found);
            }
        }
    }
}

fn task_query(list: List) -> TaskQuery {
    TaskQuery {
        states: list.states,
        task_type: list.task_type,
        root_id: list.root_id,
        parent_id: list.parent_id,
        worker_id: list.worker_id,
        label: list.label,
        text: list.text,
        roots_only: list.roots_only,
        limit: Some(list.limit),
        cursor: list.cursor,
    }
}
