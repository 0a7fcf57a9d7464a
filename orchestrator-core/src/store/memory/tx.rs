//! The row port over the shelf.

use std::{collections::HashMap, sync::Arc};

use orchestrator_protocol::{Json, LeaseId, LimitRule, LogLine, Schedule, Seq, SessionId, TaskId, Timestamp, WorkerId};

use super::{happening::Happening, shelf::Shelf};
use crate::{
    domain::placement::{Eligibility, record::Observed},
    store::{
        error::StoreError,
        row::{Key, Lane, LaneId, SessionRow, Standing, TaskRow},
        tx::{EventRow, Tx},
    },
};

/// Hands out `count` numbers after the last one.
fn hand_out(last: &mut i64, count: usize) -> i64 {
    let first = *last + 1;
    *last += count as i64;
    first
}

impl Tx for Shelf {
    fn next_keys(&mut self, count: usize) -> Key {
        Key(hand_out(&mut self.last_key, count))
    }

    fn next_leases(&mut self, count: usize) -> LeaseId {
        LeaseId(hand_out(&mut self.last_lease, count))
    }

    fn next_seqs(&mut self, count: usize) -> Seq {
        Seq(hand_out(&mut self.last_seq, count))
    }

    fn last_seq(&self) -> Seq {
        Seq(self.last_seq)
    }

    fn eligibility(&mut self) -> &mut Eligibility {
        &mut self.eligibility
    }

    fn observed(&mut self) -> &mut Observed {
        &mut self.observed
    }

    async fn lane(&mut self, lane: &Lane) -> Result<LaneId, StoreError> {
        if let Some(id) = self.lane_ids.get(lane) {
            return Ok(*id);
        }
        let id = LaneId(self.lanes.len() as i64);
        self.lanes.push(lane.clone());
        self.lane_ids.insert(lane.clone(), id);
        Ok(id)
    }

    async fn lanes_from(&mut self, first: LaneId) -> Result<Vec<(LaneId, Lane)>, StoreError> {
        let first = first.0 as usize;
        let lanes = self.lanes.iter().enumerate().skip(first);
        Ok(lanes.map(|(i, lane)| (LaneId(i as i64), lane.clone())).collect())
    }

    async fn tasks(&mut self, ids: &[TaskId]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        Ok(ids
            .iter()
            .filter_map(|id| self.shared(*self.ids.get(id)?).cloned())
            .collect())
    }

    async fn tasks_by_key(&mut self, keys: &[Key]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        Ok(keys.iter().filter_map(|key| self.shared(*key).cloned()).collect())
    }

    async fn tasks_by_idempotency_key(&mut self, keys: &[String]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        let found = keys.iter().filter_map(|key| self.idempotency.get(key));
        Ok(found.filter_map(|key| self.shared(*key).cloned()).collect())
    }

    async fn children_named(&mut self, names: &[(Key, String)]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        let found = names
            .iter()
            .filter_map(|(parent, name)| self.named.get(parent)?.get(name));
        Ok(found.filter_map(|key| self.shared(*key).cloned()).collect())
    }

    async fn unsettled_below(&mut self, keys: &[Key]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        let below = keys.iter().flat_map(|key| self.below(*key));
        Ok(below
            .filter_map(|key| self.shared(key))
            .filter(|row| !row.state.is_terminal())
            .cloned()
            .collect())
    }

