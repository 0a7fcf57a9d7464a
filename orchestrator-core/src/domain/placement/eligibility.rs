//! Which lanes each session may claim from, and which sessions may run the tasks of a lane.

use std::collections::{BTreeSet, HashMap};

use orchestrator_protocol::{SessionId, WorkerId};

use super::{head_start, may_run, score};
use crate::store::row::{Lane, LaneId, SessionRow};

/// A lane that a session may claim from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eligible {
    /// The lane.
    pub lane: LaneId,
    /// By how many microseconds the session takes its tasks earlier than their rank says.
    pub head_start: i64,
}

/// A session that may run the tasks of a lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Runner {
    /// The session.
    pub session: SessionId,
    /// How much of what the tasks prefer it offers, as [`score`].
    pub score: f64,
}

/// Which sessions may run what, worked out once and kept while lanes and sessions stay as they are. Sessions that offer
/// the same are one kind, so that ten thousand of them cost no more than one.
#[derive(Debug, Default)]
pub struct Eligibility {
    lanes: Vec<(LaneId, Lane)>,
    kinds: Vec<Kind>,
    by_offer: HashMap<(BTreeSet<String>, BTreeSet<String>), usize>,
    /// Its kind and its worker.
    sessions: HashMap<SessionId, (usize, WorkerId)>,
    by_worker: HashMap<WorkerId, Vec<SessionId>>,
    /// The kinds that may run the tasks of a lane.
    runners: HashMap<LaneId, Vec<(usize, f64)>>,
    /// Whether all sessions are known.
    complete: bool,
}

/// Sessions that offer the same.
#[derive(Debug, Default)]
struct Kind {
    labels: BTreeSet<String>,
    task_types: BTreeSet<String>,
    eligible: Vec<Eligible>,
    members: Vec<SessionId>,
}

impl Eligibility {
    /// The number after the last known lane: where to read on.
    pub fn next_lane(&self) -> LaneId {
        LaneId(self.lanes.last().map_or(0, |(id, _)| id.0 + 1))
    }

    /// Adds lanes that were read from [`Eligibility::next_lane`] on, in order.
    pub fn add(&mut self, lanes: Vec<(LaneId, Lane)>) {
        let next = self.next_lane();
        for (id, lane) in lanes.into_iter().filter(|(id, _)| *id >= next) {
            for (place, kind) in self.kinds.iter_mut().enumerate() {
                if let Some(score) = kind.consider(id, &lane) {
                    self.runners.entry(id).or_default().push((place, score));
                }
            }
            self.lanes.push((id, lane));
        }
    }

    /// Whether all sessions were told by [`Eligibility::know`].
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Takes in all sessions that there are.
    pub fn know_all(&mut self, sessions: &[SessionRow]) {
        for session in sessions {
            self.know(session);
        }
        self.complete = true;
    }

    /// Takes in a session, or what it offers now.
    pub fn know(&mut self, session: &SessionRow) {
        self.forget(session.id);
        let offer = (session.labels.clone(), session.task_types.clone());
        let place = match self.by_offer.get(&offer) {
            Some(place) => *place,
            None => self.add_kind(offer),
        };
        self.kinds[place].members.push(session.id);
        self.sessions.insert(session.id, (place, session.worker));
        self.by_worker.entry(session.worker).or_default().push(session.id);
    }

    fn add_kind(&mut self, offer: (BTreeSet<String>, BTreeSet<String>)) -> usize {
        let place = self.kinds.len();
        let mut kind = Kind {
            labels: offer.0.clone(),
            task_types: offer.1.clone(),
            ..Kind::default()
        };
        for (id, lane) in &self.lanes {
            if let Some(score) = kind.consider(*id, lane) {
                self.runners.entry(*id).or_default().push((place, score));
            }
        }
        self.kinds.push(kind);
        self.by_offer.insert(offer, place);
        place
    }

    /// Forgets a session.
    pub fn forget(&mut self, session: SessionId) {
        let Some((place, worker)) = self.sessions.remove(&session) else {
            return;
        };
        self.kinds[place].members.retain(|member| *member != session);
        if let Some(sessions) = self.by_worker.get_mut(&worker) {
            sessions.retain(|known| *known != session);
            if sessions.is_empty() {
                self.by_worker.remove(&worker);
            }
        }
        if self.kinds[place].members.is_empty() {
            self.remove_kind(place);
        }
    }

