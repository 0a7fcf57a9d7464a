//! The row port, method by method.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use orchestrator_protocol::{
    Json, LeaseId, LimitRule, LogLine, Schedule, Seq, SessionId, TaskId, Timestamp, Usage, WorkerId,
};

use super::{WriterTx, ask};
use crate::{
    domain::placement::{Eligibility, record::Observed},
    store::{
        error::StoreError,
        ledger::Arrival,
        row::{Key, Lane, LaneId, SessionRow, Standing, TaskRow},
        tx::{EventRow, Tx},
        writer::{
            codec::event::Happening,
            disk::{Disk, Keys, Which},
            heads::Heads,
        },
    },
};

impl<D: Disk> WriterTx<'_, D> {
    /// Reads the first tasks of lanes.
    async fn read_heads(&mut self, lanes: &[LaneId], depth: usize) -> Result<(), StoreError> {
        let mut places: HashMap<LaneId, Vec<(i64, Key)>> = HashMap::new();
        for (lane, rank, key) in ask!(self.heads(lanes, depth))? {
            places.entry(lane).or_default().push((rank, key));
        }
        for lane in lanes {
            let places = places.remove(lane).unwrap_or_default();
            let all = places.len() < depth;
            self.mirror.heads.learn(*lane, places.into_iter(), all);
        }
        Ok(())
    }

    /// Sees to it that the names of all steps of these tasks are known. The tasks are in the cache.
    async fn load_steps(&mut self, keys: impl Iterator<Item = Key>) -> Result<(), StoreError> {
        let mut unknown: Vec<Key> = keys
            .filter(|key| self.cache.peek(*key).is_some_and(|e| e.steps.is_none()))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        unknown.sort_unstable();
        unknown.dedup();
        let names = ask!(self.step_names(&unknown))?;
        for key in unknown {
            if let Some(entry) = self.cache.get(key) {
                entry.steps = Some(HashSet::new());
            }
        }
        for (key, name) in names {
            let steps = self.cache.get(key).and_then(|e| e.steps.as_mut());
            if let Some(steps) = steps {
                steps.insert(name);
            }
        }
        Ok(())
    }
}

