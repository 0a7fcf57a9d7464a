//! The heads of the lanes: what is ready and most urgent, in the writer's memory, so that a claim reads nothing.
//!
//! Like everything that the writer remembers it holds while nobody else writes, and is forgotten otherwise.

use std::collections::{BTreeSet, HashMap};

use orchestrator_protocol::TaskState;

use crate::store::row::{Key, LaneId, TaskRow};

/// How many tasks of one lane are remembered.
const DEEP: usize = 4096;

/// How many tasks are remembered in all, about: some megabytes.
const MOST: usize = 65_536;

/// Where a task stands in its lane.
type Place = (i64, Key);

/// The beginning of a lane.
#[derive(Debug, Default)]
struct Head {
    places: BTreeSet<Place>,
    /// Up to where everything that is ready is here; none: all of it.
    until: Option<Place>,
}

impl Head {
    fn reaches(&self, place: Place) -> bool {
        self.until.is_none_or(|until| place <= until)
    }

    /// Whether the first so many are here.
    fn has(&self, count: usize) -> bool {
        self.until.is_none() || self.places.len() >= count
    }
}

/// The beginnings of the lanes that somebody claims from.
#[derive(Debug, Default)]
pub(super) struct Heads {
    lanes: HashMap<LaneId, Head>,
    total: usize,
}

impl Heads {
    /// Which of these lanes must be read for their first `count` tasks.
    pub(super) fn missing(&self, lanes: &[LaneId], count: usize) -> Vec<LaneId> {
        let known = |lane: &LaneId| self.lanes.get(lane).is_some_and(|head| head.has(count));
        lanes.iter().copied().filter(|lane| !known(lane)).collect()
    }

    /// How many tasks of each of so many lanes are to be read when the first `count` are asked for.
    pub(super) fn depth(lanes: usize, count: usize) -> usize {
        (MOST / 4 / lanes.max(1)).clamp(1, DEEP).max(count)
    }

    /// Remembers what was read of a lane: its first tasks, and whether that was all.
    pub(super) fn learn(&mut self, lane: LaneId, places: impl Iterator<Item = Place>, all: bool) {
        if self.total > MOST {
            *self = Self::default();
        }
        let places: BTreeSet<Place> = places.collect();
        let until = if all {
            None
        } else {
            Some(places.last().copied().unwrap_or((i64::MIN, Key(i64::MIN))))
        };
        self.total += places.len();
        if let Some(old) = self.lanes.insert(lane, Head { places, until }) {
            self.total -= old.places.len();
        }
    }

    /// The first `count` tasks of each lane.
    pub(super) fn first(&self, lanes: &[LaneId], count: usize) -> Vec<Key> {
        let heads = lanes.iter().filter_map(|lane| self.lanes.get(lane));
        heads
            .flat_map(|head| head.places.iter().take(count).map(|(_, key)| *key))
            .collect()
    }

    /// Notices that a task changed, or is new.
    pub(super) fn change(&mut self, old: Option<&TaskRow>, new: &TaskRow) {
        let place = |row: &TaskRow| (row.lane, (row.rank, row.key));
        let is_ready = |row: &&TaskRow| row.state == TaskState::Ready;
        let (from, to) = (old.filter(is_ready).map(place), Some(new).filter(is_ready).map(place));
        if from == to {
            return;
        }
        if let Some((lane, place)) = from {
            self.leave(lane, place);
        }
        if let Some((lane, place)) = to {
            self.join(lane, place);
        }
    }

    fn leave(&mut self, lane: LaneId, place: Place) {
        if let Some(head) = self.lanes.get_mut(&lane)
            && head.places.remove(&place)
        {
            self.total -= 1;
        }
    }

    fn join(&mut self, lane: LaneId, place: Place) {
        if let Some(head) = self.lanes.get_mut(&lane)
            && head.reaches(place)
            && head.places.insert(place)
        {
            self.total += 1;
            if head.places.len() > 2 * DEEP {
                let rest = head.places.iter().nth(DEEP).copied();
                let cut = rest.map(|first| head.places.split_off(&first)).unwrap_or_default();
                head.until = head.places.last().copied();
                self.total -= cut.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever comes and goes, the first tasks are those that a look at the whole lane gives.
        #[test]
        fn the_first_are_the_first(
            ready in prop::collection::btree_set(0..200_i64, 0..60),
            depth in 1..20_usize,
            moves in prop::collection::vec((0..200_i64, any::<bool>()), 0..60),
            count in 1..10_usize,
        ) {
            const LANE: LaneId = LaneId(1);
            let mut all: BTreeSet<Place> = ready.into_iter().map(|n| (n / 7, Key(n))).collect();
            let mut heads = Heads::default();
            let read = |heads: &mut Heads, all: &BTreeSet<Place>| {
                heads.learn(LANE, all.iter().copied().take(depth), all.len() < depth);
            };
            read(&mut heads, &all);
            for (n, comes) in moves {
                let place = (n / 7, Key(n));
                if comes && all.insert(place) {
                    heads.join(LANE, place);
                } else if !comes && all.remove(&place) {
                    heads.leave(LANE, place);
                }
                if !heads.missing(&[LANE], count).is_empty() {
                    read(&mut heads, &all);
                }
                if depth >= count {
                    let expected: Vec<Key> = all.iter().take(count).map(|(_, key)| *key).collect();
                    prop_assert_eq!(heads.first(&[LANE], count), expected);
                }
            }
        }
    }
}
