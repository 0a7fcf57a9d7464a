//! The writer's connection to the file.

use orchestrator_protocol::{Schedule, SessionId, Timestamp};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, SqliteConnection,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow},
};

use super::{
    codec::{self, column},
    fault, prune,
    sql::{Args, Script, numbers},
    write,
};
use crate::store::{
    error::StoreError,
    row::{Key, Lane, LaneId, TaskRow},
    writer::{
        Changes, Counter, Disk, Durability, Fault, Held, Keys, Mirror, Trouble, Which,
        codec::{parse, session, text},
    },
};

/// A connection that writes.
pub(super) struct SqliteDisk {
    conn: SqliteConnection,
}

/// What is known of the connection between transactions.
#[derive(Default)]
pub(super) struct Memo {
    /// What the connection is set to, if that is known.
    durability: Option<Durability>,
    /// The number that changes when other processes write.
    version: Option<i64>,
}

/// A transaction that is being worked out.
pub(super) struct Stage {
    /// How it begins, unless it has begun: with its first trip, without one of its own.
    begin: Option<String>,
    pub(super) script: Script,
    durability: Durability,
    must_sync: bool,
}

/// From how many tasks on it pays to read them as one text.
const MANY: usize = 16;

/// The condition on tasks that takes keys.
const IN_KEYS: &str = "t.key in (select value from json_each(?))";

/// What SQLite says to a guard that is not met.
const GUARD_WORDS: &str = "integer overflow";

/// Begins a transaction that fails at once when another process has written since `version`: then, and only then, the
/// number whose absolute value is asked for has none.
fn guarded_begin(settings: &str, version: i64) -> String {
    format!(
        "{settings}begin immediate;select 1 from pragma_data_version \
         where abs(-9223372036854775807-(data_version<>{version}))<0"
    )
}

/// Sets the connection to a durability, unless it is set already.
fn setting(memo: &mut Memo, durability: Durability) -> &'static str {
    match durability {
        _ if memo.durability.take() == Some(durability) => "",
        Durability::Disk => "pragma synchronous=full;",
        Durability::System => "pragma synchronous=normal;",
    }
}

/// Everything that a mirror is made of: what it is, its id or name, a number, a text.
const SMALL_TABLES: &str = "select 0,null,id,body from lane union all \
    select 1,id,expires_at,body from session union all \
    select 2,key,null,rule from limit_rule union all \
    select 3,queue,null,null from paused_queue union all \
    select 4,null,null,body from schedule union all \
    select 5,name,reserved,null from counter union all \
    select 6,id,null,null from token";

impl SqliteDisk {
    pub(super) fn new(conn: SqliteConnection) -> Self {
        Self { conn }
    }

    /// Runs a query that sees every write of the transaction, in one trip with what is not written yet.
    pub(super) async fn see(
        &mut self,
        stage: &mut Stage,
        sql: &str,
        bind: impl FnOnce(&mut Args),
    ) -> Result<Vec<SqliteRow>, Fault> {
        let mut script = std::mem::take(&mut stage.script);
        bind(script.push(sql));
        self.run(stage.begin.take(), script).await
    }

    async fn run(&mut self, begin: Option<String>, script: Script) -> Result<Vec<SqliteRow>, Fault> {
        let mut rows = Vec::new();
        let mut begin = begin;
        for part in script.into_parts() {
            let (mut sql, args) = part.into_inner();
            let beginning = begin.take();
            let begins = beginning.is_some();
            if let Some(begin) = beginning {
                sql = format!("{begin};{sql}");
            }
            let query = sqlx::query_with(AssertSqlSafe(sql), args);
            let more = self.conn.fetch_all(query).await;
            let more = more.map_err(|error| Fault {
                error: fault::of(&error),
                trouble: trouble(&error, begins),
            })?;
            if rows.is_empty() {
                rows = more;
            } else {
                rows.extend(more);
            }
        }
        Ok(rows)
    }

