//! The small tables, whole in the writer's memory: lanes, sessions, rules, schedules and the counters; and of the tasks
//! that are ready, the first.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use orchestrator_protocol::{LimitRule, Schedule, SessionId, TokenId};

use super::{
    changes::{Counted, Numbers},
    heads::Heads,
    held::Held,
    taken::Taken,
};
use crate::{
    domain::placement::Eligibility,
    store::row::{Lane, LaneId, SessionRow},
};

/// How many numbers are reserved at once. A claim is not synced to the disk and may be lost with the power; numbers
/// below a reservation that was synced are never given out again.
const RESERVE: i64 = 8192;

/// Numbers that grow and are never given out twice, also by other processes and after a power failure.
#[derive(Debug)]
pub struct Counter {
    next: i64,
    /// None: what is next is written with every transaction that gives numbers out, and never lost.
    reserved: Option<i64>,
    changed: bool,
}

impl Counter {
    /// Numbers from a reservation on, of which more are reserved when they are needed.
    pub fn reserved(reserved: i64) -> Self {
        Self {
            next: reserved,
            reserved: Some(reserved),
            changed: false,
        }
    }

    /// Numbers of which the next one is written with every transaction.
    pub fn exact(next: i64) -> Self {
        Self {
            next,
            reserved: None,
            changed: false,
        }
    }

    /// Never gives out the next so many numbers: they may be in the world although nothing here tells of them.
    pub fn leave_out(&mut self, count: i64) {
        self.next += count;
    }

    /// The first of `count` consecutive new numbers.
    pub(super) fn take(&mut self, count: usize) -> i64 {
        let first = self.next;
        self.next += count as i64;
        if self.reserved.is_some_and(|reserved| self.next > reserved) {
            self.reserve();
        }
        first
    }

    /// The number that was given out last.
    pub(super) fn last(&self) -> i64 {
        self.next - 1
    }

    /// Reserves early, in a transaction that is synced anyway.
    fn top_up(&mut self) {
        if self.reserved.is_some_and(|reserved| self.next > reserved - RESERVE / 2) {
            self.reserve();
        }
    }

    fn reserve(&mut self) {
        self.reserved = Some(self.next + RESERVE);
        self.changed = true;
    }

    fn written(&mut self) -> Counted {
        let changed = std::mem::take(&mut self.changed);
        Counted {
            next: self.next,
            reserved: self.reserved.filter(|_| changed),
        }
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::exact(1)
    }
}

/// The small tables. A database fills them in when a transaction begins on nothing that is remembered.
#[derive(Default)]
pub struct Mirror {
    pub(super) lanes: Vec<(LaneId, Lane)>,
    pub(super) lane_ids: HashMap<Lane, LaneId>,
    pub(super) eligibility: Eligibility,
    pub(super) heads: Heads,
    pub(super) taken: Taken,
    /// The leases that are held, where the database has no index for them.
    pub held: Option<Held>,
    /// The sessions that have not ended.
    pub sessions: BTreeMap<SessionId, SessionRow>,
    /// The rules of limit keys.
    pub limits: BTreeMap<String, LimitRule>,
    /// The queues that are paused.
    pub paused: BTreeSet<String>,
    /// The schedules, by name.
    pub schedules: BTreeMap<String, Schedule>,
    /// The tokens.
    pub tokens: BTreeSet<TokenId>,
    /// Numbers of tasks.
    pub keys: Counter,
    /// Numbers of leases.
    pub leases: Counter,
    /// Numbers of events and lines.
    pub seqs: Counter,
}

impl Mirror {
    /// Says which lanes there are.
    pub fn know_lanes(&mut self, mut lanes: Vec<(LaneId, Lane)>) {
        lanes.sort_unstable_by_key(|(id, _)| *id);
        self.lane_ids = lanes.iter().map(|(id, lane)| (lane.clone(), *id)).collect();
        self.lanes = lanes;
    }

    /// A lane by its number.
    pub(super) fn lane(&self, id: LaneId) -> Option<&Lane> {
        let at = self.lanes.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(&self.lanes[at].1)
    }

    /// Adds a lane that is new.
    pub(super) fn add_lane(&mut self, lane: Lane) -> LaneId {
        let id = LaneId(self.lanes.last().map_or(1, |(last, _)| last.0 + 1));
        self.lane_ids.insert(lane.clone(), id);
        self.lanes.push((id, lane));
        id
    }

    /// Reserves numbers early, in a transaction that is synced anyway.
    pub(super) fn top_up(&mut self) {
        for counter in [&mut self.keys, &mut self.leases, &mut self.seqs] {
            counter.top_up();
        }
    }

    /// Where the numbers stand.
    pub(super) fn numbers(&mut self) -> Numbers {
        Numbers {
            keys: self.keys.written(),
            leases: self.leases.written(),
            seqs: self.seqs.written(),
        }
    }
}
