//! A worker's tasks from the engine in the same process.

mod asking;
mod order;
mod telling;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use orchestrator_protocol::{Event, EventBody, EventType, Json, Load, Seq, SessionId, TaskId, Timestamp, WorkerId};
use serde_json::json;
use tokio::sync::{Notify, broadcast};

use self::{asking::FILLED, order::Orders, telling::Told};
use super::{Engine, poll::Poll, trouble::Asked};
use crate::{
    bus::{Nudge, Nudged},
    domain::retry::jitter,
    presence::Sighting,
    store::{
        History, LeasedTask, OpenSession, Renewal, Renewed, ReportAck, ReportBody, ReportItem, Settled, StoreError,
    },
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

impl SourceConfig {
    /// Everything that is wrong with it; nothing when it is empty.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.ttl.is_zero() {
            problems.push("ttl: must be longer than nothing".to_owned());
        }
        if self.poll.is_zero() {
            problems.push("poll: must be longer than nothing".to_owned());
        }
        problems
    }
}

/// The engine as a source of tasks.
pub struct LocalSource {
    engine: Engine,
    config: SourceConfig,
    sessions: Arc<Bells>,
    /// What sessions have ordered.
    orders: Arc<Orders>,
    /// Whether a claim that finds too little leaves an order.
    leaves_orders: bool,
    /// Sessions whose orders were filled.
    filled: broadcast::Sender<SessionId>,
    /// What was last told of workers.
    told: Told,
    /// What was nudged before [`LocalSource::listen`] began.
    nudges: Mutex<Option<broadcast::Receiver<Nudge>>>,
}

/// The bells of sessions.
type Bells = Mutex<BTreeMap<SessionId, Arc<Bell>>>;

/// Rings for one session; keeps what rang while nobody listened.
#[derive(Default)]
struct Bell {
    notify: Notify,
    rung: Mutex<Wakeup>,
    /// Whether it was told of work since it last asked.
    told: AtomicBool,
    /// How often it waited in vain.
    polls: AtomicU32,
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

const WORK: Wakeup = Wakeup {
    work: true,
    cancel: false,
};
const CANCEL: Wakeup = Wakeup {
    work: false,
    cancel: true,
};
const ANYTHING: Wakeup = Wakeup {
    work: true,
    cancel: true,
};

impl LocalSource {
    /// A source over an engine. Its wake-ups come as long as [`LocalSource::listen`] runs; without it workers find what
    /// there is by looking every few seconds.
    pub fn new(engine: Engine, config: SourceConfig) -> Self {
        // Listening begins here: a task that is submitted before the loop first runs is not overheard.
        let nudges = engine.bus.nudges();
        Self {
            engine,
            config,
            sessions: Arc::default(),
            orders: Arc::default(),
            leaves_orders: false,
            filled: broadcast::Sender::new(FILLED),
            told: Told::default(),
            nudges: Mutex::new(Some(nudges)),
        }
    }

    /// Keeps no wake-ups for a session any more: it is woken in another way, or from elsewhere.
    pub fn forget(&self, session: SessionId) {
        self.sessions().remove(&session);
    }

