//! Reading, on connections of its own: never in the writer's way, and never waiting for it.

mod asking;
mod detail;
mod history;
mod list;
mod lookup;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock},
    time::Duration,
};

use orchestrator_core::{
    domain::throughput,
    store::{
        AnnouncedType, SessionView, Settled, StoreError,
        row::{Key, TaskRow},
        tally::Tally,
        writer::codec::{Spent, parse, session, state_of},
    },
};
use orchestrator_protocol::{
    Edge, LimitRule, Minute, Schedule, SessionId, Stats, Task, TaskId, TaskState, Timestamp, Token, Tree, Usage,
};
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgArguments, PgRow},
};
use uuid::Uuid;

use self::{asking::Asking, lookup::Lookup};
use crate::{
    codec::{self, column},
    outbox, prune,
    words::told,
    writes::{add, keep},
};

/// Where the counts of what was spent begin among the totals, after those of the states.
const SPENT: usize = TaskState::ALL.len();

/// The sums of all totals as one array, and the same of each minute that is told.
static STATS: LazyLock<String> = LazyLock::new(|| {
    let sums = |from: usize, to: usize| -> String {
        let sums: Vec<String> = (from..=to).map(|i| format!("coalesce(sum(n[{i}]),0)")).collect();
        sums.join(",")
    };
    let all = "with counted as (select minute,n from total union all select minute,n from total_minute)";
    format!(
        "{all} select 0::bigint,array[{}] from counted union all \
         select minute,array[{}] from counted where minute>$1 group by minute order by 1",
        sums(1, SPENT + 5),
        sums(SPENT + 6, SPENT + 11),
    )
});

/// The lines of lanes. Which lanes have one is found by skipping from lane to lane, past what stands in them.
const LINES: &str = "with recursive queued(lane) as (\
    (select lane from life where state=2 order by lane limit 1) union all \
    select (select lane from life where state=2 and lane>q.lane order by lane limit 1) from queued q \
    where q.lane is not null) \
    select l.task_type,(select count(*) from (select 1 from life where state=2 and lane=q.lane limit $1) n),\
    (select t.created_at from life h join task t on t.key=h.key where h.state=2 and h.lane=q.lane \
    order by h.rank,h.key limit 1) \
    from queued q join lane l on l.id=q.lane";

/// The connections that read.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    asking: Asking,
    lookup: Arc<Lookup>,
}

impl Reader {
    /// Reads over these connections, and waits so long for an answer.
    pub(crate) fn new(pool: PgPool, patience: Duration) -> Self {
        let asking = Asking::new(pool, patience);
        Self {
            lookup: Lookup::new(asking.clone()),
            asking,
        }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.asking.pool()
    }

    async fn rows(
        &self,
        sql: impl Into<String>,
        bind: impl FnOnce(&mut PgArguments),
    ) -> Result<Vec<PgRow>, StoreError> {
        let mut args = PgArguments::default();
        bind(&mut args);
        let query = sqlx::query_with(AssertSqlSafe(sql.into()), args);
        self.asking.rows(query).await
    }

    /// Tasks that a condition on `t` and `l` chooses.
    async fn tasks(&self, condition: &str, bind: impl FnOnce(&mut PgArguments)) -> Result<Vec<TaskRow>, StoreError> {
        let rows = self.rows(format!("{}{condition}", codec::TASK), bind).await?;
        rows.iter().map(codec::task).collect()
    }

    async fn find(&self, id: TaskId) -> Result<Option<TaskRow>, StoreError> {
        let found = self.tasks("where t.id=$1", |args| add(args, id.as_uuid())).await?;
        Ok(found.into_iter().next())
    }

    /// A task that must be there.
    async fn known(&self, id: TaskId) -> Result<TaskRow, StoreError> {
        self.find(id).await?.ok_or(StoreError::TaskNotFound(id))
    }

