//! The limit on SQLite: the least work by which a durable queue can be written by hand, through the same library.
//!
//! What it keeps of the contract: a job is on the disk before `submit` returns; a claim takes the first jobs by
//! (priority, id) and is recorded, so that another process would not take them again; an outcome is recorded once. What
//! it leaves out is what the orchestrator is for: states, leases that end, events, dependencies, history.
//!
//! How it came to be as it is, the greatest gain first (`--variants` measures the first two again):
//! - A call to the connection costs two thread switches, as much as the work of ten rows and more. So one call carries a
//!   whole transaction, several statements long, and a transaction carries a thousand jobs: with claims of sixteen, a
//!   tenth is left.
//! - Rows are appended to and deleted from narrow tables. Changing a state inside the row that holds the body writes the
//!   body again, and drains at 0.6 of this ([`Shape::InPlace`]).
//! - The outcomes of one batch and the claim of the next share a commit.
//! - Bodies are inserted as one statement with a row of parameters for each: per row half of what the same costs as one
//!   JSON parameter, and a twentieth of one statement a row.
//!
//! Tried without a gain: bodies returned as one joined value instead of rows, other page and cache sizes, memory mapping.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous,
};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Executor, Row};

use orchestrator_bench::job::{OUTPUT, body};

use crate::contender::{Contender, Opening};

/// Jobs in one transaction. More of them gain nothing: the commit is shared by enough.
const BATCH: usize = 1000;

/// Where the state of a job is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One table with everything, and an index on what is ready.
    InPlace,
    /// Bodies, ready jobs, leases and results apart.
    Apart,
}

pub struct SqliteLimit {
    connection: SqliteConnection,
    shape: Shape,
    batch: usize,
    next: i64,
    lease: i64,
}

/// The best of them.
pub fn open(folder: &Path) -> Opening<'_> {
    with(folder, Shape::Apart, BATCH)
}

/// One table.
pub fn open_in_place(folder: &Path) -> Opening<'_> {
    with(folder, Shape::InPlace, BATCH)
}

/// As many jobs at once as a worker with sixteen slots would claim.
pub fn open_small_batches(folder: &Path) -> Opening<'_> {
    with(folder, Shape::Apart, 16)
}

fn with(folder: &Path, shape: Shape, batch: usize) -> Opening<'_> {
    Box::pin(async move {
        let mut connection = SqliteConnectOptions::new()
            .filename(folder.join("limit.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .locking_mode(SqliteLockingMode::Exclusive)
            .pragma("wal_autocheckpoint", "4000")
            .foreign_keys(false)
            .row_buffer_size(BATCH)
            .connect()
            .await?;
        connection
            .execute(match shape {
                Shape::InPlace => {
                    "create table job(id integer primary key, priority int not null, state int not null, lease int,
                        body text not null, output text);
                     create index ready on job(priority, id) where state = 0"
                }
                Shape::Apart => {
                    "create table job(id integer primary key, priority int not null, body text not null);
                     create table ready(priority int not null, id int not null, primary key (priority, id)) without rowid;
                     create table lease(lease int not null, id int not null, primary key (lease, id)) without rowid;
                     create table result(id integer primary key, output text not null)"
                }
            })
            .await?;
        Ok(Box::new(SqliteLimit {
            connection,
            shape,
            batch,
            next: 1,
            lease: 0,
        }) as Box<dyn Contender>)
    })
}

