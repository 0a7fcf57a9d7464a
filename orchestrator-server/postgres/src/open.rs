//! Opening a database: settings of its connections, and the schema.

use std::{str::FromStr, time::Duration};

use orchestrator_core::store::StoreError;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, Row,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{fault, reader::Reader};

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The schema of our tables, which is created when it is missing: letters, digits and `_`. Defaults to `orchestrator`.
    pub schema: String,
    /// How many connections read at the same time, beside the one that writes. Defaults to 8.
    pub readers: u32,
    /// How long a reader waits for a free connection. Defaults to 5 seconds.
    pub acquire_timeout: Duration,
    /// How long a statement that writes may take; while one does, no other server writes. One that takes longer, or whose
    /// answer does not come, as when a machine or a firewall is gone without a word, is given up, and a new connection is
    /// made. Defaults to 10 seconds: less than the leases of workers, which could not be renewed meanwhile.
    pub write_timeout: Duration,
    /// Whether the schema is brought up to date. Where it is not, a schema that is not up to date is refused. Defaults to
    /// true.
    pub migrate: bool,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            schema: "orchestrator".to_owned(),
            readers: 8,
            acquire_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(10),
            migrate: true,
        }
    }
}

/// The oldest PostgreSQL that has everything that is used here.
const OLDEST: i64 = 15;

/// Settings of every connection of ours. The writer's statements are planned once for batches of any size: what would be
/// right for an empty table must never be kept for a full one, so tables are looked into by their indexes only.
const SETTINGS: [(&str, &str); 8] = [
    ("application_name", "orchestrator"),
    ("jit", "off"),
    // What is only a warning is about our own doing.
    ("client_min_messages", "error"),
    ("timezone", "UTC"),
    // The connections of a machine that is gone without a word are free for others after a minute, not after hours.
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
    ("extra_float_digits", "1"),
];

/// Settings of the writer's connection besides.
const WRITER: [(&str, &str); 4] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("plan_cache_mode", "force_generic_plan"),
];

/// How long a statement that reads may take: no longer than somebody waits for a page.
const READING: Duration = Duration::from_secs(20);

/// How much later than PostgreSQL itself gives a statement up its answer counts as lost.
const GRACE: Duration = Duration::from_secs(2);

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(5);

/// How a connection is made, and how long its answers are waited for.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    settings: PgConnectOptions,
    pub(crate) patience: Duration,
}

impl Way {
    /// Makes a connection.
    pub(crate) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let connected = tokio::time::timeout(CONNECTING, self.settings.connect()).await;
        connected.unwrap_or_else(|_| Err(fault::silence()))
    }
}

fn millis(time: Duration) -> String {
    time.as_millis().max(1).to_string()
}

/// How connections are made.
pub(crate) fn settings(url: &str, options: &PostgresOptions) -> Result<PgConnectOptions, StoreError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let schema = options.schema.as_str();
    if schema.is_empty() || schema.len() > 63 || !schema.chars().all(plain) || schema.starts_with("pg_") {
        return Err(StoreError::Unusable(format!(
            "`{schema}` cannot be the schema: take small letters, digits and `_`"
        )));
    }
    let settings = PgConnectOptions::from_str(url)
        .map_err(|e| StoreError::Unusable(format!("this is not the URL of a PostgreSQL database: {e}")))?;
    Ok(settings
        .options(SETTINGS)
        .options([("search_path", schema)])
        .disable_statement_logging())
}

/// How the writer's connection is made.
pub(crate) fn writer(settings: &PgConnectOptions, options: &PostgresOptions) -> Way {
    let longest = options.write_timeout;
    let timeouts = [
        ("statement_timeout", millis(longest)),
        // One that waits for the lock waits longer than one that has it may do nothing: a server that is frozen in the
        // midst of writing must not stop the others.
        ("lock_timeout", millis(longest.mul_f64(0.8))),
        ("idle_in_transaction_session_timeout", millis(longest.mul_f64(0.5))),
    ];
    Way {
        settings: settings.clone().options(WRITER).options(timeouts),
        patience: longest + GRACE,
    }
}

/// The connections that read.
pub(crate) fn readers(settings: &PgConnectOptions, options: &PostgresOptions) -> Reader {
    let settings = settings.clone().options([("statement_timeout", millis(READING))]);
    let pool = PgPoolOptions::new()
        .max_connections(options.readers.max(1))
        .acquire_timeout(options.acquire_timeout)
        .idle_timeout(Duration::from_mins(5))
        .connect_lazy_with(settings);
    Reader::new(pool, READING + GRACE)
}

/// Brings the schema up to date, or refuses one that is not.
pub(crate) async fn prepare(settings: &PgConnectOptions, options: &PostgresOptions) -> Result<(), StoreError> {
    let connecting = tokio::time::timeout(CONNECTING, settings.connect()).await;
    let conn = connecting.unwrap_or_else(|_| Err(fault::silence()));
    let mut conn = conn.map_err(|e| fault::on_open(&e))?;
    let version = conn.fetch_one("show server_version_num").await;
    let version: String = version.map_err(|e| fault::on_open(&e))?.get(0);
    let version = version.parse::<i64>().unwrap_or(0) / 10_000;
    if version < OLDEST {
        return Err(StoreError::Unusable(format!(
            "this is PostgreSQL {version}; {OLDEST} or newer is needed"
        )));
    }
    let found = found(&mut conn).await?;
    let newest = newest();
    if found == Some(newest) {
        conn.close().await.ok();
        return Ok(());
    }
    if found.is_some_and(|found| found > newest) {
        return Err(StoreError::Unusable(
            "the database was written by a newer version of this program; upgrade this one. Nothing was changed"
                .to_owned(),
        ));
    }
    if !options.migrate {
        return Err(StoreError::Unusable(
            "the database's schema is not up to date; apply the migrations of migrations/postgres first".to_owned(),
        ));
    }
    let create = format!("create schema if not exists {}", options.schema);
    conn.execute(AssertSqlSafe(create))
        .await
        .map_err(|e| fault::on_open(&e))?;
    // Locks out everyone who does the same.
    orchestrator_migrations::POSTGRES
        .run_direct(None, &mut conn, false)
        .await
        .map_err(|e| StoreError::Unusable(format!("the database cannot be brought up to date: {e}")))?;
    conn.close().await.ok();
    Ok(())
}

/// The newest schema that this program knows.
fn newest() -> i64 {
    let versions = orchestrator_migrations::POSTGRES.iter().map(|m| m.version);
    versions.max().unwrap_or(0)
}

/// The schema that a database has; none when it is empty.
async fn found(conn: &mut PgConnection) -> Result<Option<i64>, StoreError> {
    let failed = |e: sqlx::Error| fault::on_open(&e);
    let sql = "select to_regclass('_sqlx_migrations') is not null";
    if !conn.fetch_one(sql).await.map_err(failed)?.get::<bool, _>(0) {
        return Ok(None);
    }
    let row = conn
        .fetch_one("select max(version) from _sqlx_migrations where success")
        .await;
    Ok(row.map_err(failed)?.get(0))
}
