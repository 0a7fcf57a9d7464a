//! A store under test, with short words for what cases do all the time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use orchestrator_core::{
    clock::{Clock, Ids},
    domain::placement::Policy,
    store::{
        ChildRef, ChildSpec, Claim, EventQuery, EventScope, Group, Intervention, LeasedTask, ListQuery, LogQuery,
        OpenSession, Renewal, Renewed, ReportAck, ReportBody, ReportItem, Store, StoreError, Submission, Submit,
        SubmittedTask, Ticked,
    },
};
use orchestrator_protocol::{
    Event, ExternalResult, Join, Json, LeaseId, LogLine, NewTask, SessionId, Task, TaskError, TaskId, TaskState,
    Timestamp,
};

use crate::clock::{ManualClock, SeededIds};

/// How long sessions of a harness may be silent.
pub const TTL: Duration = Duration::from_secs(15);

/// A store under test.
#[derive(Debug)]
pub struct Harness {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The time, which only the case moves.
    pub clock: ManualClock,
    /// The ids.
    pub ids: SeededIds,
    numbers: Mutex<BTreeMap<LeaseId, u64>>,
}

/// A task of a type with a small input.
pub fn task(task_type: &str) -> NewTask {
    NewTask::new(task_type, Json::parse(r#"{"n":1}"#).expect("JSON"))
}

/// A child of a type under a name.
pub fn child(h: &Harness, step: &str, task: NewTask) -> ChildSpec {
    ChildSpec {
        id: h.ids.task(),
        step: step.to_owned(),
        task: Arc::new(task),
        group: None,
    }
}

impl Harness {
    /// A harness over an empty store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            clock: ManualClock::default(),
            ids: SeededIds::new(7),
            numbers: Mutex::default(),
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A heartbeat.
    pub async fn renew(&self, session: SessionId) -> Renewed {
        let renewal = Renewal {
            session,
            load: None,
            now: self.now(),
        };
        self.store.renew(renewal).await.expect("a heartbeat")
    }

    /// Submits a batch that may be refused.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn try_submit(&self, tasks: Vec<NewTask>) -> Result<Vec<SubmittedTask>, StoreError> {
        let tasks = tasks
            .into_iter()
            .map(|task| Submission {
                id: self.ids.task(),
                task: Arc::new(task),
            })
            .collect();
        Ok(self.store.submit(Submit { tasks, now: self.now() }).await?.value)
    }

    /// Submits a task.
    pub async fn submit(&self, task: NewTask) -> TaskId {
        self.try_submit(vec![task]).await.expect("it is stored")[0].id()
    }

    /// Submits a batch.
    pub async fn submit_all(&self, tasks: Vec<NewTask>) -> Vec<TaskId> {
        let tasks = self.try_submit(tasks).await.expect("they are stored");
        tasks.iter().map(SubmittedTask::id).collect()
    }

    /// Opens a session that runs tasks of these types, without labels.
    pub async fn session(&self, task_types: &[&str]) -> SessionId {
        self.session_with(task_types, &[]).await
    }

    /// Opens a session with labels.
    pub async fn session_with(&self, task_types: &[&str], labels: &[&str]) -> SessionId {
        let session = self.ids.session();
        let open = OpenSession {
            session,
            worker: self.ids.worker(),
            name: "tester".to_owned(),
            labels: labels.iter().map(|l| (*l).to_owned()).collect(),
            task_types: task_types.iter().map(|t| (*t).to_owned()).collect(),
            slots: 1000,
            ttl: TTL,
            owner: None,
            now: self.now(),
        };
        self.store.open_session(open).await.expect("a session");
        session
    }

    /// Claims up to so many tasks.
    pub async fn claim(&self, session: SessionId, credit: usize) -> Vec<LeasedTask> {
        self.store
            .claim(Claim {
                session,
                credit,
                now: self.now(),
                policy: Policy::default(),
            })
            .await
            .expect("a claim")
            .value
    }

    /// Claims the one task that is there.
    pub async fn claim_one(&self, session: SessionId) -> LeasedTask {
        let mut leases = self.claim(session, 1).await;
        assert_eq!(leases.len(), 1, "a task is ready");
        leases.remove(0)
    }

    /// Submits a task and claims it.
    pub async fn running(&self, session: SessionId, task: NewTask) -> LeasedTask {
        let id = self.submit(task).await;
        let leased = self.claim_one(session).await;
        assert_eq!(leased.id, id);
        leased
    }

    /// The next item under a lease.
    pub fn item(&self, leased: &LeasedTask, body: ReportBody) -> ReportItem {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let number = numbers.entry(leased.lease).or_default();
        *number += 1;
        ReportItem {
            task: leased.id,
            lease: leased.lease,
            number: *number,
            body,
        }
    }

    /// Sends an item as it is.
    pub async fn send(&self, item: ReportItem) -> ReportAck {
        self.store
            .report(vec![item], self.now())
            .await
            .expect("a report")
            .value
            .remove(0)
    }

    /// Reports.
    pub async fn report(&self, leased: &LeasedTask, body: ReportBody) -> ReportAck {
        self.send(self.item(leased, body)).await
    }

    /// Completes a task.
    pub async fn complete(&self, leased: &LeasedTask) {
        assert_eq!(self.report(leased, completion()).await, ReportAck::Accepted);
    }

    /// Fails a task.
    pub async fn fail(&self, leased: &LeasedTask, error: TaskError) {
        assert_eq!(
            self.report(leased, ReportBody::Fail { error, wall_s: 0.0 }).await,
            ReportAck::Accepted
        );
    }

    /// Asks for children.
    pub async fn spawn(&self, leased: &LeasedTask, children: Vec<ChildSpec>) -> Vec<ChildRef> {
        match self.report(leased, ReportBody::Spawn(children)).await {
            ReportAck::Spawned(children) => children,
            other => panic!("children, not {other:?}"),
        }
    }

    /// Asks for a bounded fan-out of so many children.
    pub async fn fan_out(&self, leased: &LeasedTask, task_type: &str, count: usize, size: u32) -> Vec<ChildRef> {
        let group = Some(Group {
            name: "map".to_owned(),
            size,
        });
        let children = (0..count).map(|i| ChildSpec {
            group: group.clone(),
            ..child(self, &format!("map[{i}]"), task(task_type))
        });
        self.spawn(leased, children.collect()).await
    }

    /// Waits for tasks.
    pub async fn wait(&self, leased: &LeasedTask, tasks: Vec<TaskId>, join: Join) -> ReportAck {
        self.report(
            leased,
            ReportBody::Wait {
                tasks,
                join,
                until: None,
            },
        )
        .await
    }

    /// Sleeps.
    pub async fn sleep(&self, leased: &LeasedTask, duration: Duration) -> ReportAck {
        let until = Some(self.now().plus(duration));
        self.report(
            leased,
            ReportBody::Wait {
                tasks: vec![],
                join: Join::All,
                until,
            },
        )
        .await
    }

    /// Ticks.
    pub async fn tick(&self) -> Ticked {
        self.store.tick(self.now(), 1000).await.expect("a tick").value
    }

    /// Lets time pass and ticks.
    pub async fn pass(&self, duration: Duration) -> Ticked {
        self.clock.advance(duration);
        self.tick().await
    }

    /// Lets every session end in silence.
    pub async fn lose_sessions(&self) -> Ticked {
        self.pass(TTL + Duration::from_secs(1)).await
    }

    /// Intervenes.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn intervene(&self, task: TaskId, what: Intervention) -> Result<Task, StoreError> {
        Ok(self.store.intervene(task, what, self.now()).await?.value)
    }

    /// Cancels.
    pub async fn cancel(&self, task: TaskId) {
        self.intervene(
            task,
            Intervention::Cancel {
                reason: "the test says so".to_owned(),
            },
        )
        .await
        .expect("a cancel");
    }

    /// Completes an external task.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub async fn settle(&self, task: TaskId, result: ExternalResult) -> Result<Task, StoreError> {
        Ok(self.store.settle(task, result, self.now()).await?.value)
    }

    /// A task that exists.
    pub async fn get(&self, id: TaskId) -> Task {
        self.store.get(id).await.expect("a read").expect("it exists")
    }

    /// A task's state.
    pub async fn state(&self, id: TaskId) -> TaskState {
        self.get(id).await.state
    }

    /// Several tasks' states.
    pub async fn states(&self, ids: &[TaskId]) -> Vec<TaskState> {
        let mut states = Vec::new();
        for id in ids {
            states.push(self.state(*id).await);
        }
        states
    }

    /// A task's durable events.
    pub async fn events(&self, id: TaskId) -> Vec<Event> {
        let query = EventQuery {
            scope: EventScope::Task(id),
            ..EventQuery::default()
        };
        self.store.events(query).await.expect("a read")
    }

    /// The states that a task's events tell, in order.
    pub async fn path(&self, id: TaskId) -> Vec<TaskState> {
        self.events(id)
            .await
            .into_iter()
            .filter_map(|event| event.body.state)
            .collect()
    }

    /// A task's lines.
    pub async fn logs(&self, id: TaskId) -> Vec<LogLine> {
        self.store
            .logs(LogQuery {
                task: id,
                after: orchestrator_protocol::Seq(0),
                limit: 0,
            })
            .await
            .expect("a read")
    }

    /// Everything that can be seen of a task, to compare before and after.
    pub async fn picture(&self, id: TaskId) -> String {
        let task = self.get(id).await;
        let history = self.store.history(id).await.expect("a read");
        let tree = self.store.tree(id).await.expect("a read").tasks.len();
        format!(
            "{task:#?}\n{:#?}\n{:#?}\n{history:#?}\n{tree}",
            self.events(id).await,
            self.logs(id).await
        )
    }

    /// Every task, the newest first.
    pub async fn all(&self) -> Vec<Task> {
        let query = ListQuery {
            limit: 500,
            ..ListQuery::default()
        };
        self.store.list(query).await.expect("a read").items
    }
}

/// The plain end of a task.
pub fn completion() -> ReportBody {
    ReportBody::Complete {
        output: Json::parse(r#"{"done":true}"#).expect("JSON"),
        wall_s: 0.5,
    }
}

/// A line.
pub fn line(h: &Harness, text: &str) -> ReportBody {
    ReportBody::Log {
        stream: "stdout".to_owned(),
        text: text.to_owned(),
        at: h.now(),
    }
}

/// A step with a result.
pub fn step(name: &str, output: &str) -> ReportBody {
    ReportBody::Step {
        name: name.to_owned(),
        output: Json::parse(output.to_owned()).expect("JSON"),
    }
}
