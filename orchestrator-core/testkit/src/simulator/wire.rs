//! What lies between a worker and the store: messages that get lost, come twice, come late, and a worker that may be
//! gone before it hears the answer.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use futures::{FutureExt, future::BoxFuture};
use orchestrator_core::{
    service::LocalSource,
    store::{History, LeasedTask, Renewed, ReportAck, ReportItem, Settled, StoreError},
    worker::source::{Hello, TaskSource, Wakeup, Welcome},
};
use orchestrator_protocol::{Load, SessionId, TaskId};
use tokio::sync::Notify;

use super::{flaky::Faults, plan::Wire, time::Machine};

/// The wire of one life of a worker.
pub struct FaultySource {
    source: Arc<LocalSource>,
    machine: Machine,
    faults: Faults,
    wire: Wire,
    /// The call with which the worker dies, if it does, and whether the call takes effect.
    dies_with: Option<(u64, bool)>,
    calls: AtomicU64,
    died: Notify,
}

impl fmt::Debug for FaultySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultySource").finish_non_exhaustive()
    }
}

impl FaultySource {
    /// The wire of a worker on a machine.
    pub fn new(
        source: Arc<LocalSource>,
        machine: Machine,
        faults: Faults,
        wire: Wire,
        dies_with: Option<(u64, bool)>,
    ) -> Self {
        Self {
            source,
            machine,
            faults,
            wire,
            dies_with,
            calls: AtomicU64::new(0),
            died: Notify::new(),
        }
    }

    /// Returns when the worker dies.
    pub async fn died(&self) {
        self.died.notified().await;
    }

    /// Whether this is the worker's last call, and this the moment.
    fn dies(&self, call: u64, after: bool) -> bool {
        // In calm weather nobody dies.
        self.dies_with == Some((call, after)) && self.faults.happens(1.0)
    }

    async fn die<T>(&self) -> T {
        self.died.notify_one();
        std::future::pending().await
    }

    async fn travel(&self) {
        if self.faults.happens(self.wire.delay) {
            let time = self.faults.draw(|chance| match chance.place(8) {
                0 => chance.millis(3_000, 12_000),
                _ => chance.millis(1, 800),
            });
            tokio::time::sleep(time).await;
        }
    }

    async fn time_out<T>(&self, what: &str) -> Result<T, StoreError> {
        let time = self.faults.draw(|chance| chance.millis(10, 1_000));
        tokio::time::sleep(time).await;
        self.machine.moving().await;
        Err(StoreError::Unavailable(format!("the {what} was lost")))
    }

    /// Carries a request there and the answer back.
    async fn carry<T: Send + 'static>(
        &self,
        request: impl Fn(Arc<LocalSource>) -> BoxFuture<'static, Result<T, StoreError>> + Send + Sync,
    ) -> Result<T, StoreError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        self.machine.moving().await;
        if self.dies(call, false) {
            return self.die().await;
        }
        self.travel().await;
        if self.faults.happens(self.wire.lose_request) {
            return self.time_out("request").await;
        }
        if self.faults.happens(self.wire.duplicate) {
            let time = self.faults.draw(|chance| chance.millis(0, 4_000));
            let again = request(self.source.clone());
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                drop(again.await);
            });
        }
        // What is on its way arrives although nobody waits for the answer any more.
        let answer = tokio::spawn(request(self.source.clone()));
        let answer = answer
            .await
            .unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())));
        if self.dies(call, true) {
            return self.die().await;
        }
        if self.faults.happens(self.wire.lose_answer) {
            return self.time_out("answer").await;
        }
        self.travel().await;
        self.machine.moving().await;
        answer
    }
}

#[async_trait]
impl TaskSource for FaultySource {
    async fn open(&self, hello: Hello) -> Result<Welcome, StoreError> {
        self.carry(move |source| {
            let hello = hello.clone();
            async move { source.open(hello).await }.boxed()
        })
        .await
    }

    async fn claim(&self, session: SessionId, credit: usize) -> Result<Vec<LeasedTask>, StoreError> {
        self.carry(move |source| async move { source.claim(session, credit).await }.boxed())
            .await
    }

    async fn report(&self, items: Vec<ReportItem>) -> Result<Vec<ReportAck>, StoreError> {
        self.carry(move |source| {
            let items = items.clone();
            async move { source.report(items).await }.boxed()
        })
        .await
    }

    async fn renew(&self, session: SessionId, load: Load) -> Result<Renewed, StoreError> {
        self.carry(move |source| async move { source.renew(session, load).await }.boxed())
            .await
    }

    async fn history(&self, task: TaskId) -> Result<History, StoreError> {
        self.carry(move |source| async move { source.history(task).await }.boxed())
            .await
    }

    async fn results(&self, tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError> {
        self.carry(move |source| {
            let tasks = tasks.clone();
            async move { source.results(tasks).await }.boxed()
        })
        .await
    }

    async fn cancel(&self, tasks: Vec<TaskId>, reason: String) -> Result<(), StoreError> {
        self.carry(move |source| {
            let (tasks, reason) = (tasks.clone(), reason.clone());
            async move { source.cancel(tasks, reason).await }.boxed()
        })
        .await
    }

    async fn woken(&self, session: SessionId) -> Wakeup {
        let wakeup = self.source.woken(session).await;
        self.machine.moving().await;
        wakeup
    }

    async fn close(&self, session: SessionId) -> Result<(), StoreError> {
        self.carry(move |source| async move { source.close(session).await }.boxed())
            .await
    }
}
