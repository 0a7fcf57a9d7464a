//! The writer's connection.

use std::{collections::BTreeMap, time::Duration};

use orchestrator_core::store::{
    AnnouncedType, StoreError,
    ledger::Arrival,
    row::{Key, Lane, LaneId, TaskRow},
    writer::{
        Changes, Counter, Disk, Durability, Fault, Keys, Mirror, Settings, Trouble, Which,
        codec::{parse, session, text},
    },
};
use orchestrator_protocol::{Schedule, SessionId, Timestamp, TokenId};
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection,
    postgres::{PgArguments, PgRow},
};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    codec::{self, column},
    fault,
    open::Way,
    outbox, prune,
    words::told,
    writes::{Writes, add, keep},
};

/// A connection that writes.
pub(crate) struct PostgresDisk {
    conn: PgConnection,
    /// How long an answer is waited for.
    patience: Duration,
    /// Whether one was waited for in vain. What it would have said is not known, and nothing more is asked.
    is_silent: bool,
    /// How often this process has written on it.
    own: i64,
    /// Whether nothing was written on it yet.
    fresh: bool,
}

/// How many numbers are left out on a new connection. What was committed without waiting for the disk may have been lost
/// with the last one, or with a primary that a standby took over from; the numbers that it gave out are in the world, and
/// must not be given out again.
const GAP: i64 = 1 << 20;

/// What is known between transactions: how often somebody has written.
#[derive(Default)]
pub(crate) struct Memo {
    fence: Option<i64>,
}

/// A transaction that is being worked out. It begins with the first thing that must be seen after it was written;
/// usually that never comes, and all of it is one call.
pub(crate) struct Stage {
    /// After how many others it is worked out.
    fence: i64,
    /// Whether a transaction has begun.
    begun: bool,
    /// Whether something was written in it, and the fence is ours.
    written: bool,
    relaxed: bool,
    writes: Writes,
}

/// Everything that a mirror is made of: what it is, its id or name, a number, a text.
const SMALL_TABLES: &str = "select 0 as what,null::text as name,id as n,body from lane union all \
    select 1,id::text,expires_at,body from session union all \
    select 2,key,null,rule from limit_rule union all \
    select 3,queue,null,null from paused_queue union all \
    select 4,null,null,body from schedule union all \
    select 5,'key',last_value,null from number_key union all \
    select 5,'lease',last_value,null from number_lease union all \
    select 5,'seq',last_value,null from number_seq union all \
    select 6,id::text,null,null from token union all \
    select 7,null,last_value,null from fence";

/// The lock that lets one write at a time; the function `write` takes the same.
const LOCK: &str = "select pg_advisory_xact_lock(hashtext(current_schema()), 7421)";

/// Begins a transaction with the lock, and says how often somebody has written: one trip.
const BEGIN_LOCKED: &str = "begin; select pg_advisory_xact_lock(hashtext(current_schema()), 7421); \
    select last_value from fence";

/// Somebody has written since the transaction was worked out.
fn stale() -> Fault {
    Fault {
        error: StoreError::Unavailable("somebody else has written meanwhile; try again".to_owned()),
        trouble: Some(Trouble::Stale),
    }
}

/// What PostgreSQL answers, if it does in time.
async fn answer<T>(
    asked: impl Future<Output = sqlx::Result<T>>,
    patience: Duration,
    is_silent: &mut bool,
) -> Result<T, Fault> {
    if *is_silent {
        return Err(fault::on_disk(&fault::silence()));
    }
    let answered = timeout(patience, asked).await;
    *is_silent = answered.is_err();
    let answered = answered.unwrap_or_else(|_| Err(fault::silence()));
    answered.map_err(|e| fault::on_disk(&e))
}

impl PostgresDisk {
    async fn execute(&mut self, sql: &'static str) -> Result<(), Fault> {
        let asked = self.conn.execute(sql);
        answer(asked, self.patience, &mut self.is_silent).await.map(drop)
    }