    /// Forgets a kind that nobody is of any more; the last one moves to its place.
    fn remove_kind(&mut self, place: usize) {
        let gone = self.kinds.swap_remove(place);
        self.by_offer.remove(&(gone.labels, gone.task_types));
        let moved = self.kinds.len();
        for eligible in gone.eligible {
            if let Some(kinds) = self.runners.get_mut(&eligible.lane) {
                kinds.retain(|(kind, _)| *kind != place);
            }
        }
        let Some(kind) = self.kinds.get(place) else { return };
        let offer = (kind.labels.clone(), kind.task_types.clone());
        self.by_offer.insert(offer, place);
        for member in &kind.members {
            if let Some(known) = self.sessions.get_mut(member) {
                known.0 = place;
            }
        }
        for eligible in &kind.eligible {
            let kinds = self.runners.get_mut(&eligible.lane).into_iter().flatten();
            for (kind, _) in kinds.filter(|(kind, _)| *kind == moved) {
                *kind = place;
            }
        }
    }

    /// Forgets everything: another process may have changed the lanes.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The lanes that a session may claim from, in order.
    pub fn eligible(&mut self, session: &SessionRow) -> &[Eligible] {
        if !self.sessions.contains_key(&session.id) {
            self.know(session);
        }
        &self.kinds[self.sessions[&session.id].0].eligible
    }

    /// Up to about `most` of the sessions that may run the tasks of a lane: all of them where they are no more, otherwise
    /// some of each kind, which others with another `turn`.
    pub fn runners(&self, lane: LaneId, most: usize, turn: usize) -> Vec<Runner> {
        let Some(kinds) = self.runners.get(&lane) else {
            return Vec::new();
        };
        let mut all = 0;
        let few = kinds.iter().all(|(kind, _)| {
            all += self.kinds[*kind].members.len();
            all <= most
        });
        let share = if few { most } else { (most / kinds.len()).max(1) };
        let mut runners = Vec::with_capacity(all.min(most));
        let in_turn = kinds.iter().cycle().skip(turn % kinds.len().max(1)).take(kinds.len());
        for (kind, score) in in_turn.take(most) {
            let members = &self.kinds[*kind].members;
            let in_turn = members.iter().cycle().skip(turn % members.len().max(1));
            runners.extend(in_turn.take(members.len().min(share)).map(|session| Runner {
                session: *session,
                score: *score,
            }));
        }
        runners
    }

    /// A session of a worker that may run the tasks of a lane.
    pub fn runner_of(&self, worker: WorkerId, lane: LaneId) -> Option<Runner> {
        let kinds = self.runners.get(&lane)?;
        // The newest, since an older one may be about to end.
        self.by_worker.get(&worker)?.iter().rev().find_map(|session| {
            let (kind, _) = self.sessions.get(session)?;
            let (_, score) = kinds.iter().find(|(place, _)| place == kind)?;
            Some(Runner {
                session: *session,
                score: *score,
            })
        })
    }

    /// The sessions of a worker, the newest last.
    pub fn sessions_of(&self, worker: WorkerId) -> &[SessionId] {
        self.by_worker.get(&worker).map_or(&[], Vec::as_slice)
    }

    /// Whether no newer session of its worker is known: an older one is about to end.
    pub fn is_newest(&self, session: SessionId) -> bool {
        let known = self.sessions.get(&session);
        known.is_some_and(|(_, worker)| self.sessions_of(*worker).last() == Some(&session))
    }

    /// How well a session suits the tasks of a lane, as [`score`], if it may run them.
    pub fn suits(&self, session: SessionId, lane: LaneId) -> Option<f64> {
        let (kind, _) = self.sessions.get(&session)?;
        let kinds = self.runners.get(&lane)?;
        kinds.iter().find(|(place, _)| place == kind).map(|(_, score)| *score)
    }

    /// How many sessions are known.
    pub fn count(&self) -> usize {
        self.sessions.len()
    }

