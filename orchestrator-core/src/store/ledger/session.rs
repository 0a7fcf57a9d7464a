//! Sessions: opening, heartbeats, the end.

use orchestrator_protocol::{SessionId, TaskError, TaskState, Timestamp};

use super::work::Work;
use crate::{
    domain::{
        retry::{AfterLoss, after_loss},
        state::TaskEvent,
    },
    store::{
        Committed, OpenSession, Renewed,
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
    tx.eligibility().forget(open.session);
    tx.put_session(SessionRow {
        id: open.session,
        worker: open.worker,
        name: open.name,
        labels: open.labels,
        task_types: open.task_types,
        slots: open.slots,
        ttl_us: i64::try_from(open.ttl.as_micros()).unwrap_or(i64::MAX),
        owner: open.owner,
        expires_at: open.now.plus(open.ttl),
    })
    .await?;
    Ok(Committed::default())
}

/// Keeps sessions alive.
///
/// # Errors
///
/// The storage failed.
pub async fn renew<T: Tx>(tx: &mut T, sessions: Vec<SessionId>, now: Timestamp) -> Result<Vec<Renewed>, StoreError> {
    let rows = tx.sessions(&sessions).await?;
    let held = tx.leased_by(&sessions).await?;
    let mut answers = Vec::with_capacity(sessions.len());
    for id in sessions {
        let alive = rows.iter().any(|row| row.id == id);
        let mut renewed = Renewed {
            alive,
            ..Renewed::default()
        };
        for row in held.iter().filter(|row| row.session == Some(id)) {
            let Some(lease) = row.lease else { continue };
            renewed.held.push((row.id, lease));
            if row.cancel.is_some() {
                renewed.cancel.push((row.id, lease));
            }
        }
        answers.push(renewed);
    }
    for mut row in rows {
        row.expires_at = Timestamp::from_micros(now.as_micros().saturating_add(row.ttl_us));
        tx.put_session(row).await?;
    }
    Ok(answers)
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
        for key in &keys {
            self.lose(*key)?;
        }
        for session in sessions {
            self.tx.eligibility().forget(*session);
        }
        self.tx.delete_sessions(sessions).await?;
        Ok(keys.len())
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