    /// Runs a statement.
    pub(crate) async fn rows(
        &mut self,
        sql: impl Into<String>,
        bind: impl FnOnce(&mut PgArguments),
    ) -> Result<Vec<PgRow>, Fault> {
        let mut args = PgArguments::default();
        bind(&mut args);
        let query = sqlx::query_with(AssertSqlSafe(sql.into()), args);
        answer(self.conn.fetch_all(query), self.patience, &mut self.is_silent).await
    }

    /// Runs a query that sees every write of the transaction.
    pub(crate) async fn see(
        &mut self,
        stage: &mut Stage,
        sql: impl Into<String>,
        bind: impl FnOnce(&mut PgArguments),
    ) -> Result<Vec<PgRow>, Fault> {
        self.lock(stage).await?;
        if !stage.writes.is_empty() {
            self.call(stage).await?;
        }
        self.rows(sql, bind).await
    }

    /// Begins a transaction that nobody can write beside, unless one has begun. What is read goes together with what is
    /// remembered only when nobody has written in between, and nobody may until it is over.
    async fn lock(&mut self, stage: &mut Stage) -> Result<(), Fault> {
        if stage.begun {
            return Ok(());
        }
        stage.begun = true;
        let asked = self.conn.fetch_all(sqlx::raw_sql(BEGIN_LOCKED));
        let rows = answer(asked, self.patience, &mut self.is_silent).await?;
        let stood = rows.last().map_or(Ok(-1), |row| column(row, 0))?;
        if stood == stage.fence { Ok(()) } else { Err(stale()) }
    }

    /// Begins a transaction, unless one has begun.
    pub(crate) async fn begin_now(&mut self, stage: &mut Stage) -> Result<(), Fault> {
        if !stage.begun {
            self.execute("begin").await?;
            stage.begun = true;
        }
        Ok(())
    }

    /// Makes the fence ours, for writes that are not gathered.
    pub(crate) async fn fence_in(&mut self, stage: &mut Stage) -> Result<(), Fault> {
        self.lock(stage).await?;
        if !stage.written {
            self.execute("select setval('fence',last_value+1) from fence").await?;
            stage.written = true;
        }
        Ok(())
    }

    async fn call(&mut self, stage: &mut Stage) -> Result<(), Fault> {
        let mut writes = std::mem::take(&mut stage.writes);
        let settings = std::mem::take(&mut writes.settings);
        let relaxed = stage.relaxed && !stage.begun && !writes.must_last();
        let (sql, args) = writes.call((!stage.written).then_some(stage.fence), relaxed);
        let asked = self.conn.execute(sqlx::query_with(sql, args));
        answer(asked, self.patience, &mut self.is_silent).await?;
        stage.written = true;
        self.set(settings).await
    }

    /// Writes what people set.
    async fn set(&mut self, settings: Settings) -> Result<(), Fault> {
        for schedule in &settings.schedules {
            let sql = "insert into schedule(id,name,body) values ($1,$2,$3) \
                       on conflict (name) do update set id=excluded.id,body=excluded.body";
            self.rows(sql, |args| {
                add(args, schedule.id.as_uuid());
                add(args, keep(&schedule.name));
                add(args, text(schedule));
            })
            .await?;
        }
        for id in &settings.schedules_gone {
            self.rows("delete from schedule where id=$1", |args| add(args, id.as_uuid()))
                .await?;
        }
        for (key, rule) in &settings.limits {
            if let Some(rule) = rule {
                let sql = "insert into limit_rule(key,rule) values ($1,$2) on conflict (key) do update set rule=excluded.rule";
                self.rows(sql, |args| {
                    add(args, keep(key));
                    add(args, text(rule));
                })
                .await?;
            } else {
                self.rows("delete from limit_rule where key=$1", |args| add(args, keep(key)))
                    .await?;
            }
        }
        for (queue, paused) in &settings.queues {
            let sql = if *paused {
                "insert into paused_queue(queue) values ($1) on conflict do nothing"
            } else {
                "delete from paused_queue where queue=$1"
            };
            self.rows(sql, |args| add(args, keep(queue))).await?;
        }
        for (token, digest) in &settings.tokens {
            let sql = "insert into token(id,digest,name,body) values ($1,$2,$3,$4) \
                       on conflict (id) do update set digest=excluded.digest,name=excluded.name,body=excluded.body";
            self.rows(sql, |args| {
                add(args, token.id.as_uuid());
                add(args, digest.to_vec());
                add(args, keep(&token.name));
                add(args, text(token));
            })
            .await?;
        }
        for id in &settings.tokens_gone {
            self.rows("delete from token where id=$1", |args| add(args, id.as_uuid()))
                .await?;
        }
        self.set_task_types(settings.task_types).await
    }

