//! What may be granted now.

use std::collections::{BTreeSet, HashMap};

use orchestrator_protocol::{Placement, SessionId, Timestamp, WorkerId};

use super::rivals::{Fate, Rivals};
use crate::{
    domain::{
        limit::{Room, START_WINDOW},
        placement::HEAD_START_US,
        rank,
    },
    store::{
        Claim,
        error::StoreError,
        ledger::work::Work,
        row::{Key, LaneId, SessionRow, TaskRow},
        tx::Tx,
    },
};

/// How many more tasks of each lane are looked at where tasks have workspaces, so that a worker finds those that it has
/// the place for.
const LOOK_AHEAD: usize = 16;

/// A ready task that may be granted.
pub(super) struct Ready {
    rank: i64,
    pub(super) key: Key,
    pub(super) lane: LaneId,
    pub(super) since: Timestamp,
    /// The worker that has its workspace, or keeps what it goes on with.
    pub(super) home: Option<WorkerId>,
    taken: bool,
    /// The session that it was left for a moment ago.
    left_for: Option<SessionId>,
}

/// The ready tasks that may be granted now, the most urgent first.
pub(super) struct Offer {
    /// The lanes of each session, with the head start that it gives them.
    eligible: HashMap<SessionId, HashMap<LaneId, i64>>,
    /// The lanes of all of them.
    lanes: Vec<LaneId>,
    /// How many tasks of each lane were read.
    depth: usize,
    /// Whether some lane may have more.
    more: bool,
    /// By rank.
    ready: Vec<Ready>,
    limits: HashMap<LaneId, Vec<String>>,
    room: Room,
    asking: BTreeSet<SessionId>,
    rivals: Rivals,
}

impl Offer {
    pub(super) async fn prepare<T: Tx>(
        work: &mut Work<'_, T>,
        sessions: &HashMap<SessionId, SessionRow>,
        claims: &[Claim],
    ) -> Result<Self, StoreError> {
        let first = work.tx.eligibility().next_lane();
        let lanes = work.tx.lanes_from(first).await?;
        work.tx.eligibility().add(lanes);
        let paused = work.tx.paused_queues().await?;
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
        let (limits, room) = limits(work).await?;
        let mut offer = Self {
            eligible,
            lanes: union,
            depth: 0,
            more: false,
            ready: Vec::new(),
            limits,
            room,
            asking: sessions.keys().copied().collect(),
            rivals: Rivals::default(),
        };
        let mut credit: usize = claims.iter().map(|claim| claim.credit).sum();
        if credit > 0 && work.tx.observed().has_homes() {
            credit += LOOK_AHEAD;
        }
        if let Some(claim) = claims.first() {
            offer.read(work, credit, claim).await?;
        }
        Ok(offer)
    }

    /// Reads the first so many tasks of each lane.
    async fn read<T: Tx>(&mut self, work: &mut Work<'_, T>, depth: usize, claim: &Claim) -> Result<(), StoreError> {
        self.depth = depth;
        self.more = false;
        if self.lanes.is_empty() || depth == 0 {
            return Ok(());
        }
        let rows = work.tx.ready(&self.lanes, depth).await?;
        let mut counts: HashMap<LaneId, usize> = HashMap::new();
        for row in &rows {
            let count = counts.entry(row.lane).or_default();
            *count += 1;
            self.more |= *count >= depth;
        }
        // Those that were read before, and granted or left since, stay as they are.
        let known: HashMap<Key, Ready> = std::mem::take(&mut self.ready)
            .into_iter()
            .map(|r| (r.key, r))
            .collect();
        let new = rows.iter().filter(|row| !known.contains_key(&row.key));
        let new: Vec<Ready> = new.map(|row| Ready::of(row, work)).collect();
        self.ready = known.into_values().chain(new).collect();
        self.ready.sort_unstable_by_key(|ready| (ready.rank, ready.key));
        work.adopt(rows);
        self.rivals
            .look_up(work, &self.asking, &mut self.ready, &claim.policy)
            .await
    }

    /// Takes up to so many tasks for a session as it asks for, each with why it got it.
    pub(super) async fn take<T: Tx>(
        &mut self,
        work: &mut Work<'_, T>,
        session: &SessionRow,
        claim: &Claim,
    ) -> Result<Vec<(Key, Option<Placement>)>, StoreError> {
        let mut granted = Vec::new();
        loop {
            let left = self.take_known(work, session, claim, &mut granted);
            let wanted = claim.credit + left;
            if granted.len() >= claim.credit || left == 0 || !self.more || wanted <= self.depth {
                return Ok(granted);
            }
            // What is left for others does not keep it from what comes after.
            let depth = wanted.max(self.depth * 2);
            self.read(work, depth, claim).await?;
        }
    }

