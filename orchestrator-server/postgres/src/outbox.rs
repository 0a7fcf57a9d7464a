//! Submitting inside a transaction of the caller's own, and taking in what was submitted like that.
//!
//! The fleet's transactions come one after the other, so a stranger's must not be one of them: it may stay open for as
//! long as it likes. It leaves its tasks in a table that nobody else writes, and each transaction of ours that ticks takes
//! out what was committed there and stores it, both or neither.

mod plan;

use std::{collections::HashMap, sync::Arc};

use orchestrator_core::{
    clock::{Ids, SystemIds},
    store::{
        StoreError, Submission,
        ledger::{self, Arrival},
        row::TaskRow,
        writer::{
            Fault,
            codec::{state_code, task::Columns},
        },
    },
};
use orchestrator_protocol::{Json, NewTask, TaskId, TaskState};
use sqlx::{AssertSqlSafe, PgConnection, postgres::PgArguments, postgres::PgRow};
use uuid::Uuid;

use self::plan::{First, Plan};
use crate::{
    codec::column,
    disk::{PostgresDisk, Stage},
    fault, open,
    words::told,
    writes::{add, keep},
};

/// How often a submission starts over because somebody used one of its idempotency keys meanwhile.
const TRIES: usize = 5;

/// Leaves tasks in a PostgreSQL store from inside transactions of your own: they are submitted if your transaction
/// commits, and were never there if it does not.
///
/// The tables of the store must be in the same database as yours, and brought up to date by a program that opened the
/// store. Whichever process of the fleet ticks next takes the tasks in, within milliseconds of your commit as a rule, and
/// at the latest when it next polls (5 seconds). Until then a task is `scheduled`, is in no list and has no history.
///
/// Your transaction waits for nobody and holds nobody up, with one exception: of two open transactions that submit with
/// the same idempotency key, the second waits for the first one to end.
///
/// What can be judged at once is refused at once, with nothing written, and your transaction can go on. What turns out to
/// be impossible only when the tasks are taken in (they depend on, or are below, a task that does not exist; the key was
/// used meanwhile in another way) becomes failed tasks under the ids that you were told, whose error says why.
///
/// ```no_run
/// # async fn example(pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
/// use orchestrator_postgres::Outbox;
/// use orchestrator_protocol::{Json, NewTask};
///
/// let outbox = Outbox::new("orchestrator")?;
/// let mut tx = pool.begin().await?;
/// sqlx::query("insert into customer_order(id, total) values (7, 120)").execute(&mut *tx).await?;
/// let invoice = outbox.submit_in(&mut tx, NewTask::new("invoice", Json::of(&7)?)).await?;
/// tx.commit().await?;
/// # let _ = invoice;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Outbox {
    schema: String,
    ids: Arc<dyn Ids>,
}

impl Outbox {
    /// The outbox of the store in a schema, which is `orchestrator` unless
    /// [`PostgresOptions::schema`](crate::PostgresOptions) says otherwise.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] when the name cannot be a schema's.
    pub fn new(schema: impl Into<String>) -> Result<Self, StoreError> {
        let schema = schema.into();
        open::check_schema(&schema)?;
        Ok(Self::known(schema))
    }

    /// The outbox of a schema whose name was checked.
    pub(crate) fn known(schema: String) -> Self {
        Self {
            schema,
            ids: Arc::new(SystemIds),
        }
    }

    /// The same outbox with ids from another source.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// Submits a task inside the transaction of a connection, and says its id, or that of the first task with its
    /// idempotency key.
    ///
    /// # Errors
    ///
    /// As [`Outbox::submit_all_in`].
    ///
    /// # Cancel safety
    ///
    /// As [`Outbox::submit_all_in`].
    pub async fn submit_in(&self, conn: &mut PgConnection, task: NewTask) -> Result<TaskId, StoreError> {
        let ids = self.submit_all_in(conn, vec![task]).await?;
        let none = || StoreError::Unavailable("the outbox gave no answer".to_owned());
        ids.first().copied().ok_or_else(none)
    }

