//! The tables and their indexes.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use rustc_hash::FxHashMap as HashMap;

use orchestrator_protocol::{
    EventType, Json, LimitRule, LogLine, Schedule, SessionId, TaskId, TaskState, Timestamp, Token, TokenId, Usage, Usd,
};

use super::happening::Happening;
use crate::{
    domain::{
        limit::START_WINDOW,
        placement::{Eligibility, record::Observed},
        throughput,
    },
    store::{
        AnnouncedType,
        row::{Key, Lane, LaneId, SessionRow, TaskRow},
        tally::Tally,
        tx::EventRow,
    },
};

/// How many minutes are kept in which something happened: more than are ever told.
const MINUTES: usize = 90;

/// Everything that a memory store holds. A task's key is its place in `tasks`, from 1.
#[derive(Default)]
pub(super) struct Shelf {
    pub(super) tasks: Vec<Option<Arc<TaskRow>>>,
    pub(super) ids: HashMap<TaskId, Key>,
    pub(super) idempotency: HashMap<String, Key>,
    pub(super) children: HashMap<Key, Vec<Key>>,
    pub(super) named: HashMap<Key, HashMap<String, Key>>,
    pub(super) ready: HashMap<LaneId, BTreeSet<(i64, Key)>>,
    pub(super) leased: HashMap<SessionId, BTreeSet<Key>>,
    pub(super) due: BTreeSet<(Timestamp, Key)>,
    /// Who waits for a target, and for whom a waiter waits.
    pub(super) waiters: HashMap<Key, BTreeSet<Key>>,
    pub(super) targets: HashMap<Key, BTreeSet<Key>>,
    pub(super) steps: HashMap<Key, Vec<(String, Json)>>,
    /// In the order of seq.
    pub(super) events: VecDeque<Happening>,
    pub(super) logs: HashMap<Key, Vec<LogLine>>,
    pub(super) lanes: Vec<Lane>,
    pub(super) lane_ids: HashMap<Lane, LaneId>,
    pub(super) sessions: BTreeMap<SessionId, SessionRow>,
    pub(super) limits: BTreeMap<String, LimitRule>,
    pub(super) paused: BTreeSet<String>,
    pub(super) schedules: BTreeMap<String, Schedule>,
    pub(super) tokens: BTreeMap<TokenId, (Token, [u8; 32])>,
    pub(super) task_types: BTreeMap<String, AnnouncedType>,
    /// Starts of the last minute, of lanes with limit keys.
    pub(super) starts: VecDeque<(Timestamp, LaneId)>,
    /// Tokens that were spent in the last minute, by tasks of lanes with limit keys.
    pub(super) tokens_spent: VecDeque<(Timestamp, LaneId, u64)>,
    /// How many tasks are in each state, and what all have spent.
    pub(super) counts: BTreeMap<TaskState, u64>,
    pub(super) spent: Usage,
    /// What happened in the last minutes, by their numbers.
    pub(super) minutes: BTreeMap<i64, Tally>,
    pub(super) last_key: i64,
    pub(super) last_lease: i64,
    pub(super) last_seq: i64,
    pub(super) eligibility: Eligibility,
    pub(super) observed: Observed,
}

impl Shelf {
    pub(super) fn row(&self, key: Key) -> Option<&TaskRow> {
        self.shared(key).map(|row| &**row)
    }

    /// A task, to be shared.
    pub(super) fn shared(&self, key: Key) -> Option<&Arc<TaskRow>> {
        self.tasks.get(usize::try_from(key.0).ok()?)?.as_ref()
    }

    pub(super) fn by_id(&self, id: TaskId) -> Option<&TaskRow> {
        self.ids.get(&id).and_then(|key| self.row(*key))
    }

    pub(super) fn children_of(&self, key: Key) -> impl DoubleEndedIterator<Item = &TaskRow> {
        self.children
            .get(&key)
            .into_iter()
            .flatten()
            .filter_map(|key| self.row(*key))
    }

    pub(super) fn insert(&mut self, row: Arc<TaskRow>) {
        let key = row.key;
        self.ids.insert(row.id, key);
        if let Some(idempotency) = &row.spec.idempotency_key {
            self.idempotency.insert(idempotency.clone(), key);
        }
        if let Some(parent) = row.parent {
            self.children.entry(parent).or_default().push(key);
            if let Some(step) = &row.step {
                self.named.entry(parent).or_default().insert(step.clone(), key);
            }
        }
        self.index(&row);
        *self.counts.entry(row.state).or_default() += 1;
        self.spent += &row.usage;
        let place = key.0 as usize;
        if self.tasks.len() <= place {
            self.tasks.resize_with(place + 1, || None);
        }
        self.tasks[place] = Some(row);
    }

    pub(super) fn update(&mut self, row: Arc<TaskRow>) {
        let place = row.key.0 as usize;
        let Some(old) = self.tasks.get_mut(place).and_then(Option::take) else {
            return;
        };
        if old.state != row.state {
            self.leave(old.state);
            *self.counts.entry(row.state).or_default() += 1;
        }
        if old.usage != row.usage {
            self.spend(&old.usage, &row.usage);
        }
        if indexed(&old) != indexed(&row) {
            self.unindex(&old);
            self.index(&row);
        }
        self.tasks[place] = Some(row);
    }