    /// Writes what workers said of types of tasks.
    async fn set_task_types(&mut self, types: BTreeMap<String, AnnouncedType>) -> Result<(), Fault> {
        if types.is_empty() {
            return Ok(());
        }
        let sql = "insert into task_type(name,input_schema,announced_at) \
                   select * from unnest($1::text[],$2::text[],$3::bigint[]) on conflict (name) do update \
                   set input_schema=excluded.input_schema,announced_at=excluded.announced_at";
        let (mut names, mut schemas, mut times) = (Vec::new(), Vec::new(), Vec::new());
        for said in types.into_values() {
            names.push(keep(&said.name));
            schemas.push(said.input_schema.as_ref().map(|schema| keep(schema.get())));
            times.push(said.announced_at.as_micros());
        }
        self.rows(sql, |args| {
            add(args, names);
            add(args, schemas);
            add(args, times);
        })
        .await?;
        Ok(())
    }

    /// Fails when somebody has written since the transaction was worked out.
    async fn check(&mut self, stage: &Stage) -> Result<(), Fault> {
        if self.fence().await? == stage.fence {
            Ok(())
        } else {
            Err(stale())
        }
    }

    async fn fence(&mut self) -> Result<i64, Fault> {
        let rows = self.rows("select last_value from fence", |_| {}).await?;
        Ok(rows.first().map_or(Ok(0), |row| column(row, 0))?)
    }
}

/// The small tables, and how often somebody has written.
fn mirror_of(rows: &[PgRow]) -> Result<(Mirror, i64), StoreError> {
    let mut mirror = Mirror::default();
    let mut lanes: Vec<(LaneId, Lane)> = Vec::new();
    let mut fence = 0;
    let id = |row: &PgRow| -> Result<Uuid, StoreError> {
        Uuid::try_parse(column(row, 1)?).map_err(|e| orchestrator_core::store::writer::codec::damaged("id", e))
    };
    for row in rows {
        match column::<i32>(row, 0)? {
            0 => lanes.push((LaneId(column(row, 2)?), parse("lane", column(row, 3)?)?)),
            1 => {
                let id = SessionId::from_uuid(id(row)?);
                mirror
                    .sessions
                    .insert(id, session::decode(id, column(row, 2)?, column(row, 3)?)?);
            }
            2 => {
                let rule = parse("limit", column(row, 3)?)?;
                mirror.limits.insert(told(column(row, 1)?), rule);
            }
            3 => {
                mirror.paused.insert(told(column(row, 1)?));
            }
            4 => {
                let schedule: Schedule = parse("schedule", column(row, 3)?)?;
                mirror.schedules.insert(schedule.name.clone(), schedule);
            }
            5 => {
                let counter = Counter::exact(column(row, 2)?);
                match column(row, 1)? {
                    "key" => mirror.keys = counter,
                    "lease" => mirror.leases = counter,
                    _ => mirror.seqs = counter,
                }
            }
            6 => {
                mirror.tokens.insert(TokenId::from_uuid(id(row)?));
            }
            _ => fence = column(row, 2)?,
        }
    }
    mirror.know_lanes(lanes);
    Ok((mirror, fence))
}

impl Disk for PostgresDisk {
    type Options = Way;
    type Memo = Memo;
    type Stage = Stage;
    const HAS_OUTBOX: bool = true;

    async fn connect(way: &Way) -> Result<Self, StoreError> {
        Ok(Self {
            conn: way.connect().await?,
            patience: way.patience,
            is_silent: false,
            own: 0,
            fresh: true,
        })
    }

    fn resume(memo: &mut Memo, durability: Durability) -> Option<Stage> {
        Some(Stage {
            fence: memo.fence?,
            begun: false,
            written: false,
            relaxed: durability == Durability::System,
            writes: Writes::default(),
        })
    }

