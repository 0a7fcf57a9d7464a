//! Opening a database: the settings of its connections.

use std::time::Duration;

use orchestrator_core::store::StoreError;
use sqlx::{ConnectOptions, Executor, PgConnection, PgPool, Row, postgres::PgPoolOptions};

use crate::{
    fault,
    hosts::{Hosts, takes_writes},
    reader::Reader,
};

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

/// How long a statement that reads may take: no longer than somebody waits for a page.
const READING: Duration = Duration::from_secs(20);

/// Settings of the writer's connection besides.
const WRITER: [(&str, &str); 4] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("plan_cache_mode", "force_generic_plan"),
];

/// How much later than PostgreSQL itself gives a statement up its answer counts as lost.
const GRACE: Duration = Duration::from_secs(2);

/// How the writer's connection is made, and how long its answers are waited for.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    hosts: Hosts,
    settings: Vec<(&'static str, String)>,
    pub(crate) patience: Duration,
}

impl Way {
    /// Makes a connection to whichever server takes writes.
    pub(crate) async fn connect(&self) -> Result<PgConnection, StoreError> {
        self.hosts.connect(&self.settings).await
    }
}

fn millis(time: Duration) -> String {
    time.as_millis().max(1).to_string()
}

/// Whether a name can be the schema's: it is written into statements as it is.
pub(crate) fn check_schema(schema: &str) -> Result<(), StoreError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if schema.is_empty() || schema.len() > 63 || !schema.chars().all(plain) || schema.starts_with("pg_") {
        return Err(StoreError::Unusable(format!(
            "`{schema}` cannot be the schema: take small letters, digits and `_`"
        )));
    }
    Ok(())
}

/// How connections are made.
pub(crate) fn hosts(url: &str, options: &PostgresOptions) -> Result<Hosts, StoreError> {
    let schema = options.schema.as_str();
    check_schema(schema)?;
    Hosts::parse(url, |settings| {
        settings
            .options(SETTINGS)
            .options([
                ("search_path", schema.to_owned()),
                ("statement_timeout", millis(READING)),
            ])
            .disable_statement_logging()
    })
}

/// How the writer's connection is made.
pub(crate) fn writer(hosts: &Hosts, options: &PostgresOptions) -> Way {
    let longest = options.write_timeout;
    let timeouts = [
        ("statement_timeout", millis(longest)),
        // One that waits for the lock waits longer than one that has it may do nothing: a server that is frozen in the
        // midst of writing must not stop the others.
        ("lock_timeout", millis(longest.mul_f64(0.8))),
        ("idle_in_transaction_session_timeout", millis(longest.mul_f64(0.5))),
    ];
    let plans = WRITER.map(|(name, value)| (name, value.to_owned()));
    Way {
        hosts: hosts.clone(),
        settings: plans.into_iter().chain(timeouts).collect(),
        patience: longest + GRACE,
    }
}

/// The connections that read.
pub(crate) fn readers(hosts: &Hosts, options: &PostgresOptions) -> Reader {
    let mut pool = PgPoolOptions::new()
        .max_connections(options.readers.max(1))
        .acquire_timeout(options.acquire_timeout)
        .idle_timeout(Duration::from_mins(5));
    if hosts.are_several() {
        // In place of the usual question whether it still lives: one that became a standby is of no use.
        pool = pool
            .test_before_acquire(false)
            .before_acquire(|conn, _| Box::pin(takes_writes(conn)));
    }
    let pool: PgPool = pool.connect_lazy_with(hosts.current());
    hosts.lead(pool.clone());
    Reader::new(pool, READING + GRACE)
}

/// Refuses a PostgreSQL that lacks something that is used here.
pub(crate) async fn check_version(conn: &mut PgConnection) -> Result<(), StoreError> {
    let version = conn.fetch_one("show server_version_num").await;
    let version: String = version.map_err(|e| fault::on_open(&e))?.get(0);
    let version = version.parse::<i64>().unwrap_or(0) / 10_000;
    if version < OLDEST {
        return Err(StoreError::Unusable(format!(
            "this is PostgreSQL {version}; {OLDEST} or newer is needed"
        )));
    }
    Ok(())
}