    /// Tasks that a condition on `t` with a list as its parameter chooses.
    async fn some(&mut self, stage: &mut Stage, condition: &str, list: String) -> Result<Vec<TaskRow>, Fault> {
        let sql = format!("{}where {condition}", codec::task::SELECT);
        let rows = self.see(stage, &sql, |args| args.text(list)).await?;
        Ok(rows.iter().map(codec::task::decode).collect::<Result<_, _>>()?)
    }

    /// Tasks of many keys, of which most are ready and as they were born.
    async fn many(&mut self, stage: &mut Stage, keys: &[Key]) -> Result<Vec<TaskRow>, Fault> {
        let rows = self.see(stage, codec::packed::SELECT, |args| args.text(keys_json(keys)));
        let rows = rows.await?;
        let packed: Option<&str> = rows.first().map_or(Ok(None), |row| column(row, 0))?;
        let Some(packed) = packed else { return Ok(Vec::new()) };
        let (mut tasks, others) = codec::packed::decode(packed)?;
        if !others.is_empty() {
            tasks.extend(self.some(stage, IN_KEYS, keys_json(&others)).await?);
        }
        Ok(tasks)
    }

    async fn mirror(&mut self) -> Result<Mirror, StoreError> {
        let rows = self.conn.fetch_all(SMALL_TABLES).await.map_err(|e| fault::of(&e))?;
        let mut mirror = Mirror::default();
        let mut lanes: Vec<(LaneId, Lane)> = Vec::new();
        for row in &rows {
            match column::<i64>(row, 0)? {
                0 => lanes.push((LaneId(column(row, 2)?), parse("lane", column(row, 3)?)?)),
                1 => {
                    let id = SessionId::from_uuid(codec::uuid(column(row, 1)?)?);
                    let session = session::decode(id, column(row, 2)?, column(row, 3)?)?;
                    mirror.sessions.insert(id, session);
                }
                2 => {
                    let rule = parse("limit", column(row, 3)?)?;
                    mirror.limits.insert(column(row, 1)?, rule);
                }
                3 => {
                    mirror.paused.insert(column(row, 1)?);
                }
                4 => {
                    let schedule: Schedule = parse("schedule", column(row, 3)?)?;
                    mirror.schedules.insert(schedule.name.clone(), schedule);
                }
                5 => {
                    let counter = Counter::reserved(column(row, 2)?);
                    match column(row, 1)? {
                        "key" => mirror.keys = counter,
                        "lease" => mirror.leases = counter,
                        _ => mirror.seqs = counter,
                    }
                }
                _ => {
                    let id = codec::uuid(column(row, 1)?)?;
                    mirror.tokens.insert(orchestrator_protocol::TokenId::from_uuid(id));
                }
            }
        }
        mirror.know_lanes(lanes);
        let sql = "select l.key,l.session,l.lane from running r join life l on l.key=r.key";
        let mut held = Held::default();
        for row in &self.conn.fetch_all(sql).await.map_err(|e| fault::of(&e))? {
            let session = SessionId::from_uuid(codec::uuid(column(row, 1)?)?);
            held.add(session, LaneId(column(row, 2)?), Key(column(row, 0)?));
        }
        mirror.held = Some(held);
        Ok(mirror)
    }
}

impl Disk for SqliteDisk {
    type Options = SqliteConnectOptions;
    type Memo = Memo;
    type Stage = Stage;

    async fn connect(options: &SqliteConnectOptions) -> Result<Self, StoreError> {
        let conn = options.connect().await.map_err(|e| fault::of(&e))?;
        Ok(Self::new(conn))
    }

    fn resume(memo: &mut Memo, durability: Durability) -> Option<Stage> {
        let version = memo.version?;
        Some(Stage {
            begin: Some(guarded_begin(setting(memo, durability), version)),
            script: Script::default(),
            durability,
            must_sync: false,
        })
    }

    async fn begin(&mut self, memo: &mut Memo, durability: Durability) -> Result<(Stage, Mirror), StoreError> {
        let settings = setting(memo, durability);
        let sql = format!("{settings}begin immediate;pragma data_version");
        memo.version = Some(number(one(&mut self.conn, sql).await?)?);
        let stage = Stage {
            begin: None,
            script: Script::default(),
            durability,
            must_sync: false,
        };
        Ok((stage, self.mirror().await?))
    }

