//! Reading, on connections of its own: never in the writer's way, and never waiting for it.

mod detail;
mod history;
mod list;

use std::collections::{HashMap, HashSet};

use orchestrator_protocol::{
    Edge, LimitRule, Minute, Schedule, SessionId, Stats, Task, TaskId, TaskState, Timestamp, Token, Tree, Usage,
};
use sqlx::{AssertSqlSafe, Executor, SqlitePool, sqlite::SqliteRow};

use super::{
    codec::{self, column},
    fault,
    sql::Args,
    write::SPENT,
};
use crate::{
    domain::throughput,
    store::{
        AnnouncedType, SessionView, Settled,
        error::StoreError,
        row::{Key, TaskRow},
        tally::Tally,
        writer::codec::{Spent, parse, session, state_code, state_of, text},
    },
};

/// The connections that read.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pool: SqlitePool,
}

impl Reader {
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    async fn rows(&self, sql: impl Into<String>, bind: impl FnOnce(&mut Args)) -> Result<Vec<SqliteRow>, StoreError> {
        let mut args = Args::default();
        bind(&mut args);
        let query = sqlx::query_with(AssertSqlSafe(sql.into()), args.into_inner());
        self.pool.fetch_all(query).await.map_err(|e| fault::of(&e))
    }

    /// Tasks that a condition on `t` and `l` chooses.
    async fn tasks(&self, condition: &str, bind: impl FnOnce(&mut Args)) -> Result<Vec<TaskRow>, StoreError> {
        let rows = self.rows(format!("{}{condition}", codec::task::SELECT), bind).await?;
        rows.iter().map(codec::task::decode).collect()
    }

    async fn find(&self, id: TaskId) -> Result<Option<TaskRow>, StoreError> {
        let found = self.tasks("where t.id=?", |args| args.id(id.as_bytes())).await?;
        Ok(found.into_iter().next())
    }

    /// A task that must be there.
    async fn known(&self, id: TaskId) -> Result<TaskRow, StoreError> {
        self.find(id).await?.ok_or(StoreError::TaskNotFound(id))
    }

    /// The key of a task that must be there.
    async fn known_key(&self, id: TaskId) -> Result<Key, StoreError> {
        let rows = self
            .rows("select key from task where id=?", |args| args.id(id.as_bytes()))
            .await?;
        let row = rows.first().ok_or(StoreError::TaskNotFound(id))?;
        Ok(Key(column(row, 0)?))
    }

    pub(super) async fn get(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        Ok(self.find(id).await?.map(|row| row.to_task()))
    }

    /// A task and all below it, level by level.
    pub(super) async fn tree(&self, id: TaskId) -> Result<Tree, StoreError> {
        let condition = "join (with recursive below(key,depth) as (select key,0 from task where id=? union all \
                         select t.key,b.depth+1 from below b join task t on t.parent=b.key) select * from below) b \
                         on b.key=t.key order by b.depth,t.key";
        let rows = self.tasks(condition, |args| args.id(id.as_bytes())).await?;
        if rows.is_empty() {
            return Err(StoreError::TaskNotFound(id));
        }
        let tasks: Vec<Task> = rows.iter().map(TaskRow::to_task).collect();
        let here: HashSet<TaskId> = tasks.iter().map(|task| task.id).collect();
        let edges_of = |task: &Task| {
            let to = task.id;
            task.depends_on.clone().into_iter().map(move |from| Edge { from, to })
        };
        let edges = tasks.iter().flat_map(edges_of).filter(|edge| here.contains(&edge.from));
        Ok(Tree {
            edges: edges.collect(),
            tasks,
        })
    }

    pub(super) async fn results(&self, ids: Vec<TaskId>) -> Result<Vec<Settled>, StoreError> {
        let list = text(
            &ids.iter()
                .map(|id| id.as_uuid().simple().to_string())
                .collect::<Vec<_>>(),
        );
        let condition = "where t.id in (select unhex(value) from json_each(?))";
        let rows = self.tasks(condition, |args| args.text(list)).await?;
        let rows: HashMap<TaskId, TaskRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(ids
            .iter()
            .filter_map(|id| rows.get(id))
            .map(TaskRow::to_settled)
            .collect())
    }

    pub(super) async fn sessions(&self) -> Result<Vec<SessionView>, StoreError> {
        let sql = "select s.id,s.expires_at,s.body,coalesce(r.n,0) from session s left join \
                   (select l.session,count(*) n from running r join life l on l.key=r.key group by l.session) r \
                   on r.session=s.id order by s.id";
        let view = |row: &SqliteRow| {
            let id = SessionId::from_uuid(codec::uuid(column(row, 0)?)?);
            let session = session::decode(id, column(row, 1)?, column(row, 2)?)?;
            Ok(SessionView::new(session, column::<i64>(row, 3)? as u32))
        };
        self.rows(sql, |_| {}).await?.iter().map(view).collect()
    }