    /// Takes from what was read. Gives how many tasks are left for others.
    fn take_known<T: Tx>(
        &mut self,
        work: &mut Work<'_, T>,
        session: &SessionRow,
        claim: &Claim,
        granted: &mut Vec<(Key, Option<Placement>)>,
    ) -> usize {
        let Some(lanes) = self.eligible.get(&session.id) else {
            return 0;
        };
        let mut left = 0;
        for at in in_order(&self.ready, lanes, session.worker) {
            if granted.len() >= claim.credit {
                break;
            }
            let ready = &mut self.ready[at];
            if ready.taken || !lanes.contains_key(&ready.lane) {
                continue;
            }
            let keys = self.limits.get(&ready.lane);
            if keys.is_some_and(|keys| !self.room.has(keys)) {
                continue;
            }
            if let Some(other) = ready.left_for.take() {
                self.rivals.gives_up(other);
            }
            match self.rivals.decide(session.id, ready, claim.now, &claim.policy) {
                Fate::Taken(placement) => {
                    if let Some(keys) = keys {
                        self.room.take(keys);
                    }
                    self.rivals.takes(session.id);
                    ready.taken = true;
                    granted.push((ready.key, placement));
                }
                Fate::Left(other, until) => {
                    self.rivals.takes(other);
                    ready.left_for = Some(other);
                    left += 1;
                    work.leave(other, until);
                }
            }
        }
        left
    }
}

impl Ready {
    fn of<T: Tx>(row: &TaskRow, work: &mut Work<'_, T>) -> Self {
        let used_last = |workspace| work.tx.observed().home(workspace);
        Self {
            rank: row.rank,
            key: row.key,
            lane: row.lane,
            since: rank::ready_at(row.rank, row.spec.priority),
            home: row.kept_by().or_else(|| row.workspace().and_then(used_last)),
            taken: false,
            left_for: None,
        }
    }
}

/// The limit keys of the lanes that have a rule, and how much room each has.
async fn limits<T: Tx>(work: &mut Work<'_, T>) -> Result<(HashMap<LaneId, Vec<String>>, Room), StoreError> {
    let rules = work.tx.limit_rules().await?;
    let mut limits = HashMap::new();
    if rules.is_empty() {
        return Ok((limits, Room::default()));
    }
    for (id, lane) in work.tx.eligibility().lanes() {
        if lane.limits.iter().any(|key| rules.iter().any(|(k, _)| k == key)) {
            limits.insert(*id, lane.limits.clone());
        }
    }
    let counted: Vec<LaneId> = limits.keys().copied().collect();
    let running = work.tx.leases_by_lane().await?;
    let since = work.now.minus(START_WINDOW);
    let mut started = Vec::new();
    if rules.iter().any(|(_, rule)| rule.starts_per_minute.is_some()) {
        started = work.tx.starts_since(&counted, since).await?;
    }
    let mut spent = Vec::new();
    if rules.iter().any(|(_, rule)| rule.tokens_per_minute.is_some()) {
        spent = work.tx.tokens_since(&counted, since).await?;
    }
    let room = Room::new(&rules, &limits, &running, &started, &spent);
    Ok((limits, room))
}

/// Which of the ready tasks a session looks at first: in the order of rank, changed by the head starts that it gives to
/// what prefers it and to what its worker has the place for.
fn in_order(ready: &[Ready], lanes: &HashMap<LaneId, i64>, worker: WorkerId) -> impl Iterator<Item = usize> + use<> {
    let mut preferred = Vec::new();
    let at_home = |ready: &Ready| ready.home == Some(worker);
    if lanes.values().any(|head_start| *head_start != 0) || ready.iter().any(at_home) {
        preferred = (0..ready.len()).collect();
        preferred.sort_by_key(|at| {
            let ready = &ready[*at];
            let home = if at_home(ready) { HEAD_START_US } else { 0 };
            let head_start = lanes.get(&ready.lane).copied().unwrap_or(0) + home;
            (ready.rank - head_start, ready.key)
        });
    }
    let by_rank = if preferred.is_empty() { 0..ready.len() } else { 0..0 };
    preferred.into_iter().chain(by_rank)
}
