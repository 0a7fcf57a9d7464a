//! The small tables, whole in the writer's memory: lanes, sessions, rules, schedules and the counters; and of the tasks
//! that are ready, the first.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use orchestrator_protocol::{LimitRule, Schedule, SessionId};
use sqlx::{Executor, SqliteConnection};

use super::{
    codec::{self, column, parse},
    fault,
    heads::Heads,
};
use crate::{
    domain::placement::Eligibility,
    store::{
        error::StoreError,
        row::{Lane, LaneId, SessionRow},
    },
};

/// How many numbers are reserved at once. A claim is not synced to the disk and may be lost with the power; numbers
/// below a reservation that was synced are never given out again.
const RESERVE: i64 = 8192;

/// Numbers that grow and are never given out twice, also by other processes and after a power failure.
#[derive(Debug, Default)]
pub(super) struct Counter {
    next: i64,
    reserved: i64,
    changed: bool,
}

impl Counter {
    fn at(reserved: i64) -> Self {
        Self {
            next: reserved,
            reserved,
            changed: false,
        }
    }

    /// The first of `count` consecutive new numbers.
    pub(super) fn take(&mut self, count: usize) -> i64 {
        let first = self.next;
        self.next += count as i64;
        if self.next > self.reserved {
            self.reserve();
        }
        first
    }

    /// The number that was given out last.
    pub(super) fn last(&self) -> i64 {
        self.next - 1
    }

    /// Reserves early, in a transaction that is synced anyway.
    pub(super) fn top_up(&mut self) {
        if self.next > self.reserved - RESERVE / 2 {
            self.reserve();
        }
    }

    fn reserve(&mut self) {
        self.reserved = self.next + RESERVE;
        self.changed = true;
    }

    /// The reservation to be written, if it changed.
    pub(super) fn written(&mut self) -> Option<i64> {
        std::mem::take(&mut self.changed).then_some(self.reserved)
    }
}

/// The small tables.
#[derive(Default)]
pub(super) struct Mirror {
    pub(super) lanes: Vec<(LaneId, Lane)>,
    pub(super) lane_ids: HashMap<Lane, LaneId>,
    pub(super) eligibility: Eligibility,
    pub(super) sessions: BTreeMap<SessionId, SessionRow>,
    pub(super) limits: BTreeMap<String, LimitRule>,
    pub(super) paused: BTreeSet<String>,
    pub(super) schedules: BTreeMap<String, Schedule>,
    pub(super) keys: Counter,
    pub(super) leases: Counter,
    pub(super) seqs: Counter,
    pub(super) heads: Heads,
}

/// Everything that [`Mirror::load`] reads: what it is, its id or name, a number, a text.
const LOAD: &str = "select 0,null,id,body from lane union all \
    select 1,id,expires_at,body from session union all \
    select 2,key,null,rule from limit_rule union all \
    select 3,queue,null,null from paused_queue union all \
    select 4,null,null,body from schedule union all \
    select 5,name,reserved,null from counter";

impl Mirror {
    /// Reads the small tables.
    pub(super) async fn load(conn: &mut SqliteConnection) -> Result<Self, StoreError> {
        let rows = conn.fetch_all(LOAD).await.map_err(|e| fault::of(&e))?;
        let mut mirror = Self::default();
        for row in &rows {
            match column::<i64>(row, 0)? {
                0 => {
                    let lane = (LaneId(column(row, 2)?), parse("lane", column(row, 3)?)?);
                    mirror.lanes.push(lane);
                }
                1 => {
                    let id = SessionId::from_uuid(codec::uuid(column(row, 1)?)?);
                    let session = codec::session::decode(id, column(row, 2)?, column(row, 3)?)?;
                    mirror.sessions.insert(id, session);
                }
                2 => {
                    let rule = parse("limit", column(row, 3)?)?;
                    mirror.limits.insert(column(row, 1)?, rule);
                }
                3 => {
                    mirror.paused.insert(column(row, 1)?);
                }
                4 => {
                    let schedule: Schedule = parse("schedule", column(row, 3)?)?;
                    mirror.schedules.insert(schedule.name.clone(), schedule);
                }
                _ => {
                    let counter = Counter::at(column(row, 2)?);
                    match column(row, 1)? {
                        "key" => mirror.keys = counter,
                        "lease" => mirror.leases = counter,
                        _ => mirror.seqs = counter,
                    }
                }
            }
        }
        mirror.lanes.sort_unstable_by_key(|(id, _)| *id);
        mirror.lane_ids = mirror.lanes.iter().map(|(id, lane)| (lane.clone(), *id)).collect();
        Ok(mirror)
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
}