impl<D: Disk> Tx for WriterTx<'_, D> {
    fn next_keys(&mut self, count: usize) -> Key {
        Key(self.mirror.keys.take(count))
    }

    fn next_leases(&mut self, count: usize) -> LeaseId {
        LeaseId(self.mirror.leases.take(count))
    }

    fn next_seqs(&mut self, count: usize) -> Seq {
        Seq(self.mirror.seqs.take(count))
    }

    fn last_seq(&self) -> Seq {
        Seq(self.mirror.seqs.last())
    }

    fn eligibility(&mut self) -> &mut Eligibility {
        &mut self.mirror.eligibility
    }

    fn observed(&mut self) -> &mut Observed {
        self.observed
    }

    async fn lane(&mut self, lane: &Lane) -> Result<LaneId, StoreError> {
        if let Some(id) = self.mirror.lane_ids.get(lane) {
            return Ok(*id);
        }
        let id = self.mirror.add_lane(lane.clone());
        self.pending.lanes.push(id);
        Ok(id)
    }

    async fn lanes_from(&mut self, first: LaneId) -> Result<Vec<(LaneId, Lane)>, StoreError> {
        let lanes = &self.mirror.lanes;
        let at = lanes.partition_point(|(id, _)| *id < first);
        Ok(lanes[at..].to_vec())
    }

    async fn arrivals(&mut self, limit: usize) -> Result<Vec<Arrival>, StoreError> {
        if !D::HAS_OUTBOX {
            return Ok(Vec::new());
        }
        ask!(self.arrivals(limit))
    }

    async fn tasks(&mut self, ids: &[TaskId]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        let missing: Vec<TaskId> = ids
            .iter()
            .filter(|id| self.cache.key(**id).is_none())
            .copied()
            .collect();
        if !missing.is_empty() {
            self.load(Which::Ids(&missing)).await?;
        }
        let keys: Vec<Key> = ids.iter().filter_map(|id| self.cache.key(*id)).collect();
        self.by_key(&keys).await
    }

    async fn tasks_by_key(&mut self, keys: &[Key]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        self.by_key(keys).await
    }

    async fn tasks_by_idempotency_key(&mut self, keys: &[String]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        self.see_tasks(Keys::Idempotent(keys)).await
    }

    async fn children_named(&mut self, names: &[(Key, String)]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        self.see_tasks(Keys::Named(names)).await
    }

    async fn unsettled_below(&mut self, keys: &[Key]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        self.see_tasks(Keys::Below(keys)).await
    }

    async fn ready(&mut self, lanes: &[LaneId], count: usize) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        let missing = self.mirror.heads.missing(lanes, count);
        if !missing.is_empty() {
            self.read_heads(&missing, Heads::depth(missing.len(), count)).await?;
        }
        let keys = self.mirror.heads.first(lanes, count);
        self.by_key(&keys).await
    }

    async fn leases_by_lane(&mut self) -> Result<Vec<(LaneId, u32)>, StoreError> {
        if let Some(held) = &self.mirror.held {
            return Ok(held.by_lane());
        }
        ask!(self.running())
    }

    async fn starts_since(&mut self, lanes: &[LaneId], since: Timestamp) -> Result<Vec<(LaneId, u32)>, StoreError> {
        ask!(self.starts_since(lanes, since))
    }

    async fn tokens_since(&mut self, lanes: &[LaneId], since: Timestamp) -> Result<Vec<(LaneId, u64)>, StoreError> {
        ask!(self.tokens_since(lanes, since))
    }

    async fn leased_by(&mut self, sessions: &[SessionId]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        let Some(held) = &self.mirror.held else {
            return self.see_tasks(Keys::LeasedBy(sessions)).await;
        };
        let keys = held.of(sessions);
        self.by_key(&keys).await
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        self.see_tasks(Keys::Due(now, limit)).await
    }

    async fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        ask!(self.next_due())
    }

    async fn queued_in_groups(&mut self, groups: &[(Key, String, usize)]) -> Result<Vec<Arc<TaskRow>>, StoreError> {
        let names: Vec<(Key, String)> = groups.iter().map(|(key, name, _)| (*key, name.clone())).collect();
        let mut left: Vec<usize> = groups.iter().map(|(.., count)| *count).collect();
        let mut keys = Vec::new();
        for (key, group) in ask!(self.queued_in_groups(&names))? {
            if let Some(left) = left.get_mut(group).filter(|left| **left > 0) {
                *left -= 1;
                keys.push(key);
            }
        }
        self.by_key(&keys).await
    }

    async fn places_taken(&mut self, groups: &[(Key, String)]) -> Result<Vec<(Key, String, usize)>, StoreError> {
        let taken = ask!(self.places_taken(groups))?;
        Ok(taken
            .into_iter()
            .filter_map(|(group, count)| groups.get(group).map(|(key, name)| (*key, name.clone(), count)))
            .collect())
    }

    async fn waiters(&mut self, targets: &[Key]) -> Result<Vec<(Key, Key)>, StoreError> {
        ask!(self.waiters(targets))
    }

    async fn insert_edges(&mut self, edges: &[(Key, Key)]) -> Result<(), StoreError> {
        self.pending.edges.extend_from_slice(edges);
        Ok(())
    }

    async fn delete_edges_to(&mut self, targets: &[Key]) -> Result<(), StoreError> {
        let gone: HashSet<Key> = targets.iter().copied().collect();
        self.pending.edges.retain(|(target, _)| !gone.contains(target));
        self.pending.edges_to_gone.extend_from_slice(targets);
        Ok(())
    }

    async fn delete_edges_of(&mut self, waiters: &[Key]) -> Result<(), StoreError> {
        let gone: HashSet<Key> = waiters.iter().copied().collect();
        self.pending.edges.retain(|(_, waiter)| !gone.contains(waiter));
        self.pending.edges_of_gone.extend_from_slice(waiters);
        Ok(())
    }

    async fn insert_tasks(&mut self, rows: Vec<Arc<TaskRow>>) -> Result<(), StoreError> {
        for row in rows {
            self.bear(row);
        }
        Ok(())
    }

    async fn update_tasks(&mut self, rows: Vec<Arc<TaskRow>>) -> Result<(), StoreError> {
        rows.into_iter().try_for_each(|row| self.change(&row))
    }

    async fn steps_named(&mut self, names: &[(Key, String)]) -> Result<Vec<(Key, String)>, StoreError> {
        self.load_steps(names.iter().map(|(key, _)| *key)).await?;
        let known = |(key, name): &&(Key, String)| {
            let entry = self.cache.peek(*key);
            entry
                .and_then(|e| e.steps.as_ref())
                .is_some_and(|steps| steps.contains(name))
        };
        Ok(names.iter().filter(known).cloned().collect())
    }

    async fn insert_steps(&mut self, steps: Vec<(Key, String, Json)>) -> Result<(), StoreError> {
        for (key, name, _) in &steps {
            let known = self.cache.get(*key).and_then(|entry| entry.steps.as_mut());
            if let Some(known) = known {
                known.insert(name.clone());
            }
        }
        self.pending.steps.extend(steps);
        Ok(())
    }

    async fn insert_events(&mut self, events: &[EventRow]) -> Result<(), StoreError> {
        for row in events {
            self.latest = self.latest.max(row.event.at);
            self.pending.totals.happened(&row.event);
            let tokens = row.event.body.usage.as_ref().map_or(0, Usage::tokens);
            let entry = self.cache.peek(row.key).filter(|_| tokens > 0);
            if let Some(entry) = entry.filter(|entry| !entry.row.spec.limits.is_empty()) {
                *self.pending.tokens.entry((entry.row.lane, row.event.at)).or_default() += tokens;
            }
        }
        self.pending.events.extend(events.iter().map(Happening::from));
        Ok(())
    }

    async fn insert_logs(&mut self, lines: Vec<(Key, LogLine)>) -> Result<(), StoreError> {
        self.pending.logs.extend(lines);
        Ok(())
    }

    async fn sessions(&mut self, ids: &[SessionId]) -> Result<Vec<SessionRow>, StoreError> {
        let found = ids.iter().filter_map(|id| self.mirror.sessions.get(id));
        Ok(found.cloned().collect())
    }

    async fn every_session(&mut self) -> Result<Vec<SessionRow>, StoreError> {
        Ok(self.mirror.sessions.values().cloned().collect())
    }

    async fn standings(&mut self, sessions: &[SessionId]) -> Result<Vec<Standing>, StoreError> {
        if let Some(held) = &self.mirror.held {
            let found = sessions.iter().filter_map(|id| self.mirror.sessions.get(id));
            return Ok(found.map(|row| Standing::of(row, held.count(row.id))).collect());
        }
        let unknown = self.mirror.taken.unknown(sessions);
        if !unknown.is_empty() {
            let held = ask!(self.held(&unknown))?;
            self.mirror.taken.learn(&unknown, held);
        }
        let mirror = &*self.mirror;
        let found = sessions.iter().filter_map(|id| mirror.sessions.get(id));
        Ok(found.map(|row| Standing::of(row, mirror.taken.count(row.id))).collect())
    }

    async fn sessions_of(&mut self, worker: WorkerId) -> Result<Vec<SessionRow>, StoreError> {
        let sessions = self.mirror.sessions.values();
        Ok(sessions.filter(|s| s.worker == worker).cloned().collect())
    }

    async fn expired_sessions(&mut self, now: Timestamp) -> Result<Vec<SessionRow>, StoreError> {
        let sessions = self.mirror.sessions.values();
        Ok(sessions.filter(|s| s.expires_at <= now).cloned().collect())
    }

    async fn next_expiry(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.mirror.sessions.values().map(|s| s.expires_at).min())
    }

    async fn put_session(&mut self, session: SessionRow) -> Result<(), StoreError> {
        self.pending.sessions.push(session.id);
        let id = session.id;
        if self.mirror.sessions.insert(id, session).is_none() {
            // It is new, and holds nothing yet.
            self.mirror.taken.learn(&[id], Vec::new());
        }
        Ok(())
    }

    async fn delete_sessions(&mut self, ids: &[SessionId]) -> Result<(), StoreError> {
        for id in ids {
            self.mirror.taken.forget(*id);
            if self.mirror.sessions.remove(id).is_some() {
                self.pending.sessions.push(*id);
            }
        }
        Ok(())
    }

    async fn limit_rules(&mut self) -> Result<Vec<(String, LimitRule)>, StoreError> {
        let rules = self.mirror.limits.iter();
        Ok(rules.map(|(key, rule)| (key.clone(), rule.clone())).collect())
    }

    async fn paused_queues(&mut self) -> Result<Vec<String>, StoreError> {
        Ok(self.mirror.paused.iter().cloned().collect())
    }

    async fn due_schedules(&mut self, now: Timestamp) -> Result<Vec<Schedule>, StoreError> {
        let due = |s: &&Schedule| !s.paused && s.next_at.is_some_and(|at| at <= now);
        Ok(self.mirror.schedules.values().filter(due).cloned().collect())
    }

    async fn next_schedule(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let schedules = self.mirror.schedules.values().filter(|s| !s.paused);
        Ok(schedules.filter_map(|s| s.next_at).min())
    }

    async fn update_schedule(&mut self, schedule: Schedule) -> Result<(), StoreError> {
        self.pending.settings.schedules.push(schedule.clone());
        self.mirror.schedules.insert(schedule.name.clone(), schedule);
        Ok(())
    }
}
