//! A source that does what a test says and remembers what it was told, and a clock that a test can let run.

mod source;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use orchestrator_core::{
    agent::{Agent, Registry},
    clock::{Clock, Ids, Sources},
    protocol::{Join, Json, LeaseId, NewTask, TaskError, TaskId, TaskState, Timestamp},
    store::{History, LeasedTask, Renewed, ReportAck, ReportBody, ReportItem, Settled, StepRecord, StoreError},
    worker::{
        Worker, WorkerConfig, WorkerHandle,
        source::{Hello, Wakeup},
    },
};
use tokio::{sync::Notify, time::Instant};
use uuid::Uuid;

/// A session's time to live.
pub const TTL: Duration = Duration::from_secs(30);

/// Tokio's clock, which a test can pause.
#[derive(Debug)]
pub struct TokioClock(Instant);

impl Default for TokioClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

#[async_trait]
impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000).plus(self.0.elapsed())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Ids in a row.
#[derive(Debug, Default)]
pub struct CountedIds(Mutex<u128>);

impl Ids for CountedIds {
    fn uuid(&self) -> Uuid {
        let mut last = self.0.lock().unwrap();
        *last += 1;
        Uuid::from_u128(1_000_000 + *last)
    }
}

pub fn sources() -> Sources {
    Sources {
        clock: Arc::new(TokioClock::default()),
        ids: Arc::new(CountedIds::default()),
    }
}

pub fn id(n: u128) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(n))
}

type Answer = Box<dyn FnMut(&ReportItem) -> Option<ReportAck> + Send>;

/// What a scripted source knows.
#[derive(Default)]
pub struct Script {
    pub tasks: VecDeque<LeasedTask>,
    pub reports: Vec<ReportItem>,
    /// What the source answered to each batch of reports, errors included.
    pub batches: Vec<Vec<ReportItem>>,
    pub credits: Vec<usize>,
    pub hellos: Vec<Hello>,
    pub closed: usize,
    pub renewals: usize,
    pub cancelled: Vec<(Vec<TaskId>, String)>,
    /// Errors that come before answers.
    pub open_errors: VecDeque<StoreError>,
    pub claim_errors: VecDeque<StoreError>,
    pub report_errors: VecDeque<StoreError>,
    pub renew_errors: VecDeque<StoreError>,
    /// Errors in place of the answers to batches with waits.
    pub wait_errors: VecDeque<StoreError>,
    /// What children give at once, although they are said to be ready.
    pub instant: Option<Json>,
    /// Answers to heartbeats; alive and nothing to cancel once there are no more.
    pub renewed: VecDeque<Renewed>,
    /// Answers to reports, before the usual ones.
    pub answer: Option<Answer>,
    pub children: HashMap<TaskId, Settled>,
    pub histories: HashMap<TaskId, History>,
    pub histories_read: usize,
    last_lease: i64,
    wakeup: Wakeup,
}

