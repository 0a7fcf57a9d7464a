//! An engine in the test's hand.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use orchestrator_core::{
    bus::{Bus, Nudge, local::LocalBus},
    protocol::{Event, Json, NewTask, SessionId, TaskError, TaskId},
    service::Engine,
    store::{LeasedTask, ReportAck, ReportBody, ReportItem, Store, StoreError, memory::MemoryStore},
    worker::source::{Hello, TaskSource},
};
use tokio::sync::broadcast;

use crate::worker::scripted::sources;

/// A bus that loses everything.
#[derive(Debug, Default)]
pub struct DeafBus(LocalBus);

#[async_trait]
impl Bus for DeafBus {
    async fn publish(&self, _events: Vec<Event>) {}

    fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    async fn nudge(&self, _nudge: Nudge) {}

    fn nudges(&self) -> broadcast::Receiver<Nudge> {
        self.0.nudges()
    }
}

/// An engine over an empty store, with Tokio's time.
pub fn engine() -> Engine {
    over(Arc::new(MemoryStore::new()))
}

/// An engine of its own over a store that others may use too.
pub fn over(store: Arc<dyn Store>) -> Engine {
    Engine::new(store, Arc::new(LocalBus::new()), sources())
}

/// An engine whose bus loses everything.
pub fn deaf() -> Engine {
    deaf_over(Arc::new(MemoryStore::new()))
}

/// The same over a store that others may use too.
pub fn deaf_over(store: Arc<dyn Store>) -> Engine {
    Engine::new(store, Arc::new(DeafBus::default()), sources())
}

pub fn task(task_type: &str) -> NewTask {
    NewTask::new(task_type, Json::NULL)
}

/// Submits a task.
pub async fn submit(engine: &Engine, task: NewTask) -> TaskId {
    engine.submit_one(task).await.unwrap().id()
}

/// Opens a session for tasks of the type `a`.
pub async fn open(source: &impl TaskSource) -> SessionId {
    let hello = Hello {
        worker: sources().ids.worker(),
        name: "w".to_owned(),
        labels: BTreeSet::new(),
        task_types: ["a".to_owned()].into(),
        slots: 4,
        input_schemas: None,
        owner: None,
    };
    source.open(hello).await.unwrap().session
}

/// Claims the one task that is ready.
pub async fn claim(source: &impl TaskSource, session: SessionId) -> LeasedTask {
    let mut leased = source.claim(session, 1).await.unwrap();
    assert_eq!(leased.len(), 1, "a task is ready");
    leased.remove(0)
}

/// Reports item `number` of a task.
pub async fn report(source: &impl TaskSource, leased: &LeasedTask, number: u64, body: ReportBody) -> ReportAck {
    let item = ReportItem {
        task: leased.id,
        lease: leased.lease,
        number,
        body,
    };
    source.report(vec![item]).await.unwrap().remove(0)
}

/// Ends a task with its first report.
pub async fn complete(source: &impl TaskSource, leased: &LeasedTask) {
    let body = ReportBody::Complete {
        output: Json::NULL,
        wall_s: 0.0,
    };
    assert_eq!(report(source, leased, 1, body).await, ReportAck::Accepted);
}

/// The end of a task whose agent wants a person to look.
pub fn helpless() -> ReportBody {
    let class = orchestrator_core::protocol::ErrorClass::NeedsAttention;
    ReportBody::Fail {
        error: TaskError::new(class, "I do not know how"),
        wall_s: 0.0,
    }
}

/// The field that a refusal names.
#[track_caller]
pub fn field<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Invalid { field, .. }) => field,
        other => panic!("an invalid field, not {other:?}"),
    }
}
