//! An engine in this process: the core over a store in memory, in a file or in PostgreSQL.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use orchestrator_core::{
    agent::Registry,
    bus::local::LocalBus,
    clock::Sources,
    maintain::{Retention, Service, retention, timer},
    orchestrator::open_store,
    service::{Engine, LocalSource, SourceConfig},
    store::{EventQuery, EventScope, ListQuery, LogQuery, Owner, Store},
    worker::{Worker, WorkerConfig},
};
use orchestrator_postgres::{PostgresOptions, PostgresStore};
use orchestrator_protocol::{Page, Seq, TaskId};

use crate::{
    ask::{Ask, Follow, List, nothing, written},
    failure::Failure,
};

/// An engine in this process.
#[derive(Debug)]
pub(crate) struct Embedded {
    pub(crate) engine: Engine,
    owner: Option<Owner>,
    source: SourceConfig,
    /// The loops that run once there is something to do.
    services: Mutex<Vec<Service>>,
}

impl Embedded {
    pub(crate) async fn open(url: &str, sources: Sources, session_ttl: Option<Duration>) -> Result<Self, Failure> {
        let (store, owner): (Arc<dyn Store>, Option<Owner>) =
            if url.starts_with("postgres:") || url.starts_with("postgresql:") {
                (
                    Arc::new(PostgresStore::open(url, PostgresOptions::default()).await?),
                    None,
                )
            } else {
                open_store(url, &sources).await?
            };
        let mut source = SourceConfig::default();
        source.ttl = session_ttl.unwrap_or(source.ttl);
        Ok(Self {
            engine: Engine::new(store, Arc::new(LocalBus::new()), sources),
            owner,
            source,
            services: Mutex::default(),
        })
    }

    /// Starts the loops without which nothing would come due, unless they run.
    fn keep_going(&self) {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        if !services.is_empty() || self.engine.is_closed() {
            return;
        }
        let (timed, kept) = (self.engine.clone(), self.engine.clone());
        let sources = &self.engine.sources;
        services.push(Service::start("timers", sources, move || timer::run(timed.clone())));
        services.push(Service::start("retention", sources, move || {
            retention::run(kept.clone(), Retention::default())
        }));
    }

    pub(crate) fn worker(&self, config: WorkerConfig, agents: Registry) -> Result<(Worker, Service), Failure> {
        self.keep_going();
        let sources = self.engine.sources.clone();
        let source = Arc::new(LocalSource::new(self.engine.clone(), self.source.clone()).with_orders());
        let config = WorkerConfig {
            owner: self.owner.clone(),
            ..config
        };
        let worker = Worker::new(config, source.clone(), agents, sources.clone())?;
        let wake_ups = Service::start("wake-ups", &sources, move || {
            let source = source.clone();
            async move { source.listen().await }
        });
        Ok((worker, wake_ups))
    }

    pub(crate) async fn close(&self) {
        let services = std::mem::take(&mut *self.services.lock().unwrap_or_else(PoisonError::into_inner));
        for service in services {
            service.stop().await;
        }
        self.engine.close().await;
    }

