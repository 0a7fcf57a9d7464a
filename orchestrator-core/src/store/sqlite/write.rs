//! Writing what a transaction has gathered.

use orchestrator_protocol::{Json, Timestamp};

use super::{
    codec::{chunk, event, life, task},
    sql::{Cells, Insert, Script, numbers},
};
use crate::{
    domain::{limit::START_WINDOW, throughput},
    store::{
        row::{Key, Lane, LaneId, SessionRow, TaskRow},
        tally::Tally,
        writer::{
            Changes, Numbers, Settings, Totals,
            codec::{Spent, session, text},
        },
    },
};

static INSERT_EDGE: Insert = Insert::new("insert or ignore into edge(target,waiter)", 2, "");
static INSERT_DUE: Insert = Insert::new("insert into due(at,key)", 2, "");
static INSERT_ASIDE: Insert = Insert::new("insert into aside(state,key)", 2, "");
static INSERT_READY: Insert = Insert::new("insert into ready(lane,rank,key)", 3, "");
static INSERT_RUNNING: Insert = Insert::new("insert into running(key)", 1, "");
static INSERT_LANE: Insert = Insert::new("insert into lane(id,task_type,body)", 3, "");
static ADD_START: Insert = Insert::new(
    "insert into start(lane,at,n)",
    3,
    " on conflict(lane,at) do update set n=n+excluded.n",
);
static ADD_TOKENS: Insert = Insert::new(
    "insert into spent(lane,at,n)",
    3,
    " on conflict(lane,at) do update set n=n+excluded.n",
);
static PUT_SESSION: Insert = Insert::new("insert or replace into session(id,expires_at,body)", 3, "");

/// How many places of a lane are rather taken one by one.
const FEW: usize = 8;

/// Where the counts of what was spent begin among the totals, after those of the states.
pub(super) const SPENT: i64 = orchestrator_protocol::TaskState::ALL.len() as i64;

/// Adds the statements that write all this to a script.
pub(super) fn write(script: &mut Script, changes: Changes<'_>) {
    write_edges(script, &changes);
    write_marks(script, &changes);
    script.insert(&INSERT_LANE, &changes.lanes, |cells, (id, lane): &(LaneId, &Lane)| {
        cells.int(id.0);
        cells.text(lane.task_type.as_str());
        cells.text(text(*lane));
    });
    script.insert(&task::INSERT, &changes.born, |cells, row: &&TaskRow| {
        task::bind(cells, row);
    });
    write_lives(script, &changes);
    write_queue(script, &changes);
    script.insert(&task::PUT_RESULT, &changes.outcomes, |cells, row: &&TaskRow| {
        task::bind_result(cells, row);
    });
    let chunks = chunk::pack(&changes.events);
    script.insert(&chunk::INSERT, &chunks, chunk::bind);
    script.insert(&event::INSERT_STEP, &changes.steps, event::bind_step);
    script.insert(&event::INSERT_LOG, &changes.logs, event::bind_log);
    write_numbers(script, changes.numbers);
    write_totals(script, &changes.totals);
    write_starts(script, &changes.starts);
    write_tokens(script, &changes.tokens);
    for id in &changes.sessions_gone {
        script.push("delete from session where id=?").id(id.as_bytes());
    }
    script.insert(&PUT_SESSION, &changes.sessions, |cells, session: &&SessionRow| {
        cells.id(session.id.as_bytes());
        cells.int(session.expires_at.as_micros());
        cells.text(session::encode(session));
    });
    write_settings(script, changes.settings);
}

fn write_edges(script: &mut Script, changes: &Changes<'_>) {
    for (keys, sql) in [
        (
            &changes.edges_to_gone,
            "delete from edge where target in (select value from json_each(?))",
        ),
        (
            &changes.edges_of_gone,
            "delete from edge where waiter in (select value from json_each(?))",
        ),
    ] {
        if !keys.is_empty() {
            script.push(sql).text(numbers(keys.iter().map(|key| key.0)));
        }
    }
    script.insert(&INSERT_EDGE, &changes.edges, |cells, (target, waiter)| {
        cells.int(target.0);
        cells.int(waiter.0);
    });
}

