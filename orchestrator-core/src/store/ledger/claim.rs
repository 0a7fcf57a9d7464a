//! Granting leases.

use std::collections::HashMap;

use orchestrator_protocol::SessionId;

use super::work::Work;
use crate::{
    domain::{
        limit::{Room, START_WINDOW},
        state::TaskEvent,
    },
    store::{
        Claim, Committed, LeasedTask,
        error::StoreError,
        row::{Key, LaneId, SessionRow},
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
    let mut offer = Offer::prepare(&mut work, &sessions, claims.iter().map(|c| c.credit).sum()).await?;
    let mut answers = Vec::with_capacity(claims.len());
    for claim in claims {
        let Some(session) = sessions.get(&claim.session) else {
            answers.push(Err(StoreError::SessionLost(claim.session)));
            continue;
        };
        work.now = claim.now;
        let credit = if session.draining { 0 } else { claim.credit };
        let granted = offer.take(session.id, credit);
        let mut leases = Vec::with_capacity(granted.len());
        for key in granted {
            leases.push(grant(&mut work, key, session)?);
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

/// The ready tasks that may be granted now, the most urgent first.
struct Offer {
    /// The lanes of each session, with the head start that it gives them.
    eligible: HashMap<SessionId, HashMap<LaneId, i64>>,
    /// By rank.
    ready: Vec<(i64, Key, LaneId)>,
    taken: Vec<bool>,
    limits: HashMap<LaneId, Vec<String>>,
    room: Room,
}

impl Offer {
    async fn prepare<T: Tx>(
        work: &mut Work<'_, T>,
        sessions: &HashMap<SessionId, SessionRow>,
        credit: usize,
    ) -> Result<Self, StoreError> {
        let first = work.tx.eligibility().next_lane();
        let lanes = work.tx.lanes_from(first).await?;
        work.tx.eligibility().add(lanes);
        let paused = work.tx.paused_queues().await?;
        let rules = work.tx.limit_rules().await?;
        let eligibility = work.tx.eligibility();
        let mut eligible: HashMap<SessionId, HashMap<LaneId, i64>> = HashMap::new();
        let mut union: Vec<LaneId> = Vec::new();
        for session in sessions.values() {
            let mut lanes: HashMap<LaneId, i64> = eligibility
                .eligible(session)
                .iter()
                .map(|eligible| (eligible.lane, eligible.head_start))
                .collect();
            if !paused.is_empty() {
                lanes.retain(|id, _| eligibility.lane(*id).is_some_and(|lane| !paused.contains(&lane.queue)));
            }
            union.extend(lanes.keys());
            eligible.insert(session.id, lanes);
        }
        union.sort_unstable();
        union.dedup();
        let mut limits = HashMap::new();
        let mut room = Room::default();
        if !rules.is_empty() {
            for (id, lane) in eligibility.lanes() {
                if lane.limits.iter().any(|key| rules.iter().any(|(k, _)| k == key)) {
                    limits.insert(*id, lane.limits.clone());
                }
            }
            let counted: Vec<LaneId> = limits.keys().copied().collect();
            let running = work.tx.leases_by_lane().await?;
            let since = work.now.minus(START_WINDOW);
            let started = if rules.iter().any(|(_, rule)| rule.starts_per_minute.is_some()) {
                work.tx.starts_since(&counted, since).await?
            } else {
                Vec::new()
            };
            room = Room::new(&rules, &limits, &running, &started);
        }
        let rows = if union.is_empty() || credit == 0 {
            Vec::new()
        } else {
            work.tx.ready(&union, credit).await?
        };
        let mut ready: Vec<_> = rows.iter().map(|row| (row.rank, row.key, row.lane)).collect();
        ready.sort_unstable();
        work.adopt(rows);
        Ok(Self {
            taken: vec![false; ready.len()],
            eligible,
            ready,
            limits,
            room,
        })
    }

    /// Takes up to `credit` tasks for a session.
    fn take(&mut self, session: SessionId, credit: usize) -> Vec<Key> {
        let mut granted = Vec::new();
        let Some(lanes) = self.eligible.get(&session) else {
            return granted;
        };
        for at in in_order(&self.ready, lanes) {
            if granted.len() == credit {
                break;
            }
            let (_, key, lane) = &self.ready[at];
            if self.taken[at] || !lanes.contains_key(lane) {
                continue;
            }
            if self.limits.get(lane).is_some_and(|keys| !self.room.take(keys)) {
                continue;
            }
            self.taken[at] = true;
            granted.push(*key);
        }
        granted
    }
}

/// Which of the ready tasks a session looks at first: in the order of rank, changed by the head starts that it gives.
fn in_order(ready: &[(i64, Key, LaneId)], lanes: &HashMap<LaneId, i64>) -> impl Iterator<Item = usize> {
    let mut preferred = Vec::new();
    if lanes.values().any(|head_start| *head_start != 0) {
        preferred = (0..ready.len()).collect();
        preferred.sort_by_key(|at| {
            let (rank, key, lane) = ready[*at];
            (rank - lanes.get(&lane).copied().unwrap_or(0), key)
        });
    }
    let by_rank = if preferred.is_empty() { 0..ready.len() } else { 0..0 };
    preferred.into_iter().chain(by_rank)
}

fn grant<T: Tx>(work: &mut Work<'_, T>, key: Key, session: &SessionRow) -> Result<LeasedTask, StoreError> {
    let lease = work.tx.next_leases(1);
    let now = work.now;
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