    /// Submits a batch of tasks inside the transaction of a connection, all or none, and says their ids in the same order.
    /// Tasks of a batch may depend on each other by their refs, and on tasks of earlier batches by their ids. Outside of a
    /// transaction each call is one by itself.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`], [`StoreError::Cycle`] and [`StoreError::IdempotencyConflict`], with nothing written;
    /// [`StoreError::Unusable`] when the store's tables are not there, [`StoreError::Unavailable`] for everything else
    /// that the database says: after these two PostgreSQL lets a transaction only be rolled back.
    ///
    /// # Cancel safety
    ///
    /// Roll the transaction back when the future was dropped: the batch may be in it or not.
    pub async fn submit_all_in(&self, conn: &mut PgConnection, tasks: Vec<NewTask>) -> Result<Vec<TaskId>, StoreError> {
        let submissions = tasks.into_iter().map(|task| Submission {
            id: self.ids.task(),
            task: Arc::new(task),
        });
        let tasks: Vec<Submission> = submissions.collect();
        let places = ledger::check(&tasks)?;
        for _ in 0..TRIES {
            let known = self.known_firsts(conn, &tasks).await?;
            let plan = Plan::of(&tasks, &places, &known)?;
            if plan.rows.is_empty() || self.leave(conn, &plan).await? {
                return Ok(plan.ids);
            }
        }
        Err(StoreError::Unavailable(
            "others submit with the same idempotency keys at this moment; try again".to_owned(),
        ))
    }

    /// The first tasks with the idempotency keys of these, where there are any: stored, or left here.
    async fn known_firsts(
        &self,
        conn: &mut PgConnection,
        tasks: &[Submission],
    ) -> Result<HashMap<String, First>, StoreError> {
        let keys = tasks.iter().filter_map(|s| s.task.idempotency_key.as_deref());
        let keys: Vec<String> = keys.map(keep).collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let sql = format!(
            "select idempotency_key,id,body,input from {0}.task where idempotency_key=any($1) union all \
             select idempotency_key,id,body,null from {0}.outbox where idempotency_key=any($1)",
            self.schema
        );
        let rows = self.rows(conn, sql, |args| add(args, keys)).await?;
        let first = |row: &PgRow| {
            let (id, task) = read(column(row, 1)?, column(row, 2)?, column(row, 3)?)?;
            Ok((told(column(row, 0)?), First { id, task }))
        };
        rows.iter().map(first).collect()
    }

    /// Writes a plan's rows; none of them, and false, when somebody has used one of their keys.
    async fn leave(&self, conn: &mut PgConnection, plan: &Plan) -> Result<bool, StoreError> {
        let rows = &plan.rows;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id.as_uuid()).collect();
        let keys: Vec<Option<String>> = rows.iter().map(|row| row.key.as_deref().map(keep)).collect();
        let bodies: Vec<String> = rows.iter().map(|row| row.body.clone()).collect();
        let places: Vec<i32> = (0..).take(rows.len()).collect();
        let keyed: Vec<String> = keys.iter().flatten().cloned().collect();
        // In the order of the keys, so that two who use the same ones wait for each other and not in a circle.
        let sql = format!(
            "with b as materialized (select nextval('{0}.outbox_batch') as n) \
             insert into {0}.outbox(batch,place,id,idempotency_key,body) select b.n,v.place,v.id,v.key,v.body \
             from b,unnest($1::integer[],$2::uuid[],$3::text[],$4::text[]) v(place,id,key,body) \
             order by v.key,v.place on conflict do nothing returning 1",
            self.schema
        );
        let bind = |args: &mut PgArguments| {
            add(args, places);
            add(args, ids.clone());
            add(args, keys);
            add(args, bodies);
        };
        let written = self.rows(conn, sql, bind).await?.len() == rows.len();
        if written && (keyed.is_empty() || !self.is_stored(conn, keyed).await?) {
            return Ok(true);
        }
        let sql = format!("delete from {}.outbox where id=any($1)", self.schema);
        self.rows(conn, sql, |args| add(args, ids)).await?;
        Ok(false)
    }

    /// Whether a task with one of these keys has been taken in between the look and the writing.
    async fn is_stored(&self, conn: &mut PgConnection, keys: Vec<String>) -> Result<bool, StoreError> {
        let sql = format!(
            "select 1 from {}.task where idempotency_key=any($1) limit 1",
            self.schema
        );
        Ok(!self.rows(conn, sql, |args| add(args, keys)).await?.is_empty())
    }

    async fn rows(
        &self,
        conn: &mut PgConnection,
        sql: String,
        bind: impl FnOnce(&mut PgArguments),
    ) -> Result<Vec<PgRow>, StoreError> {
        let mut args = PgArguments::default();
        bind(&mut args);
        let query = sqlx::query_with(AssertSqlSafe(sql), args);
        query
            .fetch_all(conn)
            .await
            .map_err(|e| fault::in_outbox(&e, &self.schema))
    }
}

