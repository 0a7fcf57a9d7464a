//! What there is to know about why a task is where it is.

use orchestrator_protocol::{TaskId, TaskState, Timestamp};

use super::Reader;
use crate::{
    domain::{budget, limit::START_WINDOW},
    store::{
        Facts, LimitUse,
        error::StoreError,
        row::{Hold, Key, TaskRow},
        sqlite::codec::column,
    },
};

/// How many of the tasks that a task waits for are named.
const NAMED: usize = 20;

/// How many ready tasks ahead of a task are counted.
const COUNTED: i64 = 1000;

impl Reader {
    pub(in crate::store::sqlite) async fn facts(
        &self,
        id: TaskId,
        now: Timestamp,
    ) -> Result<Option<Facts>, StoreError> {
        let Some(row) = self.find(id).await? else {
            return Ok(None);
        };
        let (waits_for_count, waits_for) = self.waits_for(row.key).await?;
        let paused = self.rows("select 1 from paused_queue where queue=?", |args| {
            args.text(row.spec.queue.as_str());
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
        let count = self
            .rows("select count(*) from edge where waiter=?", |args| args.int(key.0))
            .await?;
        let count = count.first().map_or(Ok(0), |row| column::<i64>(row, 0))? as usize;
        if count == 0 {
            return Ok((0, Vec::new()));
        }
        let condition =
            "where t.key in (select target from edge where waiter=? order by target limit ?) order by t.key";
        let rows = self.tasks(condition, |args| {
            args.int(key.0);
            args.int(NAMED as i64);
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
            let sql = "with under(lane) as \
                       (select id from lane where exists (select 1 from json_each(body,'$.limits') where value=?1)) \
                       select (select count(*) from running r join life l on l.key=r.key where l.lane in under),\
                       (select coalesce(sum(n),0) from start where at>?2 and lane in under),\
                       (select coalesce(sum(n),0) from spent where at>?2 and lane in under)";
            let rows = self.rows(sql, |args| {
                args.text(key.as_str());
                args.int(since.as_micros());
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
        let sql = "select count(*) from (select 1 from ready where lane=? and (rank,key)<(?,?) limit ?)";
        let rows = self.rows(sql, |args| {
            args.int(row.lane.0);
            args.int(row.rank);
            args.int(row.key.0);
            args.int(COUNTED);
        });
        rows.await?
            .first()
            .map_or(Ok(0), |row| Ok(column::<i64>(row, 0)? as usize))
    }

    /// The nearest task from this one up whose budget is spent.
    async fn spender(&self, row: &TaskRow) -> Result<Option<TaskId>, StoreError> {
        let condition = "join (with recursive above(key,parent,height) as (select key,parent,0 from task where key=? \
                         union all select t.key,t.parent,a.height+1 from above a join task t on t.key=a.parent) \
                         select key,height from above) a on a.key=t.key order by a.height";
        let above = self.tasks(condition, |args| args.int(row.key.0)).await?;
        let spent = above.iter().find(|row| {
            let budget = row.spec.budget.as_ref();
            budget.is_some_and(|b| budget::is_spent(b, &row.tree_usage))
        });
        Ok(spent.map(|row| row.id))
    }
}