    fn write(stage: &mut Stage, changes: Changes<'_>) {
        write::write(&mut stage.script, changes);
    }

    async fn tasks(&mut self, stage: &mut Stage, which: Which<'_>) -> Result<Vec<TaskRow>, Fault> {
        let (condition, list) = match which {
            Which::Keys(keys) if keys.len() >= MANY => return self.many(stage, keys).await,
            Which::Keys(keys) => (IN_KEYS, keys_json(keys)),
            Which::Ids(ids) => (
                "t.id in (select unhex(value) from json_each(?))",
                ids_json(ids.iter().map(|id| id.as_uuid())),
            ),
        };
        self.some(stage, condition, list).await
    }

    async fn keys(&mut self, stage: &mut Stage, which: Keys<'_>) -> Result<Vec<Key>, Fault> {
        let (sql, list) = match which {
            Keys::Idempotent(keys) => (
                "select key from task where idempotency_key in (select value from json_each(?))",
                text(keys),
            ),
            Keys::Named(names) => (
                "select t.key from json_each(?) j join task t on t.parent=j.value->>0 and t.step=j.value->>1",
                names_json(names),
            ),
            Keys::Below(keys) => (
                "with recursive below(key,top,depth) as (select t.key,j.key,1 from json_each(?) j \
                 join task t on t.parent=j.value union all \
                 select t.key,b.top,b.depth+1 from below b join task t on t.parent=b.key) \
                 select l.key from below b join life l on l.key=b.key where l.state<7 order by b.top,b.depth,l.key",
                keys_json(keys),
            ),
            Keys::LeasedBy(sessions) => (
                "select l.key from running r join life l on l.key=r.key join json_each(?) j on l.session=unhex(j.value) \
                 order by j.key,l.key",
                ids_json(sessions.iter().map(|id| id.as_uuid())),
            ),
            Keys::Due(now, limit) => {
                let sql = "select key from due where at<=? order by at,key limit ?";
                let rows = self.see(stage, sql, |args| {
                    args.int(now.as_micros());
                    args.int(i64::try_from(limit).unwrap_or(i64::MAX));
                });
                return keys_of(&rows.await?);
            }
        };
        keys_of(&self.see(stage, sql, |args| args.text(list)).await?)
    }

    async fn heads(
        &mut self,
        stage: &mut Stage,
        lanes: &[LaneId],
        depth: usize,
    ) -> Result<Vec<(LaneId, i64, Key)>, Fault> {
        // As one text: a row of its own would cost each place more than all the rest.
        let sql = "select group_concat(p,' ') from (select (select group_concat(concat(lane,' ',rank,' ',key),' ') from \
                   (select lane,rank,key from ready where lane=j.value order by rank,key limit ?)) p from json_each(?) j)";
        let list = numbers(lanes.iter().map(|lane| lane.0));
        let rows = self.see(stage, sql, |args| {
            args.int(depth as i64);
            args.text(list);
        });
        let rows = rows.await?;
        let text: Option<&str> = rows.first().map_or(Ok(None), |row| column(row, 0))?;
        let numbers = text
            .unwrap_or_default()
            .split_ascii_whitespace()
            .map(codec::packed::number);
        let numbers: Vec<i64> = numbers.collect::<Result<_, _>>()?;
        let places = numbers.chunks_exact(3);
        Ok(places
            .map(|place| (LaneId(place[0]), place[1], Key(place[2])))
            .collect())
    }

    async fn running(&mut self, stage: &mut Stage) -> Result<Vec<(LaneId, u32)>, Fault> {
        let sql = "select l.lane,count(*) from running r join life l on l.key=r.key group by l.lane";
        counts(&self.see(stage, sql, |_| {}).await?)
    }