    async fn begin(&mut self, memo: &mut Memo, durability: Durability) -> Result<(Stage, Mirror), StoreError> {
        let plain = |fault: Fault| fault.error;
        self.execute("begin").await.map_err(plain)?;
        self.execute(LOCK).await.map_err(plain)?;
        let rows = self.rows(SMALL_TABLES, |_| {}).await.map_err(plain)?;
        let (mut mirror, fence) = mirror_of(&rows)?;
        if self.fresh {
            mirror.leases.leave_out(GAP);
            mirror.seqs.leave_out(GAP);
        }
        memo.fence = Some(fence);
        let stage = Stage {
            fence,
            begun: true,
            written: false,
            relaxed: durability == Durability::System,
            writes: Writes::default(),
        };
        Ok((stage, mirror))
    }

    fn write(stage: &mut Stage, changes: Changes<'_>) {
        stage.writes.gather(changes);
    }

    async fn tasks(&mut self, stage: &mut Stage, which: Which<'_>) -> Result<Vec<TaskRow>, Fault> {
        self.lock(stage).await?;
        let rows = match which {
            Which::Keys(keys) => {
                let sql = format!("{}where t.key=any($1)", codec::TASK);
                self.rows(sql, |args| add(args, numbers(keys))).await?
            }
            Which::Ids(ids) => {
                let sql = format!("{}where t.id=any($1)", codec::TASK);
                let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
                self.rows(sql, |args| add(args, ids)).await?
            }
        };
        Ok(rows.iter().map(codec::task).collect::<Result<_, _>>()?)
    }

    async fn keys(&mut self, stage: &mut Stage, which: Keys<'_>) -> Result<Vec<Key>, Fault> {
        let rows = match which {
            Keys::Idempotent(keys) => {
                let sql = "select key from task where idempotency_key=any($1)";
                self.see(stage, sql, |args| {
                    add(args, keys.iter().map(|key| keep(key)).collect::<Vec<_>>());
                })
                .await?
            }
            Keys::Named(names) => {
                let sql = "select t.key from unnest($1::bigint[],$2::text[]) n(parent,step) \
                           join task t on t.parent=n.parent and t.step=n.step";
                self.see(stage, sql, |args| add_names(args, names)).await?
            }
            Keys::Below(keys) => {
                let sql = "with recursive below(key,top,depth) as (select t.key,j.n,1 from \
                           unnest($1::bigint[]) with ordinality j(key,n) join task t on t.parent=j.key union all \
                           select t.key,b.top,b.depth+1 from below b join task t on t.parent=b.key) \
                           select l.key from below b join life l on l.key=b.key where l.state<7 \
                           order by b.top,b.depth,l.key";
                self.see(stage, sql, |args| add(args, numbers(keys))).await?
            }
            Keys::LeasedBy(sessions) => {
                let sql = "select l.key from unnest($1::uuid[]) with ordinality j(id,n) \
                           join life l on l.session=j.id and l.state=3 order by j.n,l.key";
                let ids: Vec<Uuid> = sessions.iter().map(|id| id.as_uuid()).collect();
                self.see(stage, sql, |args| add(args, ids)).await?
            }
            Keys::Due(now, limit) => {
                let sql = "select key from due where at<=$1 order by at,key limit $2";
                self.see(stage, sql, |args| {
                    add(args, now.as_micros());
                    add(args, i64::try_from(limit).unwrap_or(i64::MAX));
                })
                .await?
            }
        };
        Ok(rows
            .iter()
            .map(|row| column(row, 0).map(Key))
            .collect::<Result<_, _>>()?)
    }

    async fn heads(
        &mut self,
        stage: &mut Stage,
        lanes: &[LaneId],
        depth: usize,
    ) -> Result<Vec<(LaneId, i64, Key)>, Fault> {
        let sql = "select h.lane,h.rank,h.key from unnest($1::bigint[]) j(lane) cross join lateral \
                   (select lane,rank,key from life where lane=j.lane and state=2 order by rank,key limit $2) h";
        let lanes: Vec<i64> = lanes.iter().map(|lane| lane.0).collect();
        let rows = self.see(stage, sql, |args| {
            add(args, lanes);
            add(args, depth as i64);
        });
        let place = |row| Ok((LaneId(column(row, 0)?), column(row, 1)?, Key(column(row, 2)?)));
        rows.await?.iter().map(place).collect()
    }

