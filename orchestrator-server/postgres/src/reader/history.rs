//! What happened to tasks, and what they have finished.

use orchestrator_core::store::{
    EventQuery, EventScope, History, LogQuery, StepRecord, StoreError,
    row::TaskRow,
    writer::codec::{damaged, kind_code},
};
use orchestrator_protocol::{Event, Json, LogLine, Seq, TaskId, Timestamp};
use sqlx::postgres::PgRow;

use super::Reader;
use crate::{
    codec::{self, column},
    words::told,
    writes::add,
};

/// How many events or lines are read when nobody says.
const PAGE: usize = 1000;

/// The places of events of a task ($3), and of all below it ($4): walks back from each task's newest event until the place
/// that is asked for. PostgreSQL takes a walk for a thousand times as long as it is, and would rather read all there is: so
/// each step is a look of its own, and what was found is one value.
fn walk(types: &str) -> String {
    format!(
        "e.seq=any(array(with recursive member(key) as (select $3::bigint union all \
         select t.key from member m cross join lateral (select key from task where parent=m.key offset 0) t where $4), \
         walk(seq,previous,kind) as (select e.seq,e.previous,e.kind from member m \
         cross join lateral (select last_event from life where key=m.key limit 1) l \
         cross join lateral (select seq,previous,kind from event where seq=l.last_event limit 1) e union all \
         select e.seq,e.previous,e.kind from walk w \
         cross join lateral (select seq,previous,kind from event where seq=w.previous limit 1) e \
         where w.seq>$1 and w.previous>0) \
         select e.seq from walk e where e.seq>$1 {types}order by e.seq limit $2)) order by e.seq"
    )
}

fn limit(asked: usize) -> i64 {
    i64::try_from(if asked == 0 { PAGE } else { asked }).unwrap_or(i64::MAX)
}

impl Reader {
    pub(crate) async fn events(&self, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        let scope = match query.scope {
            EventScope::All => None,
            EventScope::Task(id) => Some((self.known_key(id).await?, false)),
            EventScope::Tree(id) => Some((self.known_key(id).await?, true)),
        };
        let types = match (query.types.is_empty(), scope.is_some()) {
            (true, _) => "",
            (false, true) => "and e.kind=any($5) ",
            (false, false) => "and e.kind=any($3) ",
        };
        let which = match scope {
            Some(_) => walk(types),
            None => format!("e.seq>$1 {types}order by e.seq limit $2"),
        };
        let sql = format!("{}where {which}", codec::EVENT);
        let rows = self.rows(sql, |args| {
            add(args, query.after.0);
            add(args, limit(query.limit));
            if let Some((key, with_children)) = scope {
                add(args, key.0);
                add(args, with_children);
            }
            if !query.types.is_empty() {
                let kinds: Vec<i16> = query.types.iter().map(|kind| kind_code(*kind) as i16).collect();
                add(args, kinds);
            }
        });
        rows.await?.iter().map(codec::event).collect()
    }

    pub(crate) async fn newest(&self) -> Result<Seq, StoreError> {
        let rows = self.rows("select coalesce(max(seq),0) from event", |_| {}).await?;
        rows.first().map_or(Ok(Seq(0)), |row| Ok(Seq(column(row, 0)?)))
    }

    pub(crate) async fn logs(&self, query: &LogQuery) -> Result<Vec<LogLine>, StoreError> {
        let key = self.known_key(query.task).await?;
        let sql = "select seq,at,stream,line from log where task=$1 and seq>$2 order by seq limit $3";
        let rows = self.rows(sql, |args| {
            add(args, key.0);
            add(args, query.after.0);
            add(args, limit(query.limit));
        });
        let line = |row: &PgRow| {
            Ok(LogLine {
                seq: Seq(column(row, 0)?),
                at: Timestamp::from_micros(column(row, 1)?),
                stream: told(column(row, 2)?),
                text: String::from_utf8(column(row, 3)?).map_err(|e| damaged("line", e))?,
            })
        };
        rows.await?.iter().map(line).collect()
    }

    pub(crate) async fn history(&self, id: TaskId) -> Result<History, StoreError> {
        let row = self.known(id).await?;
        if !row.has_history {
            return Ok(History::default());
        }
        let sql = "select name,output from step where task=$1 order by id";
        let steps = self.rows(sql, |args| add(args, row.key.0)).await?;
        let step = |row: &PgRow| {
            Ok(StepRecord {
                name: told(column(row, 0)?),
                output: Json::parse(column::<&str>(row, 1)?).map_err(|e| damaged("step", e))?,
            })
        };
        let steps = steps.iter().map(step).collect::<Result<_, StoreError>>()?;
        let condition = "where t.parent=$1 and t.step is not null order by t.key";
        let children = self.tasks(condition, |args| add(args, row.key.0)).await?;
        let children = children.iter().filter(|child| !row.outlived(child));
        Ok(History {
            steps,
            children: children.map(TaskRow::to_settled).collect(),
        })
    }
}