    async fn starts_since(
        &mut self,
        stage: &mut Stage,
        lanes: &[LaneId],
        since: Timestamp,
    ) -> Result<Vec<(LaneId, u32)>, Fault> {
        let sql = "select lane,sum(n) from start where lane in (select value from json_each(?)) and at>? group by lane";
        let lanes = numbers(lanes.iter().map(|lane| lane.0));
        let rows = self.see(stage, sql, |args| {
            args.text(lanes);
            args.int(since.as_micros());
        });
        counts(&rows.await?)
    }

    async fn tokens_since(
        &mut self,
        stage: &mut Stage,
        lanes: &[LaneId],
        since: Timestamp,
    ) -> Result<Vec<(LaneId, u64)>, Fault> {
        let sql = "select lane,sum(n) from spent where lane in (select value from json_each(?)) and at>? group by lane";
        let lanes = numbers(lanes.iter().map(|lane| lane.0));
        let rows = self.see(stage, sql, |args| {
            args.text(lanes);
            args.int(since.as_micros());
        });
        let sum = |row| Ok((LaneId(column(row, 0)?), column::<i64>(row, 1)?.cast_unsigned()));
        rows.await?.iter().map(sum).collect()
    }

    async fn held(&mut self, stage: &mut Stage, sessions: &[SessionId]) -> Result<Vec<(SessionId, Key)>, Fault> {
        let sql = "select j.key,l.key from json_each(?) j cross join running r \
                   join life l on l.key=r.key and l.session=unhex(j.value)";
        let list = ids_json(sessions.iter().map(|id| id.as_uuid()));
        let rows = self.see(stage, sql, |args| args.text(list)).await?;
        let held = |row| Ok((sessions[column::<i64>(row, 0)? as usize], Key(column(row, 1)?)));
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
        let sql = "select t.key,j.key from json_each(?) j \
                   join task t on t.parent=j.value->>0 and t.place_group=j.value->>1 join life l on l.key=t.key \
                   where t.place_group is not null and l.queued and l.state<7 order by t.key";
        let rows = self.see(stage, sql, |args| args.text(names_json(groups))).await?;
        let queued = |row| Ok((Key(column(row, 0)?), column::<i64>(row, 1)? as usize));
        rows.iter().map(queued).collect()
    }

    async fn places_taken(
        &mut self,
        stage: &mut Stage,
        groups: &[(Key, String)],
    ) -> Result<Vec<(usize, usize)>, Fault> {
        let sql = "select j.key,(select count(*) from task t join life l on l.key=t.key \
                   where t.parent=j.value->>0 and t.place_group=j.value->>1 and t.place_group is not null \
                   and not l.queued and l.state<7) from json_each(?) j";
        let rows = self.see(stage, sql, |args| args.text(names_json(groups))).await?;
        let taken = |row| Ok((column::<i64>(row, 0)? as usize, column::<i64>(row, 1)? as usize));
        rows.iter().map(taken).collect()
    }

    async fn waiters(&mut self, stage: &mut Stage, targets: &[Key]) -> Result<Vec<(Key, Key)>, Fault> {
        let sql = "select e.target,e.waiter from json_each(?) j join edge e on e.target=j.value \
                   order by j.key,e.waiter";
        let rows = self.see(stage, sql, |args| args.text(keys_json(targets))).await?;
        let edge = |row| Ok((Key(column(row, 0)?), Key(column(row, 1)?)));
        rows.iter().map(edge).collect()
    }

    async fn step_names(&mut self, stage: &mut Stage, tasks: &[Key]) -> Result<Vec<(Key, String)>, Fault> {
        let sql = "select task,name from step where task in (select value from json_each(?))";
        let rows = self.see(stage, sql, |args| args.text(keys_json(tasks))).await?;
        let name = |row| Ok((Key(column(row, 0)?), column(row, 1)?));
        rows.iter().map(name).collect()
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
        stage.must_sync = must_sync;
        memo.durability = Some(if must_sync { Durability::Disk } else { stage.durability });
    }

    async fn commit(&mut self, stage: Stage) -> Result<(), Fault> {
        let mut script = stage.script;
        script.push("commit");
        self.run(stage.begin, script).await?;
        if stage.must_sync {
            self.sync().await?;
        }
        Ok(())
    }