    pub(crate) async fn answer(&self, ask: Ask) -> Result<String, Failure> {
        let engine = &self.engine;
        match ask {
            Ask::Submit { tasks } => {
                self.keep_going();
                let submitted = engine.submit(tasks).await?;
                let ids: Vec<TaskId> = submitted
                    .iter()
                    .map(orchestrator_core::store::SubmittedTask::id)
                    .collect();
                written(&ids)
            }
            Ask::Get { task_id } => written(&engine.get(task_id).await?),
            Ask::Settled { task_id, wait_s: None } => written(&engine.settled(task_id).await?),
            Ask::Settled {
                task_id,
                wait_s: Some(wait_s),
            } => {
                let wait =
                    Duration::try_from_secs_f64(wait_s).map_err(|e| Failure::invalid(format!("timeout: {e}")))?;
                tokio::select! {
                    biased;
                    settled = engine.settled(task_id) => written(&settled?),
                    // Who waits does so in real time: a test whose clock stands still must not wait for ever.
                    () = tokio::time::sleep(wait) => written(&engine.result_or_attention(task_id, Duration::ZERO).await?),
                }
            }
            Ask::List(list) => written(&engine.list(list_query(list)).await?),
            Ask::Tree { task_id } => written(&engine.tree(task_id).await?),
            Ask::History {
                task_id,
                after,
                tree,
                types,
                limit,
            } => {
                engine.get(task_id).await?;
                let scope = if tree {
                    EventScope::Tree(task_id)
                } else {
                    EventScope::Task(task_id)
                };
                let limit = limit as usize;
                let query = EventQuery {
                    scope,
                    after,
                    types,
                    limit,
                };
                written(&engine.events(query).await?)
            }
            Ask::Logs { task_id, after, limit } => {
                let query = LogQuery {
                    task: task_id,
                    after,
                    limit: limit as usize,
                };
                written(&engine.logs(query).await?)
            }
            Ask::Why { task_id } => written(&engine.why(task_id).await?),
            ask => self.act(ask).await,
        }
    }

    async fn act(&self, ask: Ask) -> Result<String, Failure> {
        let engine = &self.engine;
        match ask {
            Ask::Cancel { task_id, reason } => written(&engine.cancel(task_id, &reason).await?),
            Ask::Retry { task_id } => written(&engine.retry(task_id).await?),
            Ask::Pause { task_id } => written(&engine.pause(task_id).await?),
            Ask::Resume { task_id } => written(&engine.resume(task_id).await?),
            Ask::Decide { task_id, decision } => written(&engine.decide(task_id, &decision).await?),
            Ask::Complete { task_id, result } => written(&engine.complete(task_id, result).await?),
            Ask::Checkpoints { root_id } => self.checkpoints(root_id).await,
            Ask::Workers => written(&engine.workers().await?),
            Ask::Worker { worker_id } => written(&engine.worker(worker_id).await?),
            Ask::Drain { worker_id } => written(&engine.drain(worker_id).await?),
            Ask::Schedules => written(&engine.schedules().await?),
            Ask::PutSchedule { schedule } => {
                self.keep_going();
                written(&engine.put_schedule(*schedule).await?)
            }
            Ask::PauseSchedule { schedule_id, paused } => written(&engine.pause_schedule(schedule_id, paused).await?),
            Ask::DeleteSchedule { schedule_id } => {
                engine.delete_schedule(schedule_id).await?;
                nothing()
            }
            Ask::Limits => written(&engine.limits().await?),
            Ask::PutLimit { key, rule } => {
                engine.put_limit(&key, rule).await?;
                nothing()
            }
            Ask::PauseQueue { queue, paused } => {
                engine.pause_queue(&queue, paused).await?;
                nothing()
            }
            Ask::Stats => written(&engine.stats().await?),
            Ask::Tick => {
                let ticked = engine.tick(engine.now(), usize::MAX).await?;
                written(&(ticked.arrived + ticked.rescued + ticked.due + ticked.scheduled))
            }
            other => Err(Failure::new("internal", format!("{other:?} is not an act"))),
        }
    }

    async fn checkpoints(&self, root: Option<TaskId>) -> Result<String, Failure> {
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page: Page<_> = self.engine.checkpoints(root, 500, cursor).await?;
            all.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return written(&all);
            }
        }
    }
}

pub(crate) fn event_query(follow: Follow, after: Seq) -> EventQuery {
    EventQuery {
        scope: match follow.task_id {
            None => EventScope::All,
            Some(id) if follow.tree => EventScope::Tree(id),
            Some(id) => EventScope::Task(id),
        },
        after,
        types: follow.types,
        limit: 0,
    }
}

fn list_query(list: List) -> ListQuery {
    ListQuery {
        states: list.states,
        task_type: list.task_type,
        root_id: list.root_id,
        parent_id: list.parent_id,
        worker_id: list.worker_id,
        label: list.label,
        text: list.text,
        roots_only: list.roots_only,
        limit: list.limit as usize,
        cursor: list.cursor,
    }
}
