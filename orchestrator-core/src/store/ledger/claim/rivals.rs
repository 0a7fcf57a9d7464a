//! Who else might run what is claimed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use orchestrator_protocol::{Placement, SessionId, Timestamp, WorkerId};

use super::offer::Ready;
use crate::{
    domain::placement::{
        Eligibility, Policy,
        decision::{self, Candidate, Decision},
    },
    store::{
        error::StoreError,
        ledger::work::Work,
        row::{LaneId, Standing},
        tx::Tx,
    },
};

/// With how many others a session is compared for the tasks of a lane: all of a small fleet, and of a large one some of
/// each kind in turn, so that a claim costs the same however many workers are connected.
const COMPARED: usize = 16;

/// What is to become of a ready task.
pub(super) enum Fate {
    /// Whoever asks gets it, with why where there was a choice.
    Taken(Option<Placement>),
    /// It is left for another session.
    Left(SessionId, Timestamp),
}

/// Who might run the tasks of the lanes from which something is claimed, and how much each runs, counting what was granted
/// or left for it a moment ago.
#[derive(Default)]
pub(super) struct Rivals {
    standings: BTreeMap<SessionId, Standing>,
    lanes: HashMap<LaneId, Vec<Candidate>>,
}

impl Rivals {
    /// Looks up who might run these tasks, as far as they may be left for someone. Also finds who keeps the workspaces of
    /// those that nobody is known to have used lately.
    pub(super) async fn look_up<T: Tx>(
        &mut self,
        work: &mut Work<'_, T>,
        asking: &BTreeSet<SessionId>,
        ready: &mut [Ready],
        policy: &Policy,
    ) -> Result<(), StoreError> {
        let now = work.now;
        if policy.head_start_s <= 0.0 {
            return Ok(());
        }
        let fresh = |ready: &Ready| decision::head_start_ends(ready.since, now, policy).is_some();
        if !ready.iter().any(fresh) {
            return Ok(());
        }
        if !work.tx.eligibility().is_complete() {
            let sessions = work.tx.every_session().await?;
            work.tx.eligibility().know_all(&sessions);
        }
        if work.tx.eligibility().count() < 2 {
            return Ok(());
        }
        let turn = usize::try_from(work.tx.last_seq().0).unwrap_or_default();
        let eligibility = &*work.tx.eligibility();
        let mut runners: BTreeMap<LaneId, BTreeMap<SessionId, f64>> = BTreeMap::new();
        for ready in ready.iter().filter(|ready| fresh(ready)) {
            let known = runners
                .entry(ready.lane)
                .or_insert_with(|| of_lane(eligibility, ready.lane, asking, turn));
            if let Some(runner) = ready.home.and_then(|worker| eligibility.runner_of(worker, ready.lane)) {
                known.insert(runner.session, runner.score);
            }
        }
        let wanted: BTreeSet<SessionId> = runners.values().flat_map(BTreeMap::keys).copied().collect();
        let unknown: Vec<SessionId> = wanted
            .into_iter()
            .filter(|id| !self.standings.contains_key(id))
            .collect();
        let found = work.tx.standings(&unknown).await?;
        self.standings.extend(found.into_iter().map(|s| (s.session, s)));
        for (lane, runners) in runners {
            let Some(task_type) = work.tx.eligibility().lane(lane).map(|lane| lane.task_type.clone()) else {
                continue;
            };
            let known = runners
                .iter()
                .filter_map(|(id, score)| Some((self.standings.get(id)?, *score)));
            let candidates = known.map(|(standing, score)| Candidate::of(standing, score, &task_type));
            self.lanes.insert(lane, candidates.collect());
        }
        for ready in ready.iter_mut().filter(|ready| ready.home.is_none()) {
            let Some(workspace) = work.row(ready.key).workspace() else {
                continue;
            };
            ready.home = self.keeper(ready.lane, workspace);
        }
        Ok(())
    }

    /// Which of those that may run the tasks of a lane keeps a workspace.
    fn keeper(&self, lane: LaneId, workspace: &str) -> Option<WorkerId> {
        let mut standings = self.lanes.get(&lane)?.iter();
        standings.find_map(|candidate| {
            let standing = self.standings.get(&candidate.session)?;
            standing.record.keeps(workspace).then_some(standing.worker)
        })
    }

    /// Whether a session gets a task, or it is left for another.
    pub(super) fn decide(&mut self, asking: SessionId, ready: &Ready, now: Timestamp, policy: &Policy) -> Fate {
        let taken = Fate::Taken(None);
        let Some(until) = decision::head_start_ends(ready.since, now, policy) else {
            return taken;
        };
        let Some(candidates) = self.lanes.get_mut(&ready.lane).filter(|all| all.len() > 1) else {
            return taken;
        };
        let Some(place) = candidates.iter().position(|c| c.session == asking) else {
            return taken;
        };
        for candidate in candidates.iter_mut() {
            if let Some(standing) = self.standings.get(&candidate.session) {
                candidate.running = standing.running;
            }
            candidate.home = ready.home == Some(candidate.worker);
        }
        match decision::decide(candidates, place, until, now, policy) {
            Decision::Take(placement) => Fate::Taken(Some(placement)),
            Decision::Leave { place, until } => Fate::Left(candidates[place].session, until),
        }
    }

    /// A session was granted a task, or one was left for it.
    pub(super) fn takes(&mut self, session: SessionId) {
        if let Some(standing) = self.standings.get_mut(&session) {
            standing.running += 1;
        }
    }

    /// What was left for a session is not any more.
    pub(super) fn gives_up(&mut self, session: SessionId) {
        if let Some(standing) = self.standings.get_mut(&session) {
            standing.running = standing.running.saturating_sub(1);
        }
    }
}

/// Who may run the tasks of a lane, those who ask included.
fn of_lane(
    eligibility: &Eligibility,
    lane: LaneId,
    asking: &BTreeSet<SessionId>,
    turn: usize,
) -> BTreeMap<SessionId, f64> {
    let runners = eligibility.runners(lane, COMPARED, turn).into_iter();
    let runners = runners.filter(|runner| eligibility.is_newest(runner.session));
    let mut all: BTreeMap<SessionId, f64> = runners.map(|runner| (runner.session, runner.score)).collect();
    for session in asking {
        if let Some(score) = eligibility.suits(*session, lane) {
            all.insert(*session, score);
        }
    }
    all
}