    /// The key of a task that must be there.
    async fn known_key(&self, id: TaskId) -> Result<Key, StoreError> {
        let rows = self
            .rows("select key from task where id=$1", |args| add(args, id.as_uuid()))
            .await?;
        let row = rows.first().ok_or(StoreError::TaskNotFound(id))?;
        Ok(Key(column(row, 0)?))
    }

    pub(crate) async fn get(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        if let Some(row) = self.lookup.find(id).await? {
            return Ok(Some(row.to_task()));
        }
        if let Some(row) = self.left(id).await? {
            return Ok(Some(row.to_task()));
        }
        // It may have been taken in between the two looks.
        Ok(self.lookup.find(id).await?.map(|row| row.to_task()))
    }

    /// A task that another program has left, and that is not taken in yet.
    async fn left(&self, id: TaskId) -> Result<Option<TaskRow>, StoreError> {
        let rows = self.rows(outbox::LEFT, |args| add(args, id.as_uuid())).await?;
        rows.first().map(outbox::left).transpose()
    }

    /// A task and all below it, level by level.
    pub(crate) async fn tree(&self, id: TaskId) -> Result<Tree, StoreError> {
        // One value instead of a join: PostgreSQL takes a tree for far larger than it is, and would read all tasks.
        let condition = "where t.key=any(array(with recursive below(key) as (select key from task where id=$1 union all \
                         select t.key from below b cross join lateral (select key from task where parent=b.key offset 0) t) \
                         select key from below)) order by t.key";
        let mut rows = self.tasks(condition, |args| add(args, id.as_uuid())).await?;
        if rows.is_empty() {
            return Err(StoreError::TaskNotFound(id));
        }
        by_level(&mut rows);
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

    pub(crate) async fn results(&self, ids: Vec<TaskId>) -> Result<Vec<Settled>, StoreError> {
        let uuids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let rows = self.tasks("where t.id=any($1)", |args| add(args, uuids)).await?;
        let rows: HashMap<TaskId, TaskRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(ids
            .iter()
            .filter_map(|id| rows.get(id))
            .map(TaskRow::to_settled)
            .collect())
    }

    pub(crate) async fn sessions(&self) -> Result<Vec<SessionView>, StoreError> {
        let sql = "select id,expires_at,body,(select count(*) from life where state=3 and session=s.id) \
                   from session s order by id";
        let view = |row: &PgRow| {
            let id = SessionId::from_uuid(column(row, 0)?);
            let session = session::decode(id, column(row, 1)?, column(row, 2)?)?;
            Ok(SessionView::new(session, column::<i64>(row, 3)? as u32))
        };
        self.rows(sql, |_| {}).await?.iter().map(view).collect()
    }

    pub(crate) async fn stats(&self, now: Timestamp) -> Result<Stats, StoreError> {
        let mut stats = Stats::default();
        let told = throughput::minute(now.minus(throughput::TOLD));
        let rows = self.rows(STATS.as_str(), |args| add(args, told)).await?;
        let Some((sums, minutes)) = rows.split_first() else {
            return Ok(stats);
        };
        let totals: Vec<f64> = column(sums, 1)?;
        let (states, spent) = totals.split_at(SPENT);
        for (code, &n) in (0..).zip(states).filter(|(_, n)| **n > 0.0) {
            stats.by_state.insert(state_of(code)?, n as u64);
        }
        let spent = Spent(
            spent[0] as u64,
            spent[1] as u64,
            spent[2] as u64,
            spent[3] as i64,
            spent[4],
        );
        stats.usage = Usage::from(spent);
        let minutes = minutes.iter().map(minute).collect::<Result<_, _>>()?;
        stats.throughput = throughput::throughput(minutes, now);
        stats.queues = throughput::queues(self.lines().await?, now);
        stats.oldest_ready_s = stats.queues.first().map(|queue| queue.oldest_s);
        Ok(stats)
    }

    async fn lines(&self) -> Result<Vec<throughput::Line>, StoreError> {
        let rows = self.rows(LINES, |args| add(args, throughput::COUNTED as i64)).await?;
        let line = |row: &PgRow| {
            // Whatever was started since it was found is in no line any more.
            let Some(since) = column::<Option<i64>>(row, 2)? else {
                return Ok(None);
            };
            let ready: i64 = column(row, 1)?;
            Ok(Some((column(row, 0)?, ready as u64, Timestamp::from_micros(since))))
        };
        rows.iter().filter_map(|row| line(row).transpose()).collect()
    }

    /// The roots of trees that ended before a moment.
    pub(crate) async fn old(&self, before: Timestamp, limit: usize) -> Result<Vec<Key>, StoreError> {
        let rows = self.rows(prune::candidates(), |args| {
            add(args, before.as_micros());
            add(args, i64::try_from(limit).unwrap_or(i64::MAX));
        });
        rows.await?.iter().map(|row| column(row, 0).map(Key)).collect()
    }

    pub(crate) async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        let rows = self
            .rows("select body from schedule order by name collate \"C\"", |_| {})
            .await?;
        rows.iter().map(|row| parse("schedule", column(row, 0)?)).collect()
    }

