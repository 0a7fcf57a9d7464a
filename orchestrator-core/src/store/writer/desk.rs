//! Where requests to the writer are handed in: every verb of a store that changes something.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures::future::BoxFuture;
use orchestrator_protocol::{
    ExternalResult, LimitRule, Schedule, ScheduleId, SessionId, Task, TaskId, Timestamp, Token, TokenId, WorkerId,
};
use tokio::sync::oneshot;

use super::{
    Request, Sender, Writer,
    batch::{self, Op, Question, Reply},
    disk::Disk,
    tx::WriterTx,
};
use crate::store::{
    AnnouncedType, Claim, Committed, Intervention, LeasedTask, OpenSession, Order, Renewal, Renewed, ReportAck,
    ReportItem, StoreError, Submit, SubmittedTask, Ticked, ledger, row::Key,
};

/// The verbs of [`crate::store::Store`] that change something, over one writer. What each means and refuses is said
/// there.
///
/// A verb whose future is dropped has happened entirely or not at all.
pub struct Desk<D: Disk> {
    writer: Sender<D>,
    commits: Arc<AtomicU64>,
}

#[expect(missing_docs, reason = "each verb is the one of `Store` with its name")]
impl<D: Disk> Desk<D> {
    /// Starts a writer on a connection, as a task of the current runtime.
    pub fn open(options: D::Options, disk: D) -> Self {
        let commits = Arc::default();
        let writer = Writer::start(options, disk, Arc::clone(&commits));
        Self { writer, commits }
    }