    async fn look_ahead(&mut self, keys: &[Key]) -> Vec<TaskRow> {
        let query = sqlx::query(codec::packed::SELECT).bind(keys_json(keys));
        let Ok(rows) = self.conn.fetch_all(query).await else {
            return Vec::new();
        };
        let packed = rows.first().and_then(|row| column::<Option<&str>>(row, 0).ok()?);
        let tasks = packed.and_then(|packed| codec::packed::decode(packed).ok());
        tasks.map(|(tasks, _)| tasks).unwrap_or_default()
    }

    async fn roll_back(&mut self) -> Result<(), StoreError> {
        match self.conn.execute("rollback").await {
            // SQLite has rolled some failures back already: then there is nothing to roll back, which is no failure.
            Err(e) if !fault::words(&e).contains("no transaction is active") => Err(fault::of(&e)),
            _ => Ok(()),
        }
    }

    async fn foreign_changes(&mut self) -> Result<i64, StoreError> {
        data_version(&mut self.conn).await
    }

    async fn close(mut self) {
        // No statistics: those of a store with one task make SQLite read whole tables when it has thousands.
        self.conn.execute("pragma wal_checkpoint(truncate)").await.ok();
        self.conn.close().await.ok();
    }

    async fn abandon(self) {
        self.conn.close_hard().await.ok();
    }
}

impl SqliteDisk {
    /// Sees to it that what was committed is on the disk: a commit that is synced takes those before it along.
    async fn sync(&mut self) -> Result<(), StoreError> {
        let sql = "pragma synchronous=full;begin immediate;update counter set reserved=reserved where name='seq';\
                   commit;select 0";
        let done = self.conn.fetch_all(sqlx::query(sql)).await;
        done.map(drop).map_err(|error| fault::of(&error))
    }
}

/// What an error says beyond its words.
fn trouble(error: &sqlx::Error, begins: bool) -> Option<Trouble> {
    if begins && fault::words(error) == GUARD_WORDS {
        Some(Trouble::Stale)
    } else {
        fault::is_locked(error).then_some(Trouble::Locked)
    }
}

/// The number that changes when other connections write.
pub(super) async fn data_version(conn: &mut SqliteConnection) -> Result<i64, StoreError> {
    number(one(conn, "pragma data_version").await?)
}

/// Runs statements of which one returns a row.
async fn one(conn: &mut SqliteConnection, sql: impl Into<String>) -> Result<Option<SqliteRow>, StoreError> {
    let query = sqlx::query_with(AssertSqlSafe(sql.into()), SqliteArguments::default());
    let rows = conn.fetch_all(query).await.map_err(|e| fault::of(&e))?;
    Ok(rows.into_iter().next())
}

fn number(row: Option<SqliteRow>) -> Result<i64, StoreError> {
    row.map_or(Ok(0), |row| column(&row, 0))
}

/// Keys as a JSON array.
fn keys_json(keys: &[Key]) -> String {
    numbers(keys.iter().map(|key| key.0))
}

/// Keys with names as a JSON array of pairs.
fn names_json(names: &[(Key, String)]) -> String {
    text(&names.iter().map(|(key, name)| (key.0, name)).collect::<Vec<_>>())
}

/// Ids as a JSON array of hexadecimal texts.
fn ids_json(ids: impl Iterator<Item = uuid::Uuid>) -> String {
    text(&ids.map(|id| id.simple().to_string()).collect::<Vec<_>>())
}

fn keys_of(rows: &[SqliteRow]) -> Result<Vec<Key>, Fault> {
    let keys = rows.iter().map(|row| column(row, 0).map(Key));
    Ok(keys.collect::<Result<_, _>>()?)
}

fn counts(rows: &[SqliteRow]) -> Result<Vec<(LaneId, u32)>, Fault> {
    let count = |row| Ok((LaneId(column(row, 0)?), column::<i64>(row, 1)? as u32));
    rows.iter().map(count).collect()
}
