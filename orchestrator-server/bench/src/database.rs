//! The private PostgreSQL: an empty database for each contender, and what it did.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use crate::process;

/// A server of databases that nobody else uses.
#[derive(Clone)]
pub struct Postgres {
    url: String,
    /// The process whose children serve connections.
    pid: u32,
}

impl Postgres {
    /// Looks at the server that a URL names, as a user who may create databases.
    ///
    /// # Errors
    ///
    /// It cannot be reached, or does not sync: what is measured then is not durable.
    pub async fn at(url: &str) -> anyhow::Result<Self> {
        let mut conn = PgConnection::connect(url)
            .await
            .context("PostgreSQL cannot be reached")?;
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let row = conn.fetch_one(AssertSqlSafe(format!("show {setting}"))).await?;
            let value: String = row.get(0);
            anyhow::ensure!(
                value == "on",
                "{setting} is {value}: what is measured would not be durable"
            );
        }
        let file: String = conn
            .fetch_one("select split_part(pg_read_file('postmaster.pid'), e'\\n', 1)")
            .await?
            .get(0);
        Ok(Self {
            url: url.to_owned(),
            pid: file.parse()?,
        })
    }

    /// Makes an empty database and returns its URL.
    pub async fn database(&self) -> anyhow::Result<String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bench_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut conn = PgConnection::connect(&self.url).await?;
        conn.execute(AssertSqlSafe(format!("create database {name}"))).await?;
        let (server, _) = self.url.rsplit_once('/').context("a URL with a database")?;
        Ok(format!("{server}/{name}"))
    }

    /// Removes a database, whoever is still connected, and lets the next one begin with everything written.
    pub async fn drop(&self, database: &str) -> anyhow::Result<()> {
        let (_, name) = database.rsplit_once('/').context("a URL with a database")?;
        let mut conn = PgConnection::connect(&self.url).await?;
        conn.execute(AssertSqlSafe(format!("drop database if exists {name} with (force)")))
            .await?;
        conn.execute("checkpoint").await?;
        Ok(())
    }

    /// Seconds of processor that the server has used so far.
    pub fn cpu(&self) -> f64 {
        process::cpu_of(self.pid)
    }

    /// How many transactions a database has seen, those that only read included.
    pub async fn transactions(&self, database: &str) -> anyhow::Result<i64> {
        let (_, name) = database.rsplit_once('/').context("a URL with a database")?;
        let mut conn = PgConnection::connect(&self.url).await?;
        let sql = "select xact_commit + xact_rollback from pg_stat_database where datname = $1";
        let row = sqlx::query(sql).bind(name).fetch_one(&mut conn).await?;
        Ok(row.get(0))
    }
}