    /// A task is in a state no more.
    fn leave(&mut self, state: TaskState) {
        if let Some(count) = self.counts.get_mut(&state) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&state);
            }
        }
    }

    /// A task has spent more than before.
    fn spend(&mut self, before: &Usage, now: &Usage) {
        self.spent += &Usage {
            input_tokens: now.input_tokens.saturating_sub(before.input_tokens),
            output_tokens: now.output_tokens.saturating_sub(before.output_tokens),
            cached_tokens: now.cached_tokens.saturating_sub(before.cached_tokens),
            cost_usd: Usd::from_nanos(now.cost_usd.as_nanos().saturating_sub(before.cost_usd.as_nanos())),
            wall_s: now.wall_s - before.wall_s,
        };
    }

    /// Remembers the starts of limited tasks for as long as a rule may ask for them.
    pub(super) fn count_start(&mut self, event: &EventRow) {
        let started = event.event.kind == EventType::TaskState && event.event.body.state == Some(TaskState::Running);
        let Some(row) = self.row(event.key).filter(|row| started && !row.spec.limits.is_empty()) else {
            return;
        };
        let lane = row.lane;
        self.starts.push_back((event.event.at, lane));
        let since = event.event.at.minus(START_WINDOW);
        while self.starts.front().is_some_and(|(at, _)| *at < since) {
            self.starts.pop_front();
        }
    }

    /// Remembers the tokens that limited tasks spent for as long as a rule may ask for them.
    pub(super) fn count_tokens(&mut self, event: &EventRow) {
        let at = event.event.at;
        let tokens = event.event.body.usage.as_ref().map_or(0, Usage::tokens);
        let Some(row) = self
            .row(event.key)
            .filter(|row| tokens > 0 && !row.spec.limits.is_empty())
        else {
            return;
        };
        let lane = row.lane;
        self.tokens_spent.push_back((at, lane, tokens));
        let since = at.minus(START_WINDOW);
        while self.tokens_spent.front().is_some_and(|(at, ..)| *at < since) {
            self.tokens_spent.pop_front();
        }
    }

    fn index(&mut self, row: &TaskRow) {
        if row.state == TaskState::Ready {
            self.ready.entry(row.lane).or_default().insert((row.rank, row.key));
        }
        if let (Some(session), true) = (row.session, row.lease.is_some()) {
            self.leased.entry(session).or_default().insert(row.key);
        }
        if let Some(at) = row.due_at() {
            self.due.insert((at, row.key));
        }
    }

    pub(super) fn unindex(&mut self, row: &TaskRow) {
        if row.state == TaskState::Ready
            && let Some(lane) = self.ready.get_mut(&row.lane)
        {
            lane.remove(&(row.rank, row.key));
        }
        if let (Some(session), true) = (row.session, row.lease.is_some())
            && let Some(held) = self.leased.get_mut(&session)
        {
            held.remove(&row.key);
            if held.is_empty() {
                self.leased.remove(&session);
            }
        }
        if let Some(at) = row.due_at() {
            self.due.remove(&(at, row.key));
        }
    }

    /// Forgets trees that ended long ago.
    /// Counts what happened.
    pub(super) fn tally(&mut self, events: &[EventRow]) {
        for row in events {
            let minute = throughput::minute(row.event.at);
            self.minutes.entry(minute).or_default().count(&row.event);
        }
        while self.minutes.len() > MINUTES {
            self.minutes.pop_first();
        }
    }

    pub(super) fn prune(&mut self, before: Timestamp, limit: usize) -> usize {
        let old: Vec<Key> = self
            .tasks
            .iter()
            .flatten()
            .filter(|row| row.parent.is_none() && row.finished_at.is_some_and(|at| at < before))
            .map(|row| row.key)
            .filter(|key| {
                self.below(*key)
                    .iter()
                    .all(|k| self.row(*k).is_some_and(|r| r.state.is_terminal()))
            })
            .take(limit)
            .collect();
        for root in &old {
            for key in self.below(*root).into_iter().chain([*root]) {
                self.forget(key);
            }
        }
        if !old.is_empty() {
            // What is left is added up anew: what was forgotten cannot be taken off without losing digits.
            self.spent = Usage::default();
            self.tasks.iter().flatten().for_each(|row| self.spent += &row.usage);
        }
        let tasks = &self.tasks;
        self.events
            .retain(|e| tasks.get(e.key.0 as usize).is_some_and(Option::is_some));
        old.len()
    }

    /// Every task below one, parents first.
    pub(super) fn below(&self, key: Key) -> Vec<Key> {
        let mut found = Vec::new();
        let mut level = vec![key];
        while !level.is_empty() {
            level = level
                .iter()
                .flat_map(|k| self.children.get(k).into_iter().flatten().copied())
                .collect();
            level.sort_unstable();
            found.extend(&level);
        }
        found
    }

    fn forget(&mut self, key: Key) {
        let Some(row) = self.tasks.get_mut(key.0 as usize).and_then(Option::take) else {
            return;
        };
        self.unindex(&row);
        self.leave(row.state);
        self.ids.remove(&row.id);
        if let Some(idempotency) = &row.spec.idempotency_key {
            self.idempotency.remove(idempotency);
        }
        self.children.remove(&key);
        self.named.remove(&key);
        self.steps.remove(&key);
        self.logs.remove(&key);
        for target in self.targets.remove(&key).unwrap_or_default() {
            if let Some(waiters) = self.waiters.get_mut(&target) {
                waiters.remove(&key);
            }
        }
        self.waiters.remove(&key);
    }
}

/// What the indexes depend on.
fn indexed(row: &TaskRow) -> impl PartialEq + use<> {
    (
        row.state,
        row.lane,
        row.rank,
        row.session,
        row.lease.is_some(),
        row.due_at(),
    )
}