    pub(super) async fn stats(&self, now: Timestamp) -> Result<Stats, StoreError> {
        let sql = "select id,n from total";
        let mut stats = Stats::default();
        let mut spent = Spent(0, 0, 0, 0, 0.0);
        for row in &self.rows(sql, |_| {}).await? {
            let id: i64 = column(row, 0)?;
            // Seconds are a fraction, or a whole number that SQLite keeps as one; everything else is whole.
            let n = || column::<i64>(row, 1);
            match id - SPENT {
                0 => spent.0 = n()? as u64,
                1 => spent.1 = n()? as u64,
                2 => spent.2 = n()? as u64,
                3 => spent.3 = n()?,
                4 => spent.4 = column(row, 1)?,
                _ if n()? != 0 => {
                    stats.by_state.insert(state_of(id)?, n()? as u64);
                }
                _ => {}
            }
        }
        stats.usage = Usage::from(spent);
        stats.queues = throughput::queues(self.lines().await?, now);
        stats.oldest_ready_s = stats.queues.first().map(|queue| queue.oldest_s);
        stats.throughput = throughput::throughput(self.minutes(now).await?, now);
        Ok(stats)
    }

    /// The lines of lanes: each is found by its first task, past what stands in it.
    async fn lines(&self) -> Result<Vec<throughput::Line>, StoreError> {
        let sql = "with recursive queued(lane) as (select min(lane) from ready union all \
                   select (select min(lane) from ready where lane>queued.lane) from queued where lane is not null) \
                   select l.task_type,(select count(*) from (select 1 from ready where lane=q.lane limit ?)),\
                   (select created_at from task where key=\
                   (select key from ready where lane=q.lane order by rank,key limit 1)) \
                   from queued q join lane l on l.id=q.lane";
        let rows = self.rows(sql, |args| args.int(throughput::COUNTED as i64)).await?;
        let line = |row: &SqliteRow| {
            let ready: i64 = column(row, 1)?;
            Ok((column(row, 0)?, ready as u64, Timestamp::from_micros(column(row, 2)?)))
        };
        rows.iter().map(line).collect()
    }

    async fn minutes(&self, now: Timestamp) -> Result<Vec<Minute>, StoreError> {
        let sql = "select at,submitted,succeeded,failed,cancelled,tokens,cost from minute where at>? order by at";
        let told = throughput::minute(now.minus(throughput::TOLD));
        let rows = self.rows(sql, |args| args.int(told)).await?;
        let minute = |row: &SqliteRow| {
            let n = |at| column::<i64>(row, at).map(|n| n as u64);
            let tally = Tally {
                submitted: n(1)?,
                succeeded: n(2)?,
                failed: n(3)?,
                cancelled: n(4)?,
                tokens: n(5)?,
                cost: column(row, 6)?,
            };
            Ok(tally.in_minute(throughput::beginning(column(row, 0)?)))
        };
        rows.iter().map(minute).collect()
    }

    /// The roots of trees that ended before a moment.
    pub(super) async fn old(&self, before: Timestamp, limit: usize) -> Result<Vec<Key>, StoreError> {
        let rows = self.rows(super::prune::candidates(), |args| {
            args.int(before.as_micros());
            args.int(i64::try_from(limit).unwrap_or(i64::MAX));
        });
        rows.await?.iter().map(|row| column(row, 0).map(Key)).collect()
    }

    pub(super) async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        let rows = self.rows("select body from schedule order by name", |_| {}).await?;
        rows.iter().map(|row| parse("schedule", column(row, 0)?)).collect()
    }

    pub(super) async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let rows = self.rows("select body from token order by name,id", |_| {}).await?;
        rows.iter().map(|row| parse("token", column(row, 0)?)).collect()
    }

    pub(super) async fn token_by_digest(&self, digest: &[u8; 32]) -> Result<Option<Token>, StoreError> {
        let sql = "select body from token where digest=?";
        let rows = self.rows(sql, |args| args.digest(digest)).await?;
        rows.first().map(|row| parse("token", column(row, 0)?)).transpose()
    }

    pub(super) async fn task_types(&self, names: Option<Vec<String>>) -> Result<Vec<AnnouncedType>, StoreError> {
        const SELECT: &str = "select name,input_schema,announced_at from task_type";
        let rows = match names {
            Some(names) => {
                let sql = format!("{SELECT} where name in (select value from json_each(?)) order by name");
                self.rows(sql, |args| args.text(text(&names))).await?
            }
            None => self.rows(format!("{SELECT} order by name"), |_| {}).await?,
        };
        rows.iter()
            .map(|row| {
                let schema: Option<String> = column(row, 1)?;
                Ok(AnnouncedType {
                    name: column(row, 0)?,
                    input_schema: schema.map(|schema| parse("input schema", &schema)).transpose()?,
                    announced_at: Timestamp::from_micros(column(row, 2)?),
                })
            })
            .collect()
    }

    pub(super) async fn limits(&self) -> Result<Vec<(String, LimitRule)>, StoreError> {
        let rows = self
            .rows("select key,rule from limit_rule order by key", |_| {})
            .await?;
        rows.iter()
            .map(|row| Ok((column(row, 0)?, parse("limit", column(row, 1)?)?)))
            .collect()
    }
}

/// A state as SQL compares it.
fn is_state(state: TaskState) -> i64 {
    state_code(state)
}
