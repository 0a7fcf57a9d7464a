//! Sessions: opening, heartbeats, the end.

use std::sync::Arc;

use orchestrator_protocol::{SessionId, TaskError, TaskState, Timestamp, WorkerId, WorkerState};

use super::work::Work;
use crate::{
    domain::{
        placement::record::Record,
        retry::{AfterLoss, after_loss},
        state::TaskEvent,
    },
    store::{
        Committed, OpenSession, Renewal, Renewed, SessionView,
        error::StoreError,
        row::{Key, SessionRow},
        tx::Tx,
    },
};

/// Opens a session, or changes what it offers.
///
/// # Errors
///
/// The storage failed.
pub async fn open_session<T: Tx>(tx: &mut T, open: OpenSession) -> Result<Committed<()>, StoreError> {
    let known = tx.sessions(&[open.session]).await?.pop();
    let record = match &known {
        Some(row) => row.record.clone(),
        None => shown_before(tx, open.worker).await?,
    };
    let row = SessionRow {
        id: open.session,
        worker: open.worker,
        name: open.name,
        labels: open.labels,
        task_types: open.task_types,
        slots: open.slots,
        ttl_us: i64::try_from(open.ttl.as_micros()).unwrap_or(i64::MAX),
        owner: open.owner,
        seen_at: open.now,
        load: known.as_ref().map(|row| row.load).unwrap_or_default(),
        record,
        draining: known.is_some_and(|row| row.draining),
        expires_at: open.now.plus(open.ttl),
    };
    tx.eligibility().know(&row);
    let running = tx.leased_by(&[open.session]).await?.len();
    tx.put_session(row.clone()).await?;
    let mut work = Work::new(tx, open.now);
    work.tell_worker(row, running, None);
    work.finish_one(()).await
}

/// What a worker has shown in a session that has not ended yet: it lost its connection and is back.
async fn shown_before<T: Tx>(tx: &mut T, worker: WorkerId) -> Result<Arc<Record>, StoreError> {
    let earlier = tx.eligibility().sessions_of(worker).last().copied();
    let rows = match earlier {
        Some(session) => tx.sessions(&[session]).await?,
        None => Vec::new(),
    };
    Ok(rows.into_iter().next().map(|row| row.record).unwrap_or_default())
}

/// Keeps sessions alive.
///
/// # Errors
///
/// The storage failed.
pub async fn renew<T: Tx>(tx: &mut T, renewals: Vec<Renewal>) -> Result<Vec<Renewed>, StoreError> {
    let sessions: Vec<SessionId> = renewals.iter().map(|renewal| renewal.session).collect();
    let mut rows = tx.sessions(&sessions).await?;
    let held = tx.leased_by(&sessions).await?;
    let mut answers = Vec::with_capacity(sessions.len());
    for Renewal { session: id, load, now } in renewals {
        let known = rows.iter_mut().find(|row| row.id == id);
        let mut renewed = Renewed {
            alive: known.is_some(),
            drain: known.as_ref().is_some_and(|row| row.draining),
            ..Renewed::default()
        };
        if let Some(row) = known {
            (renewed.worker, renewed.slots) = (Some(row.worker), row.slots);
            row.seen_at = now;
            row.load = load.unwrap_or(row.load);
            if let Some(news) = tx.observed().take(row.worker) {
                Arc::make_mut(&mut row.record).add(news);
            }
            row.expires_at = Timestamp::from_micros(now.as_micros().saturating_add(row.ttl_us));
        }
        for row in held.iter().filter(|row| row.session == Some(id)) {
            let Some(lease) = row.lease else { continue };
            renewed.held.push((row.id, lease));
            if row.cancel.is_some() {
                renewed.cancel.push((row.id, lease));
            }
        }
        answers.push(renewed);
    }
    for row in rows {
        tx.put_session(row).await?;
    }
    Ok(answers)
}

/// Grants a worker nothing more.
///
/// # Errors
///
/// The outer error means that the storage failed; the inner one that the worker has no session.
pub async fn drain<T: Tx>(
    tx: &mut T,
    worker: WorkerId,
    now: Timestamp,
) -> Result<Result<Committed<()>, StoreError>, StoreError> {
    let sessions = tx.sessions_of(worker).await?;
    let mut work = Work::new(tx, now);
    if sessions.is_empty() {
        return Ok(Err(StoreError::NotFound(format!("worker {worker} with a session"))));
    }
    for mut session in sessions {
        session.draining = true;
        let running = work.tx.leased_by(&[session.id]).await?.len();
        work.tell_worker(session.clone(), running, None);
        // It is told at once, as it would be of something to stop.
        work.tell_cancelled(Some(session.id));
        work.tx.put_session(session).await?;
    }
    work.finish_one(()).await.map(Ok)
}

/// Ends a session and gives its tasks back.
///
/// # Errors
///
/// The storage failed.
pub async fn close_session<T: Tx>(tx: &mut T, session: SessionId, now: Timestamp) -> Result<Committed<()>, StoreError> {
    let mut work = Work::new(tx, now);
    work.end_sessions(&[session]).await?;
    work.finish_one(()).await
}

impl<T: Tx> Work<'_, T> {
    /// Ends sessions and takes their tasks back. Says how many.
    pub(super) async fn end_sessions(&mut self, sessions: &[SessionId]) -> Result<usize, StoreError> {
        let held = self.tx.leased_by(sessions).await?;
        let keys = self.adopt(held);
        let ending = self.tx.sessions(sessions).await?;
        for key in &keys {
            self.lose(*key)?;
        }
        for session in sessions {
            self.tx.eligibility().forget(*session);
        }
        self.tx.delete_sessions(sessions).await?;
        for session in ending {
            // One that lost its connection and is back goes on in another session.
            if self.tx.sessions_of(session.worker).await?.is_empty() {
                self.tell_worker(session, 0, Some(WorkerState::Offline));
            }
        }
        Ok(keys.len())
    }

    /// Tells that a worker came, drains or went.
    fn tell_worker(&mut self, session: SessionRow, running: usize, state: Option<WorkerState>) {
        let mut worker = SessionView::new(session, running as u32).worker(self.now);
        worker.state = state.unwrap_or(worker.state);
        self.tell_of_worker(worker);
    }

    /// A task's worker is gone.
    fn lose(&mut self, key: Key) -> Result<(), StoreError> {
        let row = self.change(key);
        if row.state != TaskState::Running {
            return Ok(());
        }
        row.lease = None;
        row.losses += 1;
        if let Some(reason) = row.cancel.take() {
            return self.happen(key, TaskEvent::Cancelled, Some(reason));
        }
        match after_loss(row.spec.side_effects, row.losses) {
            AfterLoss::Again => self.happen(key, TaskEvent::Returned, Some("its worker was lost".to_owned())),
            AfterLoss::NeedsAttention(why) => {
                row.error = Some(TaskError::new(orchestrator_protocol::ErrorClass::NeedsAttention, why));
                self.happen(key, TaskEvent::Escalated, Some(why.to_owned()))
            }
        }
    }
}
