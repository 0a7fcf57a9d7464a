//! What a transaction is about to write.

use std::collections::{BTreeMap, HashMap};

use orchestrator_protocol::{Json, LogLine, SessionId, Timestamp};

use super::{
    changes::{Place, Settings},
    codec::event::Happening,
    totals::Totals,
};
use crate::store::row::{Key, LaneId, TaskRow};

/// Writes that wait to be made together.
#[derive(Default)]
pub(super) struct Pending {
    /// Tasks of the cache with something unwritten, each once.
    pub(super) tasks: Vec<Key>,
    pub(super) events: Vec<Happening>,
    pub(super) logs: Vec<(Key, LogLine)>,
    pub(super) steps: Vec<(Key, String, Json)>,
    pub(super) edges: Vec<(Key, Key)>,
    pub(super) edges_to_gone: Vec<Key>,
    pub(super) edges_of_gone: Vec<Key>,
    /// New lanes, by their numbers in the mirror.
    pub(super) lanes: Vec<LaneId>,
    /// Sessions to be written from the mirror, or to be removed when it has them no more.
    pub(super) sessions: Vec<SessionId>,
    pub(super) settings: Settings,
    pub(super) starts: Starts,
    /// Tokens that tasks of limited lanes spent, and when.
    pub(super) tokens: BTreeMap<(LaneId, Timestamp), u64>,
    pub(super) totals: Totals,
    pub(super) due: Moves<(i64, Key)>,
    pub(super) aside: Moves<(i64, Key)>,
    pub(super) ready: Moves<Place>,
    pub(super) running: Moves<Key>,
}

/// What joins a set and what leaves it, of which only the sum is written.
#[derive(Debug)]
pub(super) struct Moves<M>(Vec<(M, bool)>);

impl<M> Default for Moves<M> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<M: Copy + Ord> Moves<M> {
    /// Something that was in the set as `from`, if it was, is in it as `to`, if it is.
    pub(super) fn change(&mut self, from: Option<M>, to: Option<M>) {
        if from != to {
            self.0.extend(from.map(|member| (member, false)));
            self.0.extend(to.map(|member| (member, true)));
        }
    }

    /// What has joined and what has left in the end, each in order.
    pub(super) fn take(&mut self) -> (Vec<M>, Vec<M>) {
        let mut moves = std::mem::take(&mut self.0);
        // What came after what stays so.
        moves.sort_by_key(|(member, _)| *member);
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        for moves in moves.chunk_by(|(a, _), (b, _)| a == b) {
            // One that first joined was not there, and one that last left is not.
            match (moves[0], moves[moves.len() - 1]) {
                ((member, true), (_, true)) => joined.push(member),
                ((member, false), (_, false)) => left.push(member),
                _ => {}
            }
        }
        (joined, left)
    }
}

/// Starts of tasks that limits count.
#[derive(Debug, Default)]
pub(super) struct Starts {
    lanes: HashMap<Key, LaneId>,
    counts: HashMap<(LaneId, Timestamp), u32>,
}

impl Starts {
    /// Notices that a lease was granted; when, its event says.
    pub(super) fn granted(&mut self, row: &TaskRow) {
        if !row.spec.limits.is_empty() {
            self.lanes.insert(row.key, row.lane);
        }
    }

    /// Looks for the moments of the starts among the events.
    pub(super) fn look(&mut self, events: &[Happening]) {
        if self.lanes.is_empty() {
            return;
        }
        for event in events.iter().filter(|event| event.is_start()) {
            if let Some(lane) = self.lanes.remove(&event.key) {
                *self.counts.entry((lane, event.at)).or_default() += 1;
            }
        }
    }

    /// The counts to be added.
    pub(super) fn take(&mut self) -> Vec<(LaneId, Timestamp, u32)> {
        let counts = self.counts.drain();
        counts.map(|((lane, at), n)| (lane, at, n)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However often something joins and leaves, writing what is left of it makes the set what it is.
        #[test]
        fn the_sum_is_what_came_of_it(
            before in prop::collection::btree_set(0..20_i64, 0..20),
            moves in prop::collection::vec((0..20_i64, 0..20_i64), 0..60),
        ) {
            let (mut set, mut written) = (before.clone(), before);
            let mut pending = Moves::default();
            for (from, to) in moves {
                let from = Some(from).filter(|from| set.remove(from));
                let to = Some(to).filter(|to| set.insert(*to));
                pending.change(from, to);
            }
            let (joined, left) = pending.take();
            prop_assert!(left.iter().all(|member| written.remove(member)));
            prop_assert!(joined.iter().all(|member| written.insert(*member)));
            prop_assert_eq!(written, set);
            let in_order = |members: &[i64]| members.iter().collect::<BTreeSet<_>>().into_iter().eq(members);
            prop_assert!(in_order(&joined) && in_order(&left));
        }
    }
}
