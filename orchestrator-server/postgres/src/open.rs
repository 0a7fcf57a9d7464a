//! Opening a database: the settings of its connections.

use std::time::Duration;

use orchestrator_core::store::StoreError;
use sqlx::{ConnectOptions, Executor, PgConnection, PgPool, Row, postgres::PgPoolOptions};

use crate::{
    fault,
    hosts::{Hosts, takes_writes},
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
    ("idle_in_transaction_session_timeout", "10s"),
    ("lock_timeout", "30s"),
    ("statement_timeout", "60s"),
    ("client_min_messages", "warning"),
    ("timezone", "UTC"),
    ("extra_float_digits", "1"),
];

/// Settings of the writer's connection besides.
pub(crate) const WRITER: [(&str, &str); 4] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("plan_cache_mode", "force_generic_plan"),
];

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
            .options([("search_path", schema)])
            .disable_statement_logging()
    })
}

/// The connections that read.
pub(crate) fn readers(hosts: &Hosts, options: &PostgresOptions) -> PgPool {
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
    let pool = pool.connect_lazy_with(hosts.current());
    hosts.lead(pool.clone());
    pool
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
