//! A worker's tasks from the engine in the same process.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use orchestrator_protocol::{SessionId, TaskId};
use tokio::sync::{Notify, broadcast::error::RecvError};

use super::Engine;
use crate::{
    bus::Nudge,
    store::{Claim, History, LeasedTask, OpenSession, Renewed, ReportAck, ReportBody, ReportItem, Settled, StoreError},
    worker::source::{Hello, TaskSource, Wakeup, Welcome},
};

/// How a local source keeps its sessions.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// How long a session may be silent. Defaults to 15 seconds.
    pub ttl: Duration,
    /// How long an idle worker waits before it looks for work without being told. Defaults to 1 second: another
    /// process may have written to the same file.
    pub poll: Duration,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(15),
            poll: Duration::from_secs(1),
        }
    }
}

/// The engine as a source of tasks.
pub struct LocalSource {
    engine: Engine,
    config: SourceConfig,
    sessions: Mutex<BTreeMap<SessionId, Arc<Bell>>>,
}

/// Rings for one session; keeps what rang while nobody listened.
#[derive(Default)]
struct Bell {
    notify: Notify,
    rung: Mutex<Wakeup>,
}

impl Bell {
    fn ring(&self, wakeup: Wakeup) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        rung.work |= wakeup.work;
        rung.cancel |= wakeup.cancel;
        drop(rung);
        self.notify.notify_one();
    }

    fn take(&self) -> Wakeup {
        std::mem::take(&mut *self.rung.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for LocalSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSource")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl LocalSource {
    /// A source over an engine. Its wake-ups come as long as [`LocalSource::listen`] runs.
    pub fn new(engine: Engine, config: SourceConfig) -> Self {
        Self {
            engine,
            config,
            sessions: Mutex::default(),
        }
    }

    fn bell(&self, session: SessionId) -> Arc<Bell> {
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(session)
            .or_default()
            .clone()
    }

    fn ring(&self, only: Option<SessionId>, wakeup: Wakeup) {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        for (session, bell) in sessions.iter() {
            if only.is_none_or(|id| id == *session) {
                bell.ring(wakeup);
            }
        }
    }

    /// Passes the bus's nudges and other processes' changes on to the sessions, until it is dropped.
    pub async fn listen(&self) {
        let mut nudges = self.engine.bus.nudges();
        let mut foreign = self.engine.store.foreign_changes().await.unwrap_or_default();
        let everything = Wakeup {
            work: true,
            cancel: true,
        };
        loop {
            tokio::select! {
                biased;
                nudge = nudges.recv() => match nudge {
                    Ok(Nudge::Ready) => self.ring(None, Wakeup { work: true, cancel: false }),
                    Ok(Nudge::Cancel(session)) => self.ring(Some(session), Wakeup { work: false, cancel: true }),
                    Ok(Nudge::Timer) => {}
                    Err(RecvError::Lagged(_)) => self.ring(None, everything),
                    Err(RecvError::Closed) => return,
                },
                () = self.engine.sources.clock.sleep(self.config.poll) => {
                    if let Ok(changes) = self.engine.store.foreign_changes().await
                        && changes != foreign
                    {
                        foreign = changes;
                        self.ring(None, everything);
                        self.engine.bus.nudge(Nudge::Timer).await;
                    }
                }
            }
        }
    }
}

/// Whether a report may set a timer.
fn sets_timer(body: &ReportBody) -> bool {
    match body {
        ReportBody::Wait { until, .. } => until.is_some(),
        ReportBody::Fail { .. } => true,
        ReportBody::Spawn(children) => children
            .iter()
            .any(|c| c.task.run_at.is_some() || c.task.deadline.is_some()),
        _ => false,
    }
}

/// How many polls without a nudge pass before a worker looks for work regardless.
const QUIET_POLLS: u32 = 5;

#[async_trait]
impl TaskSource for LocalSource {
    async fn open(&self, hello: Hello) -> Result<Welcome, StoreError> {
        let session = self.engine.sources.ids.session();
        let open = OpenSession {
            session,
            worker: hello.worker,
            name: hello.name,
            labels: hello.labels,
            task_types: hello.task_types,
            slots: hello.slots,
            ttl: self.config.ttl,
            owner: hello.owner,
            now: self.engine.now(),
        };
        let committed = self.engine.store.open_session(open).await?;
        self.engine.announce(committed).await;
        self.bell(session).ring(Wakeup {
            work: true,
            cancel: false,
        });
        Ok(Welcome {
            session,
            ttl: self.config.ttl,
        })
    }

    async fn claim(&self, session: SessionId, credit: usize) -> Result<Vec<LeasedTask>, StoreError> {
        let committed = self
            .engine
            .store
            .claim(Claim {
                session,
                credit,
                now: self.engine.now(),
            })
            .await?;
        Ok(self.engine.announce(committed).await)
    }

    async fn report(&self, items: Vec<ReportItem>) -> Result<Vec<ReportAck>, StoreError> {
        let timed = items.iter().any(|item| sets_timer(&item.body));
        let committed = self.engine.store.report(items, self.engine.now()).await?;
        let acks = self.engine.announce(committed).await;
        if timed {
            self.engine.bus.nudge(Nudge::Timer).await;
        }
        Ok(acks)
    }

    async fn renew(&self, session: SessionId) -> Result<Renewed, StoreError> {
        self.engine.store.renew(session, self.engine.now()).await
    }

    async fn history(&self, task: TaskId) -> Result<History, StoreError> {
        self.engine.store.history(task).await
    }

    async fn results(&self, tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError> {
        self.engine.store.results(tasks).await
    }

    async fn cancel(&self, tasks: Vec<TaskId>, reason: String) -> Result<(), StoreError> {
        for task in tasks {
            self.engine.cancel(task, &reason).await?;
        }
        Ok(())
    }

    async fn woken(&self, session: SessionId) -> Wakeup {
        let bell = self.bell(session);
        let rung = bell.take();
        if rung != Wakeup::default() {
            return rung;
        }
        tokio::select! {
            biased;
            () = bell.notify.notified() => bell.take(),
            () = self.engine.sources.clock.sleep(self.config.poll * QUIET_POLLS) => {
                Wakeup { work: true, cancel: false }
            }
        }
    }

    async fn close(&self, session: SessionId) -> Result<(), StoreError> {
        let committed = self.engine.store.close_session(session, self.engine.now()).await?;
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&session);
        self.engine.announce(committed).await;
        Ok(())
    }
}
