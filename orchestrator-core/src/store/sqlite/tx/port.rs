//! The row port, method by method.

use std::collections::{HashMap, HashSet};

use orchestrator_protocol::{Json, LeaseId, LimitRule, LogLine, Schedule, Seq, SessionId, TaskId, Timestamp, WorkerId};

use super::SqliteTx;
use crate::{
    domain::placement::Eligibility,
    store::{
        error::StoreError,
        row::{Key, Lane, LaneId, SessionRow, TaskRow},
        sqlite::{
            codec::{column, event::Happening, text},
            heads::Heads,
            sql::numbers,
        },
        tx::{EventRow, Tx},
    },
};

/// Keys as a JSON array.
fn keys_json(keys: &[Key]) -> String {
    numbers(keys.iter().map(|key| key.0))
}

/// Keys with names as a JSON array of pairs.
fn names_json(names: impl Iterator<Item = (Key, String)>) -> String {
    text(&names.map(|(key, name)| (key.0, name)).collect::<Vec<_>>())
}

/// Ids as a JSON array of hexadecimal texts.
fn ids_json(ids: impl Iterator<Item = uuid::Uuid>) -> String {
    text(&ids.map(|id| id.simple().to_string()).collect::<Vec<_>>())
}

fn hand_counts(rows: &[sqlx::sqlite::SqliteRow]) -> Result<Vec<(LaneId, u32)>, StoreError> {
    rows.iter()
        .map(|row| Ok((LaneId(column(row, 0)?), column::<i64>(row, 1)? as u32)))
        .collect()
}

impl SqliteTx<'_> {
    /// Reads the first tasks of lanes.
    async fn read_heads(&mut self, lanes: &[LaneId], depth: usize) -> Result<(), StoreError> {
        let sql = "select l.lane,l.rank,l.key from json_each(?) j join life l on l.key in \
                   (select key from life where lane=j.value and state=2 order by rank,key limit ?)";
        let list = numbers(lanes.iter().map(|lane| lane.0));
        let rows = self.see(sql, |args| {
            args.text(list);
            args.int(depth as i64);
        });
        let mut places: HashMap<LaneId, Vec<(i64, Key)>> = HashMap::new();
        for row in &rows.await? {
            let place = (column(row, 1)?, Key(column(row, 2)?));
            places.entry(LaneId(column(row, 0)?)).or_default().push(place);
        }
        for lane in lanes {
            let places = places.remove(lane).unwrap_or_default();
            let all = places.len() < depth;
            self.mirror.heads.learn(*lane, places.into_iter(), all);
        }
        Ok(())
    }
}