fn write_marks(script: &mut Script, changes: &Changes<'_>) {
    for (gone, sql) in [
        (
            &changes.due_gone,
            "delete from due where (at,key) in (select value->>0,value->>1 from json_each(?))",
        ),
        (
            &changes.aside_gone,
            "delete from aside where (state,key) in (select value->>0,value->>1 from json_each(?))",
        ),
    ] {
        if !gone.is_empty() {
            let gone: Vec<(i64, i64)> = gone.iter().map(|(number, key)| (*number, key.0)).collect();
            script.push(sql).text(text(&gone));
        }
    }
    let bind = |cells: &mut Cells<'_>, (number, key): &(i64, Key)| {
        cells.int(*number);
        cells.int(key.0);
    };
    script.insert(&INSERT_DUE, &changes.due, bind);
    script.insert(&INSERT_ASIDE, &changes.aside, bind);
}

/// What became of tasks. Those that are in the same state have most in common, so each state is a statement.
fn write_lives(script: &mut Script, changes: &Changes<'_>) {
    let mut lives = changes.lives.clone();
    lives.sort_by_key(|row| row.state);
    for lives in lives.chunk_by(|a, b| a.state == b.state) {
        script.insert(&life::PUT, lives, |cells, row: &&TaskRow| {
            life::bind(cells, row);
        });
    }
}

/// What is ready and what runs. What stops being so is mostly next to each other: then one statement takes it all.
fn write_queue(script: &mut Script, changes: &Changes<'_>) {
    let mut alone: Vec<(i64, i64, i64)> = Vec::new();
    for places in changes.ready_gone.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (lane, rank, first) = places[0];
        let last = places[places.len() - 1].2;
        let sql = match Stretch::of(first, last, places.len()) {
            _ if places.len() < FEW => None,
            Stretch::Whole => Some("delete from ready where lane=? and rank=? and key between ? and ?"),
            Stretch::Dense => Some(
                "delete from ready where lane=? and rank=? and key between ? and ? \
                 and not exists (select 1 from life l where l.key=ready.key and l.state=2 and l.rank=ready.rank)",
            ),
            Stretch::Thin => None,
        };
        if let Some(sql) = sql {
            let args = script.push(sql);
            for number in [lane.0, rank, first.0, last.0] {
                args.int(number);
            }
        } else {
            alone.extend(places.iter().map(|(lane, rank, key)| (lane.0, *rank, key.0)));
        }
    }
    if !alone.is_empty() {
        let sql = "delete from ready where (lane,rank,key) in \
                   (select value->>0,value->>1,value->>2 from json_each(?))";
        script.push(sql).text(text(&alone));
    }
    script.insert(&INSERT_READY, &changes.ready, |cells, (lane, rank, key)| {
        cells.int(lane.0);
        cells.int(*rank);
        cells.int(key.0);
    });
    write_running(script, changes);
}

fn write_running(script: &mut Script, changes: &Changes<'_>) {
    if let [first, .., last] | [first @ last] = &changes.running_gone[..] {
        let sql = match Stretch::of(*first, *last, changes.running_gone.len()) {
            Stretch::Whole => Some("delete from running where key between ? and ?"),
            Stretch::Dense => Some(
                "delete from running where key between ? and ? \
                 and not exists (select 1 from life l where l.key=running.key and l.state=3)",
            ),
            Stretch::Thin => None,
        };
        if let Some(sql) = sql {
            let args = script.push(sql);
            args.int(first.0);
            args.int(last.0);
        } else {
            let sql = "delete from running where key in (select value from json_each(?))";
            script
                .push(sql)
                .text(numbers(changes.running_gone.iter().map(|key| key.0)));
        }
    }
    match &changes.running[..] {
        [first, .., last] if Stretch::of(*first, *last, changes.running.len()) != Stretch::Thin => {
            let args = script
                .push("insert or ignore into running(key) select key from life where key between ? and ? and state=3");
            args.int(first.0);
            args.int(last.0);
        }
        new => script.insert(&INSERT_RUNNING, new, |cells, key| cells.int(key.0)),
    }
}

/// How keys fill the space between the first and the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stretch {
    /// All that can be there is meant.
    Whole,
    /// It is cheaper to look at all that is there than to name what is meant.
    Dense,
    /// Most that can be there is not meant.
    Thin,
}

impl Stretch {
    fn of(first: Key, last: Key, count: usize) -> Self {
        match last.0 - first.0 + 1 {
            room if room == count as i64 => Self::Whole,
            room if room <= 2 * count as i64 => Self::Dense,
            _ => Self::Thin,
        }
    }
}

fn write_numbers(script: &mut Script, numbers: Numbers) {
    for (name, counted) in [("key", numbers.keys), ("lease", numbers.leases), ("seq", numbers.seqs)] {
        if let Some(reserved) = counted.reserved {
            let args = script.push("update counter set reserved=? where name=?");
            args.int(reserved);
            args.text(name);
        }
    }
}