    pub(crate) async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let sql = "select body from token order by name collate \"C\",id";
        let rows = self.rows(sql, |_| {}).await?;
        rows.iter().map(|row| parse("token", column(row, 0)?)).collect()
    }

    pub(crate) async fn token_by_digest(&self, digest: &[u8; 32]) -> Result<Option<Token>, StoreError> {
        let sql = "select body from token where digest=$1";
        let rows = self.rows(sql, |args| add(args, digest.to_vec())).await?;
        rows.first().map(|row| parse("token", column(row, 0)?)).transpose()
    }

    pub(crate) async fn task_types(&self, names: Option<Vec<String>>) -> Result<Vec<AnnouncedType>, StoreError> {
        let sql = "select name,input_schema,announced_at from task_type \
                   where $1::text[] is null or name=any($1) order by name collate \"C\"";
        let names: Option<Vec<String>> = names.map(|names| names.iter().map(|name| keep(name)).collect());
        let rows = self.rows(sql, |args| add(args, names)).await?;
        rows.iter()
            .map(|row| {
                let schema: Option<String> = column(row, 1)?;
                Ok(AnnouncedType {
                    name: told(column(row, 0)?),
                    input_schema: schema.map(|schema| parse("input schema", &told(schema))).transpose()?,
                    announced_at: Timestamp::from_micros(column(row, 2)?),
                })
            })
            .collect()
    }

    pub(crate) async fn limits(&self) -> Result<Vec<(String, LimitRule)>, StoreError> {
        let sql = "select key,rule from limit_rule order by key collate \"C\"";
        let rows = self.rows(sql, |_| {}).await?;
        rows.iter()
            .map(|row| Ok((told(column(row, 0)?), parse("limit", column(row, 1)?)?)))
            .collect()
    }
}

/// What happened in a minute, of its row of the counts.
fn minute(row: &PgRow) -> Result<Minute, StoreError> {
    let sums: Vec<f64> = column(row, 1)?;
    let n = |at: usize| sums.get(at).copied().unwrap_or(0.0);
    let tally = Tally {
        submitted: n(0) as u64,
        succeeded: n(1) as u64,
        failed: n(2) as u64,
        cancelled: n(3) as u64,
        tokens: n(4) as u64,
        cost: n(5) as i64,
    };
    Ok(tally.in_minute(throughput::beginning(column(row, 0)?)))
}

/// Brings a tree from the order of its keys into that of its levels. Parents were there before their children.
fn by_level(rows: &mut [TaskRow]) {
    let mut levels: HashMap<Key, usize> = HashMap::with_capacity(rows.len());
    for row in rows.iter() {
        let above = row.parent.and_then(|parent| levels.get(&parent));
        let level = above.map_or(0, |level| level + 1);
        levels.insert(row.key, level);
    }
    rows.sort_by_key(|row| levels[&row.key]);
}