    /// Keeps what a worker says of the types that it runs. It can work also where that fails, so that it is only told.
    pub async fn announce_types(&self, task_types: &BTreeSet<String>, schemas: &BTreeMap<String, Json>) {
        if let Err(error) = self.engine.announce_types(task_types, schemas).await {
            tracing::warn!(%error, "the input schemas of a worker were not kept");
        }
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<SessionId, Arc<Bell>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring_all(&self, wakeup: Wakeup) {
        for bell in self.sessions().values() {
            bell.ring(wakeup);
        }
    }

    /// Notes a worker's load, if there is something to say. The store keeps it, too: placement decides by it, and the
    /// heartbeat writes the session anyway.
    async fn noted(&self, session: SessionId, load: Load, at: Timestamp) -> Option<Load> {
        if load == Load::default() {
            return None;
        }
        let sighting = Sighting { at, load };
        self.engine.presence.note(session, sighting, self.config.ttl).await;
        Some(load)
    }

    /// Tells those who watch how busy a worker is, if that is news.
    async fn tell(&self, worker: WorkerId, renewed: &Renewed, load: Load, at: Timestamp) {
        let running = renewed.held.len();
        if !self.told.is_news(worker, running, load, at) {
            return;
        }
        let data = json!({
            "running": running,
            "slots": renewed.slots,
            "cpu_percent": load.cpu_percent,
            "memory_percent": load.memory_percent,
            "disk_percent": load.disk_percent,
        });
        let event = Event {
            // Readers put it behind what they have.
            seq: Seq(0),
            at,
            kind: EventType::WorkerStats,
            task_id: None,
            root_id: None,
            body: EventBody {
                worker_id: Some(worker),
                data: Some(data),
                ..EventBody::default()
            },
        };
        self.engine.bus.publish(vec![event]).await;
    }

    fn pass_on(&self, nudged: &Nudged) {
        if nudged.lost {
            return self.ring_all(ANYTHING);
        }
        if nudged.ready {
            self.ring_all(WORK);
        }
        if !nudged.meant.is_empty() {
            let sessions = self.sessions();
            for bell in nudged.meant.iter().filter_map(|session| sessions.get(session)) {
                bell.ring(WORK);
            }
        }
        if !nudged.cancel.is_empty() {
            let sessions = self.sessions();
            for bell in nudged.cancel.iter().filter_map(|session| sessions.get(session)) {
                bell.ring(CANCEL);
            }
        }
    }

    /// Passes the bus's nudges and other processes' changes on to the sessions, until it is dropped.
    pub async fn listen(&self) {
        let kept = self.nudges.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut nudges = kept.unwrap_or_else(|| self.engine.bus.nudges());
        let clock = &self.engine.sources.clock;
        let mut foreign = self.engine.store.foreign_changes().await.unwrap_or_default();
        let mut poll = Poll::new(self.config.poll, clock.now());
        // What others changed before the count began.
        self.ring_all(ANYTHING);
        loop {
            tokio::select! {
                biased;
                nudged = Nudged::next(&mut nudges) => match nudged {
                    Some(nudged) => self.pass_on(&nudged),
                    None => return,
                },
                () = poll.due(self.engine.pace(self.config.poll), &**clock) => {
                    // While the store is unavailable its users notice and try again by themselves.
                    if let Ok(changes) = self.engine.store.foreign_changes().await
                        && changes != foreign
                    {
                        foreign = changes;
                        self.ring_all(ANYTHING);
                        self.engine.bus.nudge(Nudge::Timer).await;
                    }
                    poll.done(self.engine.pace(self.config.poll), clock.now());
                }
            }
        }
    }
}

/// Whether a report sets a timer that no event tells of.
fn sets_timer(body: &ReportBody) -> bool {
    match body {
        ReportBody::Wait { until, .. } => until.is_some(),
        ReportBody::Spawn(children) => children.iter().any(|child| child.task.deadline.is_some()),
        _ => false,
    }
}

/// After how many polls without a nudge a worker looks for work regardless; up to half as many more, so that the workers
/// of a fleet do not look at the same moment.
const QUIET_POLLS: u32 = 4;

#[async_trait]
impl TaskSource for LocalSource {
    async fn open(&self, hello: Hello) -> Result<Welcome, StoreError> {
        // Before the session: whoever hears of the worker finds what it announced.
        if let Some(schemas) = &hello.input_schemas {
            self.announce_types(&hello.task_types, schemas).await;
        }
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
        let committed = self
            .engine
            .note(Asked::Other, self.engine.store.open_session(open).await)?;
        self.engine.announce(committed).await;
        self.sessions().entry(session).or_default().ring(WORK);
        Ok(Welcome {
            session,
            ttl: self.config.ttl,
        })
    }

    async fn claim(&self, session: SessionId, credit: usize) -> Result<Vec<LeasedTask>, StoreError> {
        if self.leaves_orders {
            let bell = self.sessions().get(&session).cloned();
            let told = bell.is_none_or(|bell| bell.told.swap(false, Ordering::Relaxed));
            return self.ask_if(session, credit, told).await;
        }
        let claim = self.wish(session, credit);
        let committed = self.engine.note(Asked::Other, self.engine.store.claim(claim).await)?;
        Ok(self.engine.announce(committed).await)
    }

    async fn report(&self, items: Vec<ReportItem>) -> Result<Vec<ReportAck>, StoreError> {
        let timed = items.iter().any(|item| sets_timer(&item.body));
        let reported = self.engine.store.report(items, self.engine.now()).await;
        let committed = self.engine.note(Asked::Report, reported)?;
        let acks = self.engine.announce(committed).await;
        if timed {
            self.engine.bus.nudge(Nudge::Timer).await;
        }
        Ok(acks)
    }

    async fn renew(&self, session: SessionId, load: Load) -> Result<Renewed, StoreError> {
        let now = self.engine.now();
        let load = self.noted(session, load, now).await;
        let renewed = self.engine.store.renew(Renewal { session, load, now }).await;
        let renewed = self.engine.note(Asked::Other, renewed)?;
        if !renewed.alive {
            self.sessions().remove(&session);
            self.take_back(session);
        }
        if let (Some(load), Some(worker)) = (load, renewed.worker) {
            self.tell(worker, &renewed, load, now).await;
        }
        Ok(renewed)
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
        let bell = self.sessions().get(&session).cloned().unwrap_or_default();
        let quiet = self.config.poll * QUIET_POLLS;
        let spread = jitter(session.as_bytes(), bell.polls.fetch_add(1, Ordering::Relaxed));
        let clock = &*self.engine.sources.clock;
        let quiet = quiet + quiet.mul_f64(spread / 2.0);
        let mut poll = Poll::new(quiet, clock.now());
        loop {
            let rung = bell.take();
            if rung != Wakeup::default() {
                bell.told.fetch_or(rung.work, Ordering::Relaxed);
                return rung;
            }
            tokio::select! {
                biased;
                () = bell.notify.notified() => {}
                () = poll.due(quiet, clock) => {
                    bell.told.store(true, Ordering::Relaxed);
                    return WORK;
                }
            }
        }
    }

    async fn retire(&self, session: SessionId) {
        self.take_back(session);
    }

    async fn close(&self, session: SessionId) -> Result<(), StoreError> {
        self.take_back(session);
        let committed = self.engine.store.close_session(session, self.engine.now()).await?;
        self.sessions().remove(&session);
        self.engine.announce(committed).await;
        Ok(())
    }
}