/// A task as it is kept, its input perhaps apart.
fn read(id: Uuid, body: &str, input: Option<&str>) -> Result<(TaskId, NewTask), StoreError> {
    let id = TaskId::from_uuid(id);
    let broken = |e: serde_json::Error| StoreError::Unavailable(format!("task {id} is damaged: {e}"));
    let mut task: NewTask = serde_json::from_str(body).map_err(broken)?;
    if let Some(input) = input {
        task.input = Json::parse(input).map_err(broken)?;
    }
    Ok((id, task))
}

/// What [`left`] reads.
pub(crate) const LEFT: &str = "select id,body,(extract(epoch from left_at)*1000000)::bigint from outbox where id=$1";

/// A task that is not taken in yet, as far as it can be told: it waits for that, and who knows its id can wait for its end.
pub(crate) fn left(row: &PgRow) -> Result<TaskRow, StoreError> {
    let columns = Columns {
        key: 0,
        id: column(row, 0)?,
        family: None,
        created_at: column(row, 2)?,
        state: state_code(TaskState::Scheduled),
        lane: 0,
        rank: 0,
        queued: false,
        session: None,
        worker: None,
        lease: None,
        attempt: 0,
        last_event: 0,
        started_at: None,
        finished_at: None,
        body: column(row, 1)?,
        input: None,
        output: None,
        error: None,
        more: None,
    };
    columns.decode()
}

/// Takes out what other programs left: whole batches of about `limit` tasks, in the order of their submission.
pub(crate) async fn take(disk: &mut PostgresDisk, stage: &mut Stage, limit: usize) -> Result<Vec<Arrival>, Fault> {
    // Usually there is nothing, and then nothing is written.
    if disk
        .see(stage, "select 1 from outbox limit 1", |_| {})
        .await?
        .is_empty()
    {
        return Ok(Vec::new());
    }
    disk.fence_in(stage).await?;
    let sql = "delete from outbox o using (select distinct batch from (select batch from outbox order by batch,place \
               limit $1) f) b where o.batch=b.batch returning o.batch,o.place,o.id,o.body";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = disk.rows(sql, |args| add(args, limit)).await?;
    let mut left = Vec::with_capacity(rows.len());
    for row in &rows {
        let (batch, place): (i64, i32) = (column(row, 0)?, column(row, 1)?);
        left.push((batch, place, column::<Uuid>(row, 2)?, column::<String>(row, 3)?));
    }
    left.sort_unstable_by_key(|(batch, place, ..)| (*batch, *place));
    Ok(left.chunk_by(|a, b| a.0 == b.0).map(arrival).collect())
}

/// The rows of one batch.
fn arrival(rows: &[(i64, i32, Uuid, String)]) -> Arrival {
    let mut fault = None;
    let mut tasks = Vec::with_capacity(rows.len());
    for (_, _, id, body) in rows {
        let task = serde_json::from_str(body).unwrap_or_else(|error| {
            fault = Some(format!("is not a task: {error}"));
            NewTask::new("unreadable", Json::NULL)
        });
        tasks.push(Submission {
            id: TaskId::from_uuid(*id),
            task: Arc::new(task),
        });
    }
    Arrival { tasks, fault }
}
