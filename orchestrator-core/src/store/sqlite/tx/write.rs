//! Writing what a transaction has gathered.

use orchestrator_protocol::Timestamp;

use super::SqliteTx;
use crate::{
    domain::limit::START_WINDOW,
    store::{
        row::{Key, LaneId},
        sqlite::{
            cache::{Entry, Unwritten},
            codec::{self, event, life, task, text},
            sql::{Cells, Insert, Script, numbers},
        },
    },
};

static INSERT_EDGE: Insert = Insert::new("insert or ignore into edge(target,waiter)", 2, "");
static INSERT_DUE: Insert = Insert::new("insert into due(at,key)", 2, "");
static INSERT_ASIDE: Insert = Insert::new("insert into aside(state,key)", 2, "");
static INSERT_LANE: Insert = Insert::new("insert into lane(id,task_type,body)", 3, "");
static ADD_START: Insert = Insert::new(
    "insert into start(lane,at,n)",
    3,
    " on conflict(lane,at) do update set n=n+excluded.n",
);
static PUT_SESSION: Insert = Insert::new("insert or replace into session(id,expires_at,body)", 3, "");
static PUT_SCHEDULE: Insert = Insert::new("insert or replace into schedule(id,name,body)", 3, "");

impl SqliteTx<'_> {
    /// The script that writes what is gathered, to be run next.
    pub(super) fn written(&mut self) -> Script {
        let mut script = Script::default();
        self.write_edges(&mut script);
        self.write_marks(&mut script);
        self.write_lanes(&mut script);
        self.write_tasks(&mut script);
        self.write_history(&mut script);
        self.write_counts(&mut script);
        self.write_workers(&mut script);
        script
    }

    fn write_edges(&mut self, script: &mut Script) {
        let to = std::mem::take(&mut self.pending.edges_to_gone);
        let of = std::mem::take(&mut self.pending.edges_of_gone);
        for (keys, sql) in [
            (to, "delete from edge where target in (select value from json_each(?))"),
            (of, "delete from edge where waiter in (select value from json_each(?))"),
        ] {
            if !keys.is_empty() {
                script.push(sql).text(numbers(keys.iter().map(|key| key.0)));
            }
        }
        let edges = std::mem::take(&mut self.pending.edges);
        script.insert(&INSERT_EDGE, &edges, |cells, (target, waiter)| {
            cells.int(target.0);
            cells.int(waiter.0);
        });
    }

    fn write_marks(&mut self, script: &mut Script) {
        let (due, past) = self.pending.due.take();
        let (aside, back) = self.pending.aside.take();
        if let Some(past) = past {
            let sql = "delete from due where (at,key) in (select value->>0,value->>1 from json_each(?))";
            script.push(sql).text(past);
        }
        if let Some(back) = back {
            let sql = "delete from aside where (state,key) in (select value->>0,value->>1 from json_each(?))";
            script.push(sql).text(back);
        }
        let bind = |cells: &mut Cells<'_>, (number, key): &(i64, Key)| {
            cells.int(*number);
            cells.int(key.0);
        };
        script.insert(&INSERT_DUE, &due, bind);
        script.insert(&INSERT_ASIDE, &aside, bind);
    }

    fn write_lanes(&mut self, script: &mut Script) {
        let new = std::mem::take(&mut self.pending.lanes);
        let mirror = &self.mirror;
        script.insert(&INSERT_LANE, &new, |cells, id| {
            let lane = mirror.lane(*id);
            cells.int(id.0);
            cells.opt_text(lane.map(|lane| lane.task_type.as_str()));
            cells.opt_text(lane.map(text));
        });
    }

    fn write_tasks(&mut self, script: &mut Script) {
        let keys = std::mem::take(&mut self.pending.tasks);
        let cache = &*self.cache;
        let entries: Vec<&Entry> = keys.iter().filter_map(|key| cache.peek(*key)).collect();
        let which = |wanted: fn(&Unwritten) -> bool| -> Vec<&Entry> {
            entries.iter().copied().filter(|e| wanted(&e.unwritten)).collect()
        };
        let born = which(|u| u.task);
        script.insert(&task::INSERT, &born, |cells, e| task::bind(cells, &e.row));
        let lives = which(|u| u.life);
        script.insert(&life::PUT, &lives, |cells, e| life::bind(cells, &e.row));
        let results = which(|u| u.result);
        script.insert(&task::PUT_RESULT, &results, |cells, e| task::bind_result(cells, &e.row));
        let ended = entries.iter().filter(|e| e.row.state.is_terminal());
        self.ended.extend(ended.map(|e| e.row.key));
        for key in keys {
            if let Some(entry) = self.cache.get(key) {
                entry.unwritten = Unwritten::default();
            }
        }
    }

    fn write_history(&mut self, script: &mut Script) {
        let events = std::mem::take(&mut self.pending.events);
        self.pending.starts.look(&events);
        script.insert(&event::INSERT, &events, event::bind);
        let steps = std::mem::take(&mut self.pending.steps);
        script.insert(&event::INSERT_STEP, &steps, event::bind_step);
        let logs = std::mem::take(&mut self.pending.logs);
        script.insert(&event::INSERT_LOG, &logs, event::bind_log);
    }

    fn write_counts(&mut self, script: &mut Script) {
        let mirror = &mut *self.mirror;
        let counters = [
            ("key", &mut mirror.keys),
            ("lease", &mut mirror.leases),
            ("seq", &mut mirror.seqs),
        ];
        for (name, counter) in counters {
            if let Some(reserved) = counter.written() {
                // Numbers beyond the last reservation are in use: it must be on the disk before they are told.
                self.must_sync = true;
                let args = script.push("update counter set reserved=? where name=?");
                args.int(reserved);
                args.text(name);
            }
        }
        if let Some(added) = self.pending.totals.take() {
            let sql = "update total set n=n+a.d from (select value->>0 id,value->>1 d from json_each(?)) a \
                       where total.id=a.id";
            script.push(sql).text(added);
        }
        let starts = self.pending.starts.take();
        if let Some(latest) = starts.iter().map(|(_, at, _)| *at).max() {
            let before = latest.minus(START_WINDOW);
            script.push("delete from start where at<?").int(before.as_micros());
        }
        let bind = |cells: &mut Cells<'_>, (lane, at, n): &(LaneId, Timestamp, u32)| {
            cells.int(lane.0);
            cells.int(at.as_micros());
            cells.int(i64::from(*n));
        };
        script.insert(&ADD_START, &starts, bind);
    }

    fn write_workers(&mut self, script: &mut Script) {
        let mut ids = std::mem::take(&mut self.pending.sessions);
        ids.sort_unstable();
        ids.dedup();
        for id in ids.iter().filter(|id| !self.mirror.sessions.contains_key(id)) {
            script.push("delete from session where id=?").id(id.as_bytes());
        }
        let sessions: Vec<_> = ids.iter().filter_map(|id| self.mirror.sessions.get(id)).collect();
        script.insert(&PUT_SESSION, &sessions, |cells, session| {
            cells.id(session.id.as_bytes());
            cells.int(session.expires_at.as_micros());
            cells.text(codec::session::encode(session));
        });
        let mut names = std::mem::take(&mut self.pending.schedules);
        names.sort_unstable();
        names.dedup();
        let schedules: Vec<_> = names
            .iter()
            .filter_map(|name| self.mirror.schedules.get(name))
            .collect();
        script.insert(&PUT_SCHEDULE, &schedules, |cells, schedule| {
            cells.id(schedule.id.as_bytes());
            cells.text(schedule.name.as_str());
            cells.text(text(*schedule));
        });
    }

    /// Keeps edges that are about to be written only where neither end is forgotten.
    pub(super) fn retain_edges(&mut self, keep: impl Fn(&(Key, Key)) -> bool) {
        self.pending.edges.retain(keep);
    }
}