    async fn running(&mut self, stage: &mut Stage) -> Result<Vec<(LaneId, u32)>, Fault> {
        let sql = "select lane,count(*) from life where state=3 group by lane";
        counts(&self.see(stage, sql, |_| {}).await?)
    }

    async fn starts_since(
        &mut self,
        stage: &mut Stage,
        lanes: &[LaneId],
        since: Timestamp,
    ) -> Result<Vec<(LaneId, u32)>, Fault> {
        let sql = "select lane,sum(n) from start where lane=any($1) and at>$2 group by lane";
        let lanes: Vec<i64> = lanes.iter().map(|lane| lane.0).collect();
        let rows = self.see(stage, sql, |args| {
            add(args, lanes);
            add(args, since.as_micros());
        });
        counts(&rows.await?)
    }

    async fn tokens_since(
        &mut self,
        stage: &mut Stage,
        lanes: &[LaneId],
        since: Timestamp,
    ) -> Result<Vec<(LaneId, u64)>, Fault> {
        let sql = "select lane,sum(n)::bigint from spent where lane=any($1) and at>$2 group by lane";
        let lanes: Vec<i64> = lanes.iter().map(|lane| lane.0).collect();
        let rows = self.see(stage, sql, |args| {
            add(args, lanes);
            add(args, since.as_micros());
        });
        let sum = |row| Ok((LaneId(column(row, 0)?), column::<i64>(row, 1)?.cast_unsigned()));
        rows.await?.iter().map(sum).collect()
    }

    async fn held(&mut self, stage: &mut Stage, sessions: &[SessionId]) -> Result<Vec<(SessionId, Key)>, Fault> {
        let sql = "select session,key from life where session=any($1) and state=3";
        let ids: Vec<Uuid> = sessions.iter().map(|id| id.as_uuid()).collect();
        let rows = self.see(stage, sql, |args| add(args, ids)).await?;
        let held = |row| Ok((SessionId::from_uuid(column(row, 0)?), Key(column(row, 1)?)));
        rows.iter().map(held).collect()
    }

    async fn next_due(&mut self, stage: &mut Stage) -> Result<Option<Timestamp>, Fault> {
        let rows = self.see(stage, "select min(at) from due", |_| {}).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(column::<Option<i64>>(row, 0)?.map(Timestamp::from_micros))
    }

    async fn queued_in_groups(
        &mut self,
        stage: &mut Stage,
        groups: &[(Key, String)],
    ) -> Result<Vec<(Key, usize)>, Fault> {
        let sql = "select t.key,j.n from unnest($1::bigint[],$2::text[]) with ordinality j(parent,name,n) \
                   join task t on t.parent=j.parent and t.place_group=j.name join life l on l.key=t.key \
                   where t.place_group is not null and l.queued and l.state<7 order by t.key";
        let rows = self.see(stage, sql, |args| add_names(args, groups)).await?;
        let queued = |row| Ok((Key(column(row, 0)?), column::<i64>(row, 1)? as usize - 1));
        rows.iter().map(queued).collect()
    }

    async fn places_taken(
        &mut self,
        stage: &mut Stage,
        groups: &[(Key, String)],
    ) -> Result<Vec<(usize, usize)>, Fault> {
        let sql = "select j.n,(select count(*) from task t join life l on l.key=t.key where t.parent=j.parent \
                   and t.place_group=j.name and t.place_group is not null and not l.queued and l.state<7) \
                   from unnest($1::bigint[],$2::text[]) with ordinality j(parent,name,n)";
        let rows = self.see(stage, sql, |args| add_names(args, groups)).await?;
        let taken = |row| Ok((column::<i64>(row, 0)? as usize - 1, column::<i64>(row, 1)? as usize));
        rows.iter().map(taken).collect()
    }