    /// A lane by its number.
    pub fn lane(&self, id: LaneId) -> Option<&Lane> {
        self.lanes
            .binary_search_by_key(&id, |(id, _)| *id)
            .ok()
            .map(|i| &self.lanes[i].1)
    }

    /// All known lanes.
    pub fn lanes(&self) -> &[(LaneId, Lane)] {
        &self.lanes
    }
}

impl Kind {
    /// Whether its members may run the tasks of a lane, and how well they suit them.
    fn consider(&mut self, id: LaneId, lane: &Lane) -> Option<f64> {
        if !may_run(lane, &self.labels, &self.task_types) {
            return None;
        }
        self.eligible.push(Eligible {
            lane: id,
            head_start: head_start(lane, &self.labels),
        });
        Some(score(lane, &self.labels))
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::Privacy;
    use uuid::Uuid;

    use super::*;
    use crate::domain::placement::tests::session;

    fn lane(task_type: &str) -> Lane {
        Lane {
            queue: "default".into(),
            task_type: task_type.into(),
            requires: vec![],
            prefers: vec!["gpu".into()],
            limits: vec![],
            privacy: Privacy::Normal,
        }
    }

    fn ids(runners: &[Runner]) -> BTreeSet<u128> {
        runners.iter().map(|r| r.session.as_uuid().as_u128()).collect()
    }

    fn worker(number: u128) -> WorkerId {
        WorkerId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn lanes_that_come_later_are_seen() {
        let mut eligibility = Eligibility::default();
        let a = session(1, &["a"], &[]);
        eligibility.add(vec![(LaneId(0), lane("b")), (LaneId(1), lane("a"))]);
        let lanes = |eligible: &[Eligible]| eligible.iter().map(|e| e.lane).collect::<Vec<_>>();
        assert_eq!(lanes(eligibility.eligible(&a)), [LaneId(1)]);
        let next = eligibility.next_lane();
        eligibility.add(vec![(next, lane("a"))]);
        assert_eq!(lanes(eligibility.eligible(&a)), [LaneId(1), LaneId(2)]);
    }

    #[test]
    fn sessions_come_change_and_go() {
        let mut eligibility = Eligibility::default();
        eligibility.add(vec![(LaneId(0), lane("a")), (LaneId(1), lane("b"))]);
        eligibility.know_all(&[
            session(1, &["a"], &[]),
            session(2, &["a", "b"], &["gpu"]),
            session(3, &["a"], &[]),
        ]);
        let runners = |e: &Eligibility, n| ids(&e.runners(LaneId(n), 9, 0));
        assert_eq!(runners(&eligibility, 0), [1, 2, 3].into());
        assert_eq!(runners(&eligibility, 1), [2].into());
        let score = |n| Some(eligibility.runner_of(worker(n), LaneId(0))?.score);
        assert_eq!((score(1), score(2), score(9)), (Some(-1.0), Some(1.0), None));
        eligibility.forget(session(1, &[], &[]).id);
        eligibility.know(&session(3, &["b"], &[]));
        assert_eq!(runners(&eligibility, 0), [2].into());
        assert_eq!(runners(&eligibility, 1), [2, 3].into());
        assert_eq!(eligibility.count(), 2);
        eligibility.add(vec![(LaneId(2), lane("b"))]);
        assert_eq!(runners(&eligibility, 2), [2, 3].into());
    }

    #[test]
    fn of_many_some_of_each_kind_are_looked_at_in_turn() {
        let mut eligibility = Eligibility::default();
        eligibility.add(vec![(LaneId(0), lane("a"))]);
        for n in 1..=100 {
            eligibility.know(&session(n, &["a"], &[]));
        }
        eligibility.know(&session(101, &["a"], &["gpu"]));
        let mut seen = BTreeSet::new();
        for turn in 0..100 {
            let runners = eligibility.runners(LaneId(0), 16, turn);
            assert!(runners.len() <= 16, "{}", runners.len());
            assert!(ids(&runners).contains(&101), "each kind is there");
            seen.extend(ids(&runners));
        }
        assert_eq!(seen.len(), 101);
    }
}
