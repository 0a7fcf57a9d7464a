//! What there is to know about why a task is where it is.

use orchestrator_core::{
    domain::{budget, limit::START_WINDOW},
    store::{
        Facts, LimitUse, StoreError,
        row::{Hold, Key, TaskRow},
    },
};
use orchestrator_protocol::{TaskId, TaskState, Timestamp};

use super::Reader;
use crate::{
    codec::column,
    writes::{add, keep},
};

/// How many of the tasks that a task waits for are named.
const NAMED: i64 = 20;

/// How many ready tasks ahead of a task are counted.
const COUNTED: i64 = 1000;

impl Reader {
    pub(crate) async fn facts(&self, id: TaskId, now: Timestamp) -> Result<Option<Facts>, StoreError> {
        let Some(row) = self.find(id).await? else {
            return Ok(None);
        };
        let (waits_for_count, waits_for) = self.waits_for(row.key).await?;
        let paused = self.rows("select 1 from paused_queue where queue=$1", |args| {
            add(args, keep(&row.spec.queue));
        });
        let queue_paused = !paused.await?.is_empty();
        let spent_by = if row.held == Some(Hold::Budget) {
            self.spender(&row).await?
        } else {
            None
        };
        Ok(Some(Facts {
            task: row.to_task(),
            held: row.held,
            wake_at: row.wake_at,
            waits_for,
            waits_for_count,
            group_size: row.group.as_ref().filter(|_| row.queued).map(|g| g.size),
            queue_paused,
            ready_at: row.ready_at(),
            kept_by: row.kept_by(),
            limits: self.limits_of(&row, now).await?,
            sessions: self.sessions().await?,
            ahead: self.ahead(&row).await?,
            spent_by,
        }))
    }

    async fn waits_for(&self, key: Key) -> Result<(usize, Vec<(TaskId, String, TaskState)>), StoreError> {
        let sql = "select count(*) from edge where waiter=$1";
        let count = self.rows(sql, |args| add(args, key.0)).await?;
        let count = count.first().map_or(Ok(0), |row| column::<i64>(row, 0))? as usize;
        if count == 0 {
            return Ok((0, Vec::new()));
        }
        let condition =
            "where t.key in (select target from edge where waiter=$1 order by target limit $2) order by t.key";
        let rows = self.tasks(condition, |args| {
            add(args, key.0);
            add(args, NAMED);
        });
        let named = |row: TaskRow| {
            let name = row.step.unwrap_or_else(|| row.spec.task_type.clone());
            (row.id, name, row.state)
        };
        Ok((count, rows.await?.into_iter().map(named).collect()))
    }

    /// The rules of a task's limit keys, and what counts against each.
    async fn limits_of(&self, row: &TaskRow, now: Timestamp) -> Result<Vec<LimitUse>, StoreError> {
        let mut limits = Vec::new();
        let since = now.minus(START_WINDOW);
        if row.spec.limits.is_empty() {
            return Ok(limits);
        }
        for (key, rule) in self.limits().await? {
            if !row.spec.limits.contains(&key) {
                continue;
            }
            let sql = "with under as (select id from lane where exists \
                       (select 1 from json_array_elements_text(body::json->'limits') l(key) where l.key=$1)) \
                       select (select count(*) from life where state=3 and lane in (select id from under)),\
                       (select coalesce(sum(n),0)::bigint from start where at>$2 and lane in (select id from under)),\
                       (select coalesce(sum(n),0)::bigint from spent where at>$2 and lane in (select id from under))";
            let rows = self.rows(sql, |args| {
                add(args, key.clone());
                add(args, since.as_micros());
            });
            let rows = rows.await?;
            let count = |at| rows.first().map_or(Ok(0), |row| column::<i64>(row, at));
            limits.push(LimitUse {
                running: count(0)? as u32,
                started: count(1)? as u32,
                tokens: count(2)?.cast_unsigned(),
                key,
                rule,
            });
        }
        Ok(limits)
    }

    async fn ahead(&self, row: &TaskRow) -> Result<usize, StoreError> {
        if row.state != TaskState::Ready {
            return Ok(0);
        }
        let sql =
            "select count(*) from (select 1 from life where lane=$1 and state=2 and (rank,key)<($2,$3) limit $4) a";
        let rows = self.rows(sql, |args| {
            add(args, row.lane.0);
            add(args, row.rank);
            add(args, row.key.0);
            add(args, COUNTED);
        });
        let rows = rows.await?;
        rows.first().map_or(Ok(0), |row| Ok(column::<i64>(row, 0)? as usize))
    }

    /// The nearest task from this one up whose budget is spent.
    async fn spender(&self, row: &TaskRow) -> Result<Option<TaskId>, StoreError> {
        // Whoever is above was there before, so the nearest has the largest key.
        let condition = "where t.key=any(array(with recursive above(key,parent) as (select key,parent from task where key=$1 \
                         union all select t.key,t.parent from above a join task t on t.key=a.parent) \
                         select key from above)) order by t.key desc";
        let above = self.tasks(condition, |args| add(args, row.key.0)).await?;
        let spent = above.iter().find(|row| {
            let budget = row.spec.budget.as_ref();
            budget.is_some_and(|b| budget::is_spent(b, &row.tree_usage))
        });
        Ok(spent.map(|row| row.id))
    }
}