    /// How many transactions were made. Far fewer than requests when those come together.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Asks the writer and waits for its answer.
    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request<D>) -> Result<T, StoreError> {
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        let (reply, answer) = oneshot::channel();
        self.writer.send(request(reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    async fn change<T>(&self, op: impl FnOnce(Reply<T>) -> Op<D>) -> Result<T, StoreError> {
        self.ask(|reply| Request::Op(op(reply))).await
    }

    /// Has the writer run something rare. It may run twice, the first time in a transaction that is rolled back.
    async fn errand<T, F>(&self, run: F) -> Result<T, StoreError>
    where
        F: for<'t> Fn(&'t mut WriterTx<'_, D>) -> BoxFuture<'t, Result<Result<T, StoreError>, StoreError>>
            + Send
            + Sync
            + 'static,
        T: Send + 'static,
    {
        self.change(|reply| Op::Errand(Box::new(batch::Task { run, reply })))
            .await
    }

    pub async fn submit(&self, submit: Submit) -> Result<Committed<Vec<SubmittedTask>>, StoreError> {
        self.change(|reply| Op::Submit(submit, reply)).await
    }

    pub async fn open_session(&self, open: OpenSession) -> Result<Committed<()>, StoreError> {
        self.errand(move |tx| {
            let open = open.clone();
            Box::pin(async move { ledger::open_session(tx, open).await.map(Ok) })
        })
        .await
    }

    pub async fn claim(&self, claim: Claim) -> Result<Committed<Vec<LeasedTask>>, StoreError> {
        self.change(|reply| {
            Op::Claim(Question {
                claim,
                reply: Some(reply),
                order: None,
            })
        })
        .await
    }

    pub async fn claim_or_order(
        &self,
        claim: Claim,
    ) -> Result<(Committed<Vec<LeasedTask>>, Option<Order>), StoreError> {
        let (order, answer) = oneshot::channel();
        let ask = |reply| {
            Op::Claim(Question {
                claim,
                reply: Some(reply),
                order: Some(order),
            })
        };
        let granted = self.change(ask).await?;
        let rest = claim.credit.saturating_sub(granted.value.len());
        Ok((granted, (rest > 0).then(|| Order::new(rest, answer))))
    }

    pub async fn reconsider(&self, session: SessionId, now: Timestamp) {
        self.writer.send(Request::Reconsider(session, now)).await.ok();
    }

    pub async fn report(
        &self,
        items: Vec<ReportItem>,
        now: Timestamp,
    ) -> Result<Committed<Vec<ReportAck>>, StoreError> {
        self.change(|reply| Op::Report(items, now, reply)).await
    }

    pub async fn renew(&self, renewal: Renewal) -> Result<Renewed, StoreError> {
        self.change(|reply| Op::Renew(renewal, reply)).await
    }

    pub async fn drain(&self, worker: WorkerId, now: Timestamp) -> Result<Committed<()>, StoreError> {
        self.errand(move |tx| Box::pin(ledger::drain(tx, worker, now))).await
    }

    pub async fn close_session(&self, session: SessionId, now: Timestamp) -> Result<Committed<()>, StoreError> {
        self.errand(move |tx| Box::pin(async move { ledger::close_session(tx, session, now).await.map(Ok) }))
            .await
    }

    pub async fn settle(
        &self,
        task: TaskId,
        result: ExternalResult,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        self.errand(move |tx| {
            let result = result.clone();
            Box::pin(async move { ledger::settle(tx, task, result, now).await })
        })
        .await
    }

    pub async fn intervene(
        &self,
        task: TaskId,
        intervention: Intervention,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        self.errand(move |tx| {
            let intervention = intervention.clone();
            Box::pin(async move { ledger::intervene(tx, task, intervention, now).await })
        })
        .await
    }

    pub async fn tick(&self, now: Timestamp, limit: usize) -> Result<Committed<Ticked>, StoreError> {
        self.errand(move |tx| Box::pin(async move { ledger::tick(tx, now, limit).await.map(Ok) }))
            .await
    }

    /// Forgets those of these trees that ended before a moment. They were looked for beside the writer, who only has to
    /// look again at what was found.
    pub async fn prune(&self, roots: Vec<Key>, before: Timestamp) -> Result<usize, StoreError> {
        if roots.is_empty() {
            return Ok(0);
        }
        self.errand(move |tx| {
            let roots = roots.clone();
            Box::pin(async move { tx.forget(&roots, before).await.map(Ok) })
        })
        .await
    }

    pub async fn put_schedule(&self, schedule: Schedule) -> Result<Schedule, StoreError> {
        self.setting(move |tx| Ok(tx.put_schedule(schedule.clone()))).await
    }

    pub async fn delete_schedule(&self, id: ScheduleId) -> Result<(), StoreError> {
        self.setting(move |tx| tx.delete_schedule(id)).await
    }

    pub async fn put_limit(&self, key: String, rule: Option<LimitRule>) -> Result<(), StoreError> {
        self.setting(move |tx| {
            tx.put_limit(key.clone(), rule.clone());
            Ok(())
        })
        .await
    }

    pub async fn pause_queue(&self, queue: String, paused: bool) -> Result<(), StoreError> {
        self.setting(move |tx| {
            tx.pause_queue(queue.clone(), paused);
            Ok(())
        })
        .await
    }

    pub async fn put_token(&self, token: Token, digest: [u8; 32]) -> Result<(), StoreError> {
        self.setting(move |tx| {
            tx.put_token(token.clone(), digest);
            Ok(())
        })
        .await
    }

    pub async fn delete_token(&self, id: TokenId) -> Result<(), StoreError> {
        self.setting(move |tx| tx.delete_token(id)).await
    }

    pub async fn put_task_types(&self, types: Vec<AnnouncedType>) -> Result<(), StoreError> {
        self.setting(move |tx| {
            tx.put_task_types(&types);
            Ok(())
        })
        .await
    }

    /// Changes what people set.
    async fn setting<T: Send + 'static>(
        &self,
        set: impl Fn(&mut WriterTx<'_, D>) -> Result<T, StoreError> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        self.errand(move |tx| {
            let done = set(tx);
            Box::pin(async move { Ok(done) })
        })
        .await
    }

    pub async fn foreign_changes(&self) -> Result<i64, StoreError> {
        self.ask(Request::ForeignChanges).await
    }

    /// Waits for what is under way and lets go of the connection. Verbs fail from then on.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.writer.send(Request::Close(reply)).await.is_ok() {
            closed.await.ok();
        }
    }
}