impl Tx for SqliteTx<'_> {
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

    async fn tasks(&mut self, ids: &[TaskId]) -> Result<Vec<TaskRow>, StoreError> {
        let missing: Vec<_> = ids.iter().filter(|id| self.cache.key(**id).is_none()).collect();
        if !missing.is_empty() {
            let list = ids_json(missing.into_iter().map(|id| id.as_uuid()));
            self.load("t.id in (select unhex(value) from json_each(?))", list)
                .await?;
        }
        let keys: Vec<Key> = ids.iter().filter_map(|id| self.cache.key(*id)).collect();
        self.by_key(&keys).await
    }

    async fn tasks_by_key(&mut self, keys: &[Key]) -> Result<Vec<TaskRow>, StoreError> {
        self.by_key(keys).await
    }

    async fn tasks_by_idempotency_key(&mut self, keys: &[String]) -> Result<Vec<TaskRow>, StoreError> {
        let sql = "select key from task where idempotency_key in (select value from json_each(?))";
        self.see_tasks(sql, |args| args.text(text(keys))).await
    }

    async fn children_named(&mut self, names: &[(Key, String)]) -> Result<Vec<TaskRow>, StoreError> {
        let sql = "select t.key from json_each(?) j join task t on t.parent=j.value->>0 and t.step=j.value->>1";
        let list = names_json(names.iter().cloned());
        self.see_tasks(sql, |args| args.text(list)).await
    }

    async fn unsettled_below(&mut self, keys: &[Key]) -> Result<Vec<TaskRow>, StoreError> {
        let sql = "with recursive below(key,top,depth) as (select t.key,j.key,1 from json_each(?) j \
                   join task t on t.parent=j.value union all \
                   select t.key,b.top,b.depth+1 from below b join task t on t.parent=b.key) \
                   select l.key from below b join life l on l.key=b.key where l.state<7 order by b.top,b.depth,l.key";
        self.see_tasks(sql, |args| args.text(keys_json(keys))).await
    }

    async fn ready(&mut self, lanes: &[LaneId], count: usize) -> Result<Vec<TaskRow>, StoreError> {
        let missing = self.mirror.heads.missing(lanes, count);
        if !missing.is_empty() {
            self.read_heads(&missing, Heads::depth(missing.len(), count)).await?;
        }
        let keys = self.mirror.heads.first(lanes, count);
        self.by_key(&keys).await
    }

    async fn leases_by_lane(&mut self) -> Result<Vec<(LaneId, u32)>, StoreError> {
        let sql = "select lane,count(*) from life where state=3 group by lane";
        hand_counts(&self.see(sql, |_| {}).await?)
    }

    async fn starts_since(&mut self, lanes: &[LaneId], since: Timestamp) -> Result<Vec<(LaneId, u32)>, StoreError> {
        let sql = "select lane,sum(n) from start where lane in (select value from json_each(?)) and at>? group by lane";
        let lanes = numbers(lanes.iter().map(|lane| lane.0));
        let rows = self.see(sql, |args| {
            args.text(lanes);
            args.int(since.as_micros());
        });
        hand_counts(&rows.await?)
    }

    async fn leased_by(&mut self, sessions: &[SessionId]) -> Result<Vec<TaskRow>, StoreError> {
        let sql = "select l.key from json_each(?) j join life l on l.session=unhex(j.value) and l.state=3 \
                   order by j.key,l.key";
        let list = ids_json(sessions.iter().map(|id| id.as_uuid()));
        self.see_tasks(sql, |args| args.text(list)).await
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<TaskRow>, StoreError> {
        let sql = "select key from due where at<=? order by at,key limit ?";
        self.see_tasks(sql, |args| {
            args.int(now.as_micros());
            args.int(i64::try_from(limit).unwrap_or(i64::MAX));
        })
        .await
    }

    async fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let rows = self.see("select min(at) from due", |_| {}).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(column::<Option<i64>>(row, 0)?.map(Timestamp::from_micros))
    }

    async fn queued_in_groups(&mut self, groups: &[(Key, String, usize)]) -> Result<Vec<TaskRow>, StoreError> {
        let sql = "select t.key,t.parent,t.place_group from json_each(?) j \
                   join task t on t.parent=j.value->>0 and t.place_group=j.value->>1 join life l on l.key=t.key \
                   where t.place_group is not null and l.queued and l.state<7 order by t.key";
        let list = names_json(groups.iter().map(|(key, name, _)| (*key, name.clone())));
        let rows = self.see(sql, |args| args.text(list)).await?;
        let mut left: HashMap<(i64, &str), usize> = groups
            .iter()
            .map(|(key, name, count)| ((key.0, name.as_str()), *count))
            .collect();
        let mut keys = Vec::new();
        for row in &rows {
            let group: (i64, &str) = (column(row, 1)?, column(row, 2)?);
            if let Some(left) = left.get_mut(&group).filter(|left| **left > 0) {
                *left -= 1;
                keys.push(Key(column(row, 0)?));
            }
        }
        self.by_key(&keys).await
    }

    async fn places_taken(&mut self, groups: &[(Key, String)]) -> Result<Vec<(Key, String, usize)>, StoreError> {
        let sql = "select j.key,(select count(*) from task t join life l on l.key=t.key \
                   where t.parent=j.value->>0 and t.place_group=j.value->>1 and t.place_group is not null \
                   and not l.queued and l.state<7) from json_each(?) j";
        let list = names_json(groups.iter().cloned());
        let mut taken = Vec::with_capacity(groups.len());
        for row in &self.see(sql, |args| args.text(list)).await? {
            let (key, name) = &groups[column::<i64>(row, 0)? as usize];
            taken.push((*key, name.clone(), column::<i64>(row, 1)? as usize));
        }
        Ok(taken)
    }

    async fn waiters(&mut self, targets: &[Key]) -> Result<Vec<(Key, Key)>, StoreError> {
        let sql = "select e.target,e.waiter from json_each(?) j join edge e on e.target=j.value \
                   order by j.key,e.waiter";
        let rows = self.see(sql, |args| args.text(keys_json(targets))).await?;
        rows.iter()
            .map(|row| Ok((Key(column(row, 0)?), Key(column(row, 1)?))))
            .collect()
    }

    async fn insert_edges(&mut self, edges: &[(Key, Key)]) -> Result<(), StoreError> {
        self.pending.edges.extend_from_slice(edges);
        Ok(())
    }

    async fn delete_edges_to(&mut self, targets: &[Key]) -> Result<(), StoreError> {
        let gone: HashSet<Key> = targets.iter().copied().collect();
        self.retain_edges(|(target, _)| !gone.contains(target));
        self.pending.edges_to_gone.extend_from_slice(targets);
        Ok(())
    }

    async fn delete_edges_of(&mut self, waiters: &[Key]) -> Result<(), StoreError> {
        let gone: HashSet<Key> = waiters.iter().copied().collect();
        self.retain_edges(|(_, waiter)| !gone.contains(waiter));
        self.pending.edges_of_gone.extend_from_slice(waiters);
        Ok(())
    }

    async fn insert_tasks(&mut self, rows: Vec<TaskRow>) -> Result<(), StoreError> {
        for row in rows {
            self.bear(row);
        }
        Ok(())
    }

    async fn update_tasks(&mut self, rows: Vec<TaskRow>) -> Result<(), StoreError> {
        rows.into_iter().try_for_each(|row| self.change(row))
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
        self.mirror.sessions.insert(session.id, session);
        Ok(())
    }

    async fn delete_sessions(&mut self, ids: &[SessionId]) -> Result<(), StoreError> {
        for id in ids {
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
        self.pending.schedules.push(schedule.name.clone());
        self.mirror.schedules.insert(schedule.name.clone(), schedule);
        Ok(())
    }
}

impl SqliteTx<'_> {
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
        let sql = "select task,name from step where task in (select value from json_each(?))";
        let rows = self.see(sql, |args| args.text(keys_json(&unknown))).await?;
        for key in unknown {
            if let Some(entry) = self.cache.get(key) {
                entry.steps = Some(HashSet::new());
            }
        }
        for row in &rows {
            let steps = self.cache.get(Key(column(row, 0)?)).and_then(|e| e.steps.as_mut());
            if let Some(steps) = steps {
                steps.insert(column(row, 1)?);
            }
        }
        Ok(())
    }
}