fn write_totals(script: &mut Script, totals: &Totals) {
    if totals.is_empty() {
        return;
    }
    write_minute(script, totals);
    let mut parts: Vec<String> = Vec::new();
    for (id, n) in totals.states.iter().enumerate().filter(|(_, n)| **n != 0) {
        parts.push(format!("[{id},{n}]"));
    }
    if let Some(Spent(input, output, cached, cost, wall)) = totals.spent {
        for (id, n) in (SPENT..).zip([input as i64, output as i64, cached as i64, cost]) {
            if n != 0 {
                parts.push(format!("[{id},{n}]"));
            }
        }
        parts.push(format!("[{},{wall}]", SPENT + 4));
    }
    let sql = "update total set n=n+a.d from (select value->>0 id,value->>1 d from json_each(?)) a \
               where total.id=a.id";
    script.push(sql).text(format!("[{}]", parts.join(",")));
}

fn write_minute(script: &mut Script, totals: &Totals) {
    let Some(at) = totals.at else { return };
    if totals.tally == Tally::default() {
        return;
    }
    let args = script.push(
        "insert into minute(at,submitted,succeeded,failed,cancelled,tokens,cost) values(?,?,?,?,?,?,?) \
         on conflict(at) do update set submitted=submitted+excluded.submitted,succeeded=succeeded+excluded.succeeded,\
         failed=failed+excluded.failed,cancelled=cancelled+excluded.cancelled,\
         tokens=tokens+excluded.tokens,cost=cost+excluded.cost",
    );
    let Tally {
        submitted,
        succeeded,
        failed,
        cancelled,
        tokens,
        cost,
    } = totals.tally;
    args.int(throughput::minute(at));
    for n in [submitted, succeeded, failed, cancelled, tokens] {
        args.int(i64::try_from(n).unwrap_or(i64::MAX));
    }
    args.int(cost);
}

fn write_starts(script: &mut Script, starts: &[(LaneId, Timestamp, u32)]) {
    if let Some(latest) = starts.iter().map(|(_, at, _)| *at).max() {
        let before = latest.minus(START_WINDOW);
        script.push("delete from start where at<?").int(before.as_micros());
    }
    script.insert(&ADD_START, starts, |cells, (lane, at, n)| {
        cells.int(lane.0);
        cells.int(at.as_micros());
        cells.int(i64::from(*n));
    });
}

fn write_tokens(script: &mut Script, tokens: &[((LaneId, Timestamp), u64)]) {
    if let Some(latest) = tokens.iter().map(|((_, at), _)| *at).max() {
        let before = latest.minus(START_WINDOW);
        script.push("delete from spent where at<?").int(before.as_micros());
    }
    script.insert(&ADD_TOKENS, tokens, |cells, ((lane, at), n)| {
        cells.int(lane.0);
        cells.int(at.as_micros());
        cells.int(i64::try_from(*n).unwrap_or(i64::MAX));
    });
}

/// These are rare, so each is a statement of its own.
fn write_settings(script: &mut Script, settings: Settings) {
    for schedule in &settings.schedules {
        let args = script.push("insert or replace into schedule(id,name,body) values (?,?,?)");
        args.id(schedule.id.as_bytes());
        args.text(schedule.name.as_str());
        args.text(text(schedule));
    }
    for id in &settings.schedules_gone {
        script.push("delete from schedule where id=?").id(id.as_bytes());
    }
    for (key, rule) in settings.limits {
        if let Some(rule) = rule {
            let args = script.push("insert or replace into limit_rule(key,rule) values (?,?)");
            args.text(key);
            args.text(text(&rule));
        } else {
            script.push("delete from limit_rule where key=?").text(key);
        }
    }
    for (queue, paused) in settings.queues {
        let sql = if paused {
            "insert or ignore into paused_queue(queue) values (?)"
        } else {
            "delete from paused_queue where queue=?"
        };
        script.push(sql).text(queue);
    }
    for (token, digest) in &settings.tokens {
        let args = script.push("insert or replace into token(id,digest,name,body) values (?,?,?,?)");
        args.id(token.id.as_bytes());
        args.digest(digest);
        args.text(token.name.as_str());
        args.text(text(token));
    }
    for id in &settings.tokens_gone {
        script.push("delete from token where id=?").id(id.as_bytes());
    }
    for said in settings.task_types.into_values() {
        let args = script.push("insert or replace into task_type(name,input_schema,announced_at) values (?,?,?)");
        args.text(said.name);
        args.opt_text(said.input_schema.as_ref().map(Json::get));
        args.int(said.announced_at.as_micros());
    }
}
