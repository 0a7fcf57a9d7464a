//! What happened to tasks, and what they have finished.

use orchestrator_protocol::{Event, Json, LogLine, Seq, TaskId, Timestamp};
use sqlx::sqlite::SqliteRow;

use super::Reader;
use crate::store::{
    EventQuery, EventScope, History, LogQuery, StepRecord,
    error::StoreError,
    row::TaskRow,
    sqlite::{
        codec::{column, event},
        sql::numbers,
    },
    writer::codec::{damaged, kind_code},
};

/// How many events or lines are read when nobody says.
const PAGE: usize = 1000;

/// Walks back from each task's newest event until the place that is asked for.
const WALK: &str = "join (with recursive member(key) as (select key from task where key=? union all \
    select t.key from member m join task t on t.parent=m.key where ?), \
    walk(seq,previous) as (select e.seq,e.previous from member m join life l on l.key=m.key \
    join event e on e.seq=l.last_event union all \
    select e.seq,e.previous from walk w join event e on e.seq=w.previous where w.seq>? and w.previous>0) \
    select seq from walk) w on w.seq=e.seq ";

fn limit(asked: usize) -> i64 {
    i64::try_from(if asked == 0 { PAGE } else { asked }).unwrap_or(i64::MAX)
}

impl Reader {
    pub(in crate::store::sqlite) async fn events(&self, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        let (walk, scope) = match query.scope {
            EventScope::All => ("", None),
            EventScope::Task(id) => (WALK, Some((self.known_key(id).await?, 0))),
            EventScope::Tree(id) => (WALK, Some((self.known_key(id).await?, 1))),
        };
        let types = if query.types.is_empty() {
            ""
        } else {
            "and e.kind in (select value from json_each(?)) "
        };
        let sql = format!("{}{walk}where e.seq>? {types}order by e.seq limit ?", event::SELECT);
        let rows = self.rows(sql, |args| {
            if let Some((key, with_children)) = scope {
                args.int(key.0);
                args.int(with_children);
                args.int(query.after.0);
            }
            args.int(query.after.0);
            if !query.types.is_empty() {
                args.text(numbers(query.types.iter().map(|kind| kind_code(*kind))));
            }
            args.int(limit(query.limit));
        });
        rows.await?.iter().map(event::decode).collect()
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
