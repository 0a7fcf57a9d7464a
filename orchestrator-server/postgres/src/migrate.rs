//! The schema, step by step: applied when a store is opened, or by hand.

use orchestrator_core::store::StoreError;
use orchestrator_migrations::{POSTGRES, Step, newest, steps};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, migrate::MigrateError};

use crate::{PostgresOptions, fault, hosts::Hosts, open};

/// Makes those who change the schema of a name come one after the other; the second key, beside that of the writers'.
const LOCK: &str = "select pg_advisory_lock(hashtext($1), 7422)";

/// Every step of the schema, in order, and whether a database has it.
///
/// # Errors
///
/// As [`crate::PostgresStore::open`], also when it is newer than this program.
pub async fn migrations(url: &str, options: &PostgresOptions) -> Result<Vec<Step>, StoreError> {
    let mut conn = connect(&open::hosts(url, options)?).await?;
    let applied = applied(&mut conn).await?;
    conn.close().await.ok();
    Ok(steps(&POSTGRES, &applied))
}

/// Brings the schema of a database to a version, up or down. Going down drops what later versions added.
///
/// # Errors
///
/// As [`crate::PostgresStore::open`]. What was done before the step that failed stays.
pub async fn migrate(url: &str, options: &PostgresOptions, to: i64) -> Result<(), StoreError> {
    let mut conn = connect(&open::hosts(url, options)?).await?;
    let done = go(&mut conn, &options.schema, to).await;
    // The lock ends with the connection.
    conn.close().await.ok();
    done
}

/// Brings the schema up to date, or refuses one that is not.
pub(crate) async fn prepare(hosts: &Hosts, options: &PostgresOptions) -> Result<(), StoreError> {
    let mut conn = connect(hosts).await?;
    let newest = newest(&POSTGRES);
    let found = applied(&mut conn).await?.into_iter().max();
    let done = if found == Some(newest) {
        Ok(())
    } else if options.migrate {
        go(&mut conn, &options.schema, newest).await
    } else {
        Err(StoreError::Unusable(format!(
            "the database's schema is at {}, and this program needs {newest}; bring it up to date with \
             `orchestrator-server migrate`, or let the program do it",
            found.unwrap_or(0)
        )))
    };
    conn.close().await.ok();
    done
}

/// A connection for what may take long, to a server that is new enough.
async fn connect(hosts: &Hosts) -> Result<PgConnection, StoreError> {
    let patient = [("statement_timeout", "0"), ("lock_timeout", "0")];
    let mut conn = hosts.connect(&patient).await?;
    open::check_version(&mut conn).await?;
    Ok(conn)
}

async fn go(conn: &mut PgConnection, schema: &str, to: i64) -> Result<(), StoreError> {
    let failed = |e: sqlx::Error| fault::on_open(&e);
    let lock = sqlx::query(LOCK).bind(schema);
    lock.execute(&mut *conn).await.map_err(failed)?;
    let create = format!("create schema if not exists {schema}");
    conn.execute(AssertSqlSafe(create)).await.map_err(failed)?;
    // Who had the lock before may have been a newer program.
    let found = applied(conn).await?.into_iter().max().unwrap_or(0);
    let moved = orchestrator_migrations::go(&POSTGRES, conn, found, to).await;
    moved.map_err(|error| match error {
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) if !fault::is_word_of_ours(&e) => {
            fault::on_open(&e)
        }
        other => StoreError::Unusable(format!("the database cannot be brought to version {to}: {other}")),
    })
}

/// The steps that a database has.
async fn applied(conn: &mut PgConnection) -> Result<Vec<i64>, StoreError> {
    let failed = |e: sqlx::Error| fault::on_open(&e);
    let sql = "select to_regclass('_sqlx_migrations') is not null";
    if !conn.fetch_one(sql).await.map_err(failed)?.get::<bool, _>(0) {
        return Ok(Vec::new());
    }
    let sql = "select version from _sqlx_migrations where success order by version";
    let rows = conn.fetch_all(sql).await.map_err(failed)?;
    let applied: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    if applied.last().is_some_and(|found| *found > newest(&POSTGRES)) {
        return Err(StoreError::Unusable(
            "the database was written by a newer version of this program; upgrade this one. Nothing was changed"
                .to_owned(),
        ));
    }
    Ok(applied)
}