    async fn waiters(&mut self, stage: &mut Stage, targets: &[Key]) -> Result<Vec<(Key, Key)>, Fault> {
        let sql = "select e.target,e.waiter from unnest($1::bigint[]) with ordinality j(key,n) \
                   join edge e on e.target=j.key order by j.n,e.waiter";
        let rows = self.see(stage, sql, |args| add(args, numbers(targets))).await?;
        let edge = |row| Ok((Key(column(row, 0)?), Key(column(row, 1)?)));
        rows.iter().map(edge).collect()
    }

    async fn step_names(&mut self, stage: &mut Stage, tasks: &[Key]) -> Result<Vec<(Key, String)>, Fault> {
        let sql = "select task,name from step where task=any($1)";
        let rows = self.see(stage, sql, |args| add(args, numbers(tasks))).await?;
        let name = |row| Ok((Key(column(row, 0)?), told(column(row, 1)?)));
        rows.iter().map(name).collect()
    }

    async fn arrivals(&mut self, stage: &mut Stage, limit: usize) -> Result<Vec<Arrival>, Fault> {
        outbox::take(self, stage, limit).await
    }

    async fn forget(
        &mut self,
        stage: &mut Stage,
        roots: &[Key],
        before: Timestamp,
    ) -> Result<(usize, Vec<Key>), Fault> {
        prune::prune(self, stage, roots, before).await
    }

    fn seal(memo: &mut Memo, stage: &mut Stage, must_sync: bool) {
        stage.relaxed &= !must_sync;
        let writes = stage.written || !stage.writes.is_empty();
        memo.fence = Some(stage.fence + i64::from(writes));
    }

    async fn commit(&mut self, mut stage: Stage) -> Result<(), Fault> {
        let several = !stage.writes.settings.is_empty();
        if several {
            self.begin_now(&mut stage).await?;
        }
        if !stage.writes.is_empty() {
            self.call(&mut stage).await?;
        } else if !stage.begun {
            // It only looked, and what it remembered may have been old.
            self.check(&stage).await?;
        }
        if stage.begun {
            self.execute("commit").await?;
        }
        self.own += i64::from(stage.written);
        self.fresh &= !stage.written;
        Ok(())
    }

    async fn look_ahead(&mut self, keys: &[Key]) -> Vec<TaskRow> {
        let sql = format!("{}where t.key=any($1)", codec::TASK);
        let rows = self.rows(sql, |args| add(args, numbers(keys))).await;
        let tasks = rows.map(|rows| rows.iter().map(codec::task).collect::<Result<Vec<_>, _>>());
        tasks.ok().and_then(Result::ok).unwrap_or_default()
    }

    async fn roll_back(&mut self) -> Result<(), StoreError> {
        // Outside of a transaction that is a warning.
        self.execute("rollback").await.map_err(|fault| fault.error)
    }

    async fn foreign_changes(&mut self) -> Result<i64, StoreError> {
        let sql = "select last_value,pg_is_in_recovery() from fence";
        let rows = self.rows(sql, |_| {}).await.map_err(|fault| fault.error)?;
        let row = rows
            .first()
            .ok_or_else(|| StoreError::Unavailable("the fence is gone".to_owned()))?;
        // Who asks wants to know whether it can be worked with, and a standby cannot be written.
        if column(row, 1)? {
            return Err(fault::standby());
        }
        Ok(column::<i64>(row, 0)? - self.own)
    }

    async fn close(self) {
        self.conn.close().await.ok();
    }

    async fn abandon(self) {
        self.conn.close_hard().await.ok();
    }
}

/// Keys as an array.
pub(crate) fn numbers(keys: &[Key]) -> Vec<i64> {
    keys.iter().map(|key| key.0).collect()
}

fn add_names(args: &mut PgArguments, names: &[(Key, String)]) {
    let (keys, names): (Vec<i64>, Vec<String>) = names.iter().map(|(key, name)| (key.0, keep(name))).unzip();
    add(args, keys);
    add(args, names);
}

fn counts(rows: &[PgRow]) -> Result<Vec<(LaneId, u32)>, Fault> {
    let count = |row| Ok((LaneId(column(row, 0)?), column::<i64>(row, 1)? as u32));
    rows.iter().map(count).collect()
}
