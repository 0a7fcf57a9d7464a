//! What happened to tasks, and what they have finished.

use std::collections::{BTreeSet, HashMap, HashSet};

use orchestrator_protocol::{Event, Json, LogLine, Seq, TaskId, Timestamp};
use sqlx::sqlite::SqliteRow;

use super::Reader;
use crate::store::{
    EventQuery, EventScope, History, LogQuery, StepRecord,
    error::StoreError,
    row::{Key, TaskRow},
    sqlite::{
        codec::{chunk, column, event},
        sql::numbers,
    },
    writer::codec::{damaged, event::Happening, kind_code},
};

/// How many events or lines are read when nobody says.
const PAGE: usize = 1000;

/// The rows that hold the events of the members after a place in the history: `1,seq,first,body`; and the members: `0,key`.
/// Its parameters are the task, whether those below it are members, and the place, twice.
///
/// Walks back from each member's newest event: a row's links say how far before an event its task's event before it is.
const WALK: &str = "with recursive member(key) as (select key from task where key=? union all \
    select t.key from member m join task t on t.parent=m.key where ?), \
    walk(row,previous) as (select e.seq,l.last_event-cast(substr(e.links,1+12*(l.last_event-e.first),12) as integer) \
    from member m join life l on l.key=m.key \
    join event e on e.seq=(select min(seq) from event where seq>=l.last_event) where l.last_event>? union all \
    select e.seq,w.previous-cast(substr(e.links,1+12*(w.previous-e.first),12) as integer) from walk w \
    join event e on e.seq=(select min(seq) from event where seq>=w.previous) where w.previous>?) \
    select 0,key,null,null from member union all \
    select 1,seq,first,body from event where seq in (select row from walk)";

/// How many rows of events are read at first; each holds one or some.
const ROWS: i64 = 8;

/// How many rows of events are read at once at the most.
const MOST_ROWS: i64 = 512;

fn limit(asked: usize) -> i64 {
    i64::try_from(if asked == 0 { PAGE } else { asked }).unwrap_or(i64::MAX)
}

/// Whether an event is asked for, by what it is.
fn wants(query: &EventQuery, event: &Happening) -> bool {
    event.seq > query.after && (query.types.is_empty() || query.types.contains(&event.kind))
}

impl Reader {
    pub(in crate::store::sqlite) async fn events(&self, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        let mut found = match query.scope {
            EventScope::All => self.all_events(query).await?,
            EventScope::Task(id) => self.events_of(id, false, query).await?,
            EventScope::Tree(id) => self.events_of(id, true, query).await?,
        };
        found.truncate(usize::try_from(limit(query.limit)).unwrap_or(usize::MAX));
        self.tell(found).await
    }

    /// What happened, at least as much as is asked for.
    async fn all_events(&self, query: &EventQuery) -> Result<Vec<Happening>, StoreError> {
        let wanted = limit(query.limit);
        let kinds = match &query.types[..] {
            [] => -1,
            types => chunk::kinds(types.iter().map(|kind| kind_code(*kind))),
        };
        let (mut after, mut count) = (query.after.0, ROWS);
        let mut found = Vec::new();
        loop {
            let sql = "select seq,first,body from event where seq>? and kinds&? order by seq limit ?";
            let rows = self.rows(sql, |args| {
                args.int(after);
                args.int(kinds);
                args.int(count);
            });
            let rows = rows.await?;
            for row in &rows {
                after = column(row, 0)?;
                found.extend(chunk::decode(row)?.into_iter().filter(|event| wants(query, event)));
            }
            if (rows.len() as i64) < count || found.len() as i64 >= wanted {
                return Ok(found);
            }
            count = MOST_ROWS.min(2 * count);
        }
    }

    /// What happened to a task, or to it and all below it.
    async fn events_of(&self, id: TaskId, with_below: bool, query: &EventQuery) -> Result<Vec<Happening>, StoreError> {
        let key = self.known_key(id).await?;
        let rows = self.rows(WALK, |args| {
            args.int(key.0);
            args.int(i64::from(with_below));
            args.int(query.after.0);
            args.int(query.after.0);
        });
        let rows = rows.await?;
        let (mut members, mut found) = (HashSet::new(), Vec::new());
        for row in &rows {
            if column::<i64>(row, 0)? == 0 {
                members.insert(Key(column(row, 1)?));
            }
        }
        for row in &rows {
            if column::<i64>(row, 0)? == 1 {
                let events = chunk::unpack(Seq(column(row, 2)?), column(row, 3)?)?.into_iter();
                found.extend(events.filter(|event| members.contains(&event.key) && wants(query, event)));
            }
        }
        found.sort_unstable_by_key(|event| event.seq);
        Ok(found)
    }

    /// Events with what their tasks tell of them. Those of tasks that have been forgotten meanwhile are left out.
    async fn tell(&self, events: Vec<Happening>) -> Result<Vec<Event>, StoreError> {
        let tasks: BTreeSet<Key> = events.iter().map(|event| event.key).collect();
        let list = numbers(tasks.iter().map(|key| key.0));
        let sql = format!("{}where t.key in (select value from json_each(?))", event::TELLER);
        let rows = self.rows(sql, |args| args.text(list)).await?;
        let tellers = rows.iter().map(event::Teller::decode);
        let tellers: HashMap<Key, event::Teller> = tellers.collect::<Result<_, _>>()?;
        let told = |event: Happening| Some(tellers.get(&event.key)?.tell(&event));
        events.into_iter().filter_map(told).collect()
    }

    pub(in crate::store::sqlite) async fn newest(&self) -> Result<Seq, StoreError> {
        let rows = self.rows("select coalesce(max(seq),0) from event", |_| {}).await?;
        rows.first().map_or(Ok(Seq(0)), |row| Ok(Seq(column(row, 0)?)))
    }

    pub(in crate::store::sqlite) async fn logs(&self, query: &LogQuery) -> Result<Vec<LogLine>, StoreError> {
        let key = self.known_key(query.task).await?;
        let sql = "select seq,at,stream,line from log where task=? and seq>? order by seq limit ?";
        let rows = self.rows(sql, |args| {
            args.int(key.0);
            args.int(query.after.0);
            args.int(limit(query.limit));
        });
        let line = |row: &SqliteRow| {
            Ok(LogLine {
                seq: Seq(column(row, 0)?),
                at: Timestamp::from_micros(column(row, 1)?),
                stream: column(row, 2)?,
                text: column(row, 3)?,
            })
        };
        rows.await?.iter().map(line).collect()
    }

    pub(in crate::store::sqlite) async fn history(&self, id: TaskId) -> Result<History, StoreError> {
        let row = self.known(id).await?;
        if !row.has_history {
            return Ok(History::default());
        }
        let sql = "select name,output from step where task=? order by id";
        let steps = self.rows(sql, |args| args.int(row.key.0)).await?;
        let step = |row: &SqliteRow| {
            Ok(StepRecord {
                name: column(row, 0)?,
                output: Json::parse(column::<&str>(row, 1)?).map_err(|e| damaged("step", e))?,
            })
        };
        let steps = steps.iter().map(step).collect::<Result<_, StoreError>>()?;
        let condition = "where t.parent=? and t.step is not null order by t.key";
        let children = self.tasks(condition, |args| args.int(row.key.0)).await?;
        let children = children.iter().filter(|child| !row.outlived(child));
        Ok(History {
            steps,
            children: children.map(TaskRow::to_settled).collect(),
        })
    }
}