    async fn ready(&mut self, lanes: &[LaneId], count: usize) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        let mut rows = Vec::new();
        for lane in lanes {
            let Some(ready) = self.ready.get(lane) else { continue };
            rows.extend(
                ready
                    .iter()
                    .take(count)
                    .filter_map(|(_, key)| self.shared(*key).cloned()),
            );
        }
        Ok(rows)
    }

    async fn leases_by_lane(&mut self) -> Result<Vec<(LaneId, u32)>, StoreError> {
        let mut counts: HashMap<LaneId, u32> = HashMap::new();
        for row in self.leased.values().flatten().filter_map(|key| self.row(*key)) {
            *counts.entry(row.lane).or_default() += 1;
        }
        Ok(counts.into_iter().collect())
    }

    async fn starts_since(&mut self, lanes: &[LaneId], since: Timestamp) -> Result<Vec<(LaneId, u32)>, StoreError> {
        let mut counts: HashMap<LaneId, u32> = HashMap::new();
        for (_, lane) in self
            .starts
            .iter()
            .filter(|(at, lane)| *at > since && lanes.contains(lane))
        {
            *counts.entry(*lane).or_default() += 1;
        }
        Ok(counts.into_iter().collect())
    }

    async fn tokens_since(&mut self, lanes: &[LaneId], since: Timestamp) -> Result<Vec<(LaneId, u64)>, StoreError> {
        let mut counts: HashMap<LaneId, u64> = HashMap::new();
        let spent = self.tokens_spent.iter();
        for (_, lane, n) in spent.filter(|(at, lane, _)| *at > since && lanes.contains(lane)) {
            *counts.entry(*lane).or_default() += n;
        }
        Ok(counts.into_iter().collect())
    }

    async fn leased_by(&mut self, sessions: &[SessionId]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        let keys = sessions.iter().filter_map(|session| self.leased.get(session)).flatten();
        Ok(keys.filter_map(|key| self.shared(*key).cloned()).collect())
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        let due = self.due.iter().take_while(|(at, _)| *at <= now).take(limit);
        Ok(due.filter_map(|(_, key)| self.shared(*key).cloned()).collect())
    }

    async fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.due.first().map(|(at, _)| *at))
    }

    async fn queued_in_groups(&mut self, groups: &[(Key, String, usize)]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        let mut rows = Vec::new();
        for (parent, name, count) in groups {
            let queued = self.children_of(*parent).filter(|row| {
                row.queued && !row.state.is_terminal() && row.group.as_ref().is_some_and(|g| g.name == *name)
            });
            rows.extend(queued.take(*count).filter_map(|row| self.shared(row.key).cloned()));
        }
        Ok(rows)
    }

    async fn places_taken(&mut self, groups: &[(Key, String)]) -> Result<Vec<(Key, String, usize)>, StoreError> {
        let taken = |parent: Key, name: &str| {
            self.children_of(parent)
                .filter(|row| !row.queued && !row.state.is_terminal())
                .filter(|row| row.group.as_ref().is_some_and(|g| g.name == name))
                .count()
        };
        Ok(groups
            .iter()
            .map(|(parent, name)| (*parent, name.clone(), taken(*parent, name)))
            .collect())
    }

    async fn waiters(&mut self, targets: &[Key]) -> Result<Vec<(Key, Key)>, StoreError> {
        let edges = targets.iter().flat_map(|target| {
            self.waiters
                .get(target)
                .into_iter()
                .flatten()
                .map(|waiter| (*target, *waiter))
        });
        Ok(edges.collect())
    }

    async fn insert_edges(&mut self, edges: &[(Key, Key)]) -> Result<(), StoreError> {
        for (target, waiter) in edges {
            self.waiters.entry(*target).or_default().insert(*waiter);
            self.targets.entry(*waiter).or_default().insert(*target);
        }
        Ok(())
    }

    async fn delete_edges_to(&mut self, targets: &[Key]) -> Result<(), StoreError> {
        for target in targets {
            for waiter in self.waiters.remove(target).unwrap_or_default() {
                if let Some(targets) = self.targets.get_mut(&waiter) {
                    targets.remove(target);
                    if targets.is_empty() {
                        self.targets.remove(&waiter);
                    }
                }
            }
        }
        Ok(())
    }

    async fn delete_edges_of(&mut self, waiters: &[Key]) -> Result<(), StoreError> {
        for waiter in waiters {
            for target in self.targets.remove(waiter).unwrap_or_default() {
                if let Some(waiters) = self.waiters.get_mut(&target) {
                    waiters.remove(waiter);
                    if waiters.is_empty() {
                        self.waiters.remove(&target);
                    }
                }
            }
        }
        Ok(())
    }

    async fn insert_tasks(&mut self, rows: Vec<Arc<TaskRow>>) -> Result<(), StoreError> {
        for row in rows {
            self.insert(row);
        }
        Ok(())
    }

    async fn update_tasks(&mut self, rows: Vec<Arc<TaskRow>>) -> Result<(), StoreError> {
        for row in rows {
            self.update(row);
        }
        Ok(())
    }

    async fn steps_named(&mut self, names: &[(Key, String)]) -> Result<Vec<(Key, String)>, StoreError> {
        let known = |key: &Key, name: &String| {
            self.steps
                .get(key)
                .is_some_and(|steps| steps.iter().any(|(n, _)| n == name))
        };
        Ok(names.iter().filter(|(key, name)| known(key, name)).cloned().collect())
    }

    async fn insert_steps(&mut self, steps: Vec<(Key, String, Json)>) -> Result<(), StoreError> {
        for (key, name, output) in steps {
            self.steps.entry(key).or_default().push((name, output));
        }
        Ok(())
    }

    async fn insert_events(&mut self, events: &[EventRow]) -> Result<(), StoreError> {
        self.events.extend(events.iter().map(Happening::of));
        self.tally(events);
        for event in events {
            self.count_start(event);
            self.count_tokens(event);
        }
        Ok(())
    }

    async fn insert_logs(&mut self, lines: Vec<(Key, LogLine)>) -> Result<(), StoreError> {
        for (key, line) in lines {
            self.logs.entry(key).or_default().push(line);
        }
        Ok(())
    }

    async fn sessions(&mut self, ids: &[SessionId]) -> Result<Vec<SessionRow>, StoreError> {
        Ok(ids.iter().filter_map(|id| self.sessions.get(id).cloned()).collect())
    }

    async fn every_session(&mut self) -> Result<Vec<SessionRow>, StoreError> {
        Ok(self.sessions.values().cloned().collect())
    }

    async fn standings(&mut self, sessions: &[SessionId]) -> Result<Vec<Standing>, StoreError> {
        let running = |id: &SessionId| self.leased.get(id).map_or(0, |held| held.len() as u32);
        let found = sessions.iter().filter_map(|id| self.sessions.get(id));
        Ok(found.map(|row| Standing::of(row, running(&row.id))).collect())
    }

    async fn sessions_of(&mut self, worker: WorkerId) -> Result<Vec<SessionRow>, StoreError> {
        let sessions = self.sessions.values();
        Ok(sessions.filter(|s| s.worker == worker).cloned().collect())
    }

    async fn expired_sessions(&mut self, now: Timestamp) -> Result<Vec<SessionRow>, StoreError> {
        Ok(self
            .sessions
            .values()
            .filter(|s| s.expires_at <= now)
            .cloned()
            .collect())
    }

    async fn next_expiry(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.sessions.values().map(|s| s.expires_at).min())
    }

    async fn put_session(&mut self, session: SessionRow) -> Result<(), StoreError> {
        self.sessions.insert(session.id, session);
        Ok(())
    }

    async fn delete_sessions(&mut self, ids: &[SessionId]) -> Result<(), StoreError> {
        for id in ids {
            self.sessions.remove(id);
        }
        Ok(())
    }

    async fn limit_rules(&mut self) -> Result<Vec<(String, LimitRule)>, StoreError> {
        Ok(self
            .limits
            .iter()
            .map(|(key, rule)| (key.clone(), rule.clone()))
            .collect())
    }

    async fn paused_queues(&mut self) -> Result<Vec<String>, StoreError> {
        Ok(self.paused.iter().cloned().collect())
    }

    async fn due_schedules(&mut self, now: Timestamp) -> Result<Vec<Schedule>, StoreError> {
        let due = |s: &&Schedule| !s.paused && s.next_at.is_some_and(|at| at <= now);
        Ok(self.schedules.values().filter(due).cloned().collect())
    }

    async fn next_schedule(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self
            .schedules
            .values()
            .filter(|s| !s.paused)
            .filter_map(|s| s.next_at)
            .min())
    }

    async fn update_schedule(&mut self, schedule: Schedule) -> Result<(), StoreError> {
        self.schedules.insert(schedule.name.clone(), schedule);
        Ok(())
    }
}