impl SqliteLimit {
    /// One transaction, one call: `jobs` bodies, and the fact that they are ready.
    async fn insert(&mut self, jobs: usize) -> anyhow::Result<()> {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(2 * jobs + 2, 0);
        let first = self.next;
        for number in 0..jobs {
            add(&mut arguments, self.next)?;
            add(&mut arguments, body(number))?;
            self.next += 1;
        }
        let (columns, row) = match self.shape {
            Shape::InPlace => ("id, body, priority, state", "(?, ?, 5, 0)"),
            Shape::Apart => ("id, body, priority", "(?, ?, 5)"),
        };
        let rows = vec![row; jobs].join(",");
        let mut sql = format!("begin immediate; insert into job({columns}) values {rows};");
        if self.shape == Shape::Apart {
            sql.push_str("insert into ready select priority, id from job where id between ? and ?;");
            add(&mut arguments, first)?;
            add(&mut arguments, self.next - 1)?;
        }
        sql.push_str("commit");
        sqlx::query_with(AssertSqlSafe(sql), arguments)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// One transaction, one call: records the outcomes of the last batch (a JSON object, id to output) and claims the
    /// next one. Returns what was claimed.
    async fn complete_and_claim(&mut self, outcomes: &str) -> anyhow::Result<Vec<(i64, String)>> {
        self.lease += 1;
        // A statement's parameters are numbered without gaps: what follows a gap would be bound to nothing.
        let sql = match self.shape {
            Shape::InPlace => {
                "begin immediate;
                 update job set state = 2, output = done.value from json_each(?1) done where job.id = done.key;
                 update job set state = 1, lease = ?2 where ?1 is not null and id in (
                     select id from job where state = 0 order by priority, id limit ?3) returning id, body;
                 commit"
            }
            Shape::Apart => {
                "begin immediate;
                 insert into result(id, output) select key, value from json_each(?1);
                 delete from lease where ?1 is not null and lease = ?2 - 1;
                 insert into lease(lease, id) select ?2, id from (
                     select id from ready where ?1 is not null order by priority, id limit ?3);
                 delete from ready where (priority, id) in (
                     select priority, id from ready where ?1 is not null and ?2 is not null
                     order by priority, id limit ?3);
                 select id, body from lease join job using (id) where ?1 is not null and lease = ?2;
                 commit"
            }
        };
        let rows = sqlx::query(sql)
            .bind(outcomes)
            .bind(self.lease)
            .bind(self.batch as i64)
            .fetch_all(&mut self.connection)
            .await?;
        Ok(rows
            .iter()
            .map(|row| (row.get_unchecked(0), row.get_unchecked(1)))
            .collect())
    }
}

#[async_trait]
impl Contender for SqliteLimit {
    async fn submit(&mut self, jobs: usize) -> anyhow::Result<()> {
        for first in (0..jobs).step_by(BATCH) {
            self.insert(BATCH.min(jobs - first)).await?;
        }
        Ok(())
    }

    async fn drain(&mut self, jobs: usize) -> anyhow::Result<()> {
        let (mut outcomes, mut done) = ("{}".to_owned(), 0);
        loop {
            let claimed = self.complete_and_claim(&outcomes).await?;
            if claimed.is_empty() {
                anyhow::ensure!(done == jobs, "{done} of {jobs} jobs were run");
                return Ok(());
            }
            done += claimed.len();
            // Here the handlers would run.
            outcomes.clear();
            for (id, _) in &claimed {
                outcomes.push(if outcomes.is_empty() { '{' } else { ',' });
                write!(outcomes, r#""{id}":{OUTPUT}"#)?;
            }
            outcomes.push('}');
        }
    }

    async fn submit_to_start(&mut self) -> anyhow::Result<Option<Duration>> {
        let before = Instant::now();
        self.insert(1).await?;
        // A claim that a power failure takes back harms nobody: the job is ready again, and whoever ran it is gone too.
        // So only the submission waits for the disk.
        self.connection.execute("pragma synchronous = normal").await?;
        let claimed = self.complete_and_claim("{}").await?;
        let took = before.elapsed();
        anyhow::ensure!(claimed.len() == 1, "the job was not there");
        self.connection.execute("pragma synchronous = full").await?;
        self.complete_and_claim(&format!(r#"{{"{}":{OUTPUT}}}"#, claimed[0].0))
            .await?;
        Ok(Some(took))
    }
}

fn add<'q, T: sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>>(
    arguments: &mut SqliteArguments,
    value: T,
) -> anyhow::Result<()> {
    arguments.add(value).map_err(|error| anyhow::anyhow!(error))
}