pub struct Scripted {
    /// One clock for all workers of a test.
    sources: Sources,
    script: Mutex<Script>,
    woken: Notify,
    /// Told after every call that changes the script.
    heard: Notify,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Scripted {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            sources: sources(),
            script: Mutex::new(Script::default()),
            woken: Notify::new(),
            heard: Notify::new(),
        })
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// Queues a task, with the next lease. Gives the lease.
    pub fn grant(&self, task: TaskId, spec: NewTask) -> LeaseId {
        self.grant_with(task, spec, |_| {})
    }

    pub fn grant_with(&self, task: TaskId, spec: NewTask, change: impl FnOnce(&mut LeasedTask)) -> LeaseId {
        let mut script = self.script();
        script.last_lease += 1;
        let lease = LeaseId(script.last_lease);
        let mut leased = LeasedTask {
            id: task,
            lease,
            spec: Arc::new(spec),
            root_id: task,
            attempt: 1,
            resumed: false,
            parked: None,
            has_history: false,
        };
        change(&mut leased);
        script.tasks.push_back(leased);
        drop(script);
        self.wake(true, false);
        lease
    }

    /// Queues a suspended task again, with a new lease.
    pub fn resume(&self, task: TaskId, spec: NewTask, parked: LeaseId) -> LeaseId {
        self.grant_with(task, spec, |leased| {
            leased.resumed = true;
            leased.parked = Some(parked);
            leased.has_history = true;
        })
    }

    pub fn wake(&self, work: bool, cancel: bool) {
        let mut script = self.script();
        script.wakeup.work |= work;
        script.wakeup.cancel |= cancel;
        drop(script);
        self.woken.notify_one();
    }

    /// Says with the next heartbeat, which is asked for at once, that a task is cancelled.
    pub fn cancel_task(&self, task: TaskId, lease: LeaseId) {
        self.script().renewed.push_back(Renewed {
            alive: true,
            cancel: vec![(task, lease)],
            ..Renewed::default()
        });
        self.wake(false, true);
    }

    /// Settles the child of this name.
    pub fn settle(&self, name: &str, result: Result<Json, TaskError>) {
        let mut script = self.script();
        let child = script
            .children
            .values_mut()
            .find(|c| c.step.as_deref() == Some(name))
            .expect("the child was asked for");
        match result {
            Ok(output) => (child.state, child.output) = (TaskState::Succeeded, Some(output)),
            Err(error) => (child.state, child.error) = (TaskState::Failed, Some(error)),
        }
    }

    /// The history that a store would have of a task, made from what was reported.
    pub fn remember(&self, task: TaskId) {
        let mut script = self.script();
        let mut history = History::default();
        for item in script.reports.iter().filter(|item| item.task == task) {
            match &item.body {
                ReportBody::Step { name, output } => history.steps.push(StepRecord {
                    name: name.clone(),
                    output: output.clone(),
                }),
                ReportBody::Spawn(children) => {
                    history
                        .children
                        .extend(children.iter().map(|c| script.children[&c.id].clone()));
                }
                _ => {}
            }
        }
        script.histories.insert(task, history);
    }

    /// Returns once something that was reported meets a condition; fails after an hour of the test's time.
    pub async fn reported(&self, what: impl Fn(&ReportItem) -> bool) -> ReportItem {
        self.until(|script| script.reports.iter().find(|item| what(item)).cloned())
            .await
    }

    pub async fn until<T>(&self, mut look: impl FnMut(&Script) -> Option<T>) -> T {
        let found = async {
            loop {
                let heard = self.heard.notified();
                if let Some(found) = look(&self.script()) {
                    return found;
                }
                heard.await;
            }
        };
        let found = tokio::time::timeout(Duration::from_hours(1), found).await;
        found.unwrap_or_else(|_| panic!("never reported; there is {:#?}", self.script().reports))
    }

    /// What a task ended with under a lease.
    pub async fn ended(&self, lease: LeaseId) -> ReportBody {
        self.reported(|item| item.lease == lease && is_last(&item.body))
            .await
            .body
    }

    pub async fn output(&self, lease: LeaseId) -> serde_json::Value {
        match self.ended(lease).await {
            ReportBody::Complete { output, .. } => output.to_value(),
            other => panic!("it ended with {other:?}"),
        }
    }

    pub async fn error(&self, lease: LeaseId) -> TaskError {
        match self.ended(lease).await {
            ReportBody::Fail { error, .. } => error,
            other => panic!("it ended with {other:?}"),
        }
    }

    pub async fn parked(&self, lease: LeaseId) -> (Vec<TaskId>, Join, Option<Timestamp>) {
        let item = self
            .reported(|item| item.lease == lease && matches!(item.body, ReportBody::Wait { .. }))
            .await;
        match item.body {
            ReportBody::Wait { tasks, join, until } => (tasks, join, until),
            _ => unreachable!(),
        }
    }

    /// The kinds of what was said under a lease, in order.
    pub fn kinds(&self, lease: LeaseId) -> Vec<&'static str> {
        let script = self.script();
        script
            .reports
            .iter()
            .filter(|item| item.lease == lease)
            .map(|item| kind(&item.body))
            .collect()
    }

    pub fn start(self: &Arc<Self>, agents: Registry, config: WorkerConfig) -> WorkerHandle {
        Worker::new(config, self.clone(), agents, self.sources.clone())
            .unwrap()
            .start()
    }

    pub fn run(self: &Arc<Self>, agent: impl Agent) -> WorkerHandle {
        self.start(agents([Arc::new(agent) as Arc<dyn Agent>]), WorkerConfig::default())
    }
}

pub fn agents(list: impl IntoIterator<Item = Arc<dyn Agent>>) -> Registry {
    let mut registry = Registry::new();
    for agent in list {
        registry.add_shared(agent).unwrap();
    }
    registry
}

pub fn task(task_type: &str) -> NewTask {
    NewTask::new(task_type, Json::NULL)
}

pub fn json(value: serde_json::Value) -> Json {
    value.into()
}

pub fn kind(body: &ReportBody) -> &'static str {
    match body {
        ReportBody::Log { .. } => "log",
        ReportBody::Progress(_) => "progress",
        ReportBody::Usage(_) => "usage",
        ReportBody::Step { .. } => "step",
        ReportBody::Spawn(_) => "spawn",
        ReportBody::Wait { .. } => "wait",
        ReportBody::Complete { .. } => "complete",
        ReportBody::Fail { .. } => "fail",
        ReportBody::Release { .. } => "release",
        ReportBody::Stopped { .. } => "stopped",
    }
}

pub fn is_last(body: &ReportBody) -> bool {
    matches!(kind(body), "complete" | "fail" | "release" | "stopped")
}

/// Labels from texts.
pub fn labels(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&l| l.to_owned()).collect()
}
