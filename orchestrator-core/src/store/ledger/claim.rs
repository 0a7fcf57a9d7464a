//! Granting leases.

mod offer;
mod rivals;

use std::collections::HashMap;

use orchestrator_protocol::{Placement, SessionId};

use self::offer::Offer;
use super::work::Work;
use crate::{
    domain::{placement::record::WORKSPACE, state::TaskEvent},
    store::{
        Claim, Committed, LeasedTask,
        error::StoreError,
        row::{Key, SessionRow},
        tx::Tx,
    },
};

/// Grants leases to the sessions that ask, in the order in which they ask.
///
/// # Errors
///
/// The outer error means that the storage failed; an inner one that the session is unknown or has ended.
pub async fn claim<T: Tx>(
    tx: &mut T,
    claims: Vec<Claim>,
) -> Result<Vec<Result<Committed<Vec<LeasedTask>>, StoreError>>, StoreError> {
    let Some(first) = claims.first() else {
        return Ok(Vec::new());
    };
    let mut work = Work::new(tx, first.now);
    let sessions = sessions_of(&mut work, &claims).await?;
    let mut offer = Offer::prepare(&mut work, &sessions, &claims).await?;
    let mut answers = Vec::with_capacity(claims.len());
    for claim in claims {
        let Some(session) = sessions.get(&claim.session) else {
            answers.push(Err(StoreError::SessionLost(claim.session)));
            continue;
        };
        work.now = claim.now;
        let granted = if session.draining {
            Vec::new()
        } else {
            offer.take(&mut work, session, &claim).await?
        };
        let mut leases = Vec::with_capacity(granted.len());
        for (key, placement) in granted {
            leases.push(grant(&mut work, key, session, placement)?);
        }
        answers.push(Ok(work.part(leases)));
    }
    work.finish(answers).await
}

async fn sessions_of<T: Tx>(
    work: &mut Work<'_, T>,
    claims: &[Claim],
) -> Result<HashMap<SessionId, SessionRow>, StoreError> {
    let ids: Vec<SessionId> = claims.iter().map(|c| c.session).collect();
    Ok(work
        .tx
        .sessions(&ids)
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect())
}

fn grant<T: Tx>(
    work: &mut Work<'_, T>,
    key: Key,
    session: &SessionRow,
    placement: Option<Placement>,
) -> Result<LeasedTask, StoreError> {
    let lease = work.tx.next_leases(1);
    let now = work.now;
    if let Some(placement) = placement {
        work.place(key, placement);
    }
    let row = work.change(key);
    let resumed = row.suspended;
    if !resumed {
        row.attempt += 1;
    }
    row.lease = Some(lease);
    row.reported = 0;
    row.session = Some(session.id);
    row.worker = Some(session.worker);
    row.suspended = false;
    row.gate = None;
    row.wake_at = None;
    row.started_at.get_or_insert(now);
    if row.workspace().is_some() {
        let spec = row.spec.clone();
        if let Some(workspace) = spec.labels.get(WORKSPACE) {
            work.tx.observed().settled_in(session.worker, workspace);
        }
    }
    work.happen(key, TaskEvent::Claimed, None)?;
    let row = work.row(key);
    Ok(LeasedTask {
        id: row.id,
        lease,
        spec: row.spec.clone(),
        root_id: row.root_id,
        attempt: row.attempt,
        resumed,
        parked: row.last_lease.filter(|_| resumed),
        has_history: row.has_history,
    })
}
