//! The database migrations, one folder a dialect, embedded into the programs that apply them.

mod embedded;
mod script;
mod step;

use sqlx::migrate::{Migrate, MigrateError, Migrator};

pub use embedded::{POSTGRES, SQLITE};
pub use script::{Dialect, script};
pub use step::{Step, steps};

/// The newest schema that a set of migrations leads to.
pub fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Where it is kept which migrations a database has.
const RECORD: &str = "_sqlx_migrations";

/// Brings a database to a version, up or down, from the version `from` at which it is. Whoever does the same waits.
///
/// # Errors
///
/// As the migrator's own.
pub async fn go<C: Migrate>(migrator: &Migrator, conn: &mut C, from: i64, to: i64) -> Result<(), MigrateError> {
    if to >= from {
        return migrator.run_direct(Some(to), conn, false).await;
    }
    conn.lock().await?;
    let applied: Vec<i64> = conn
        .list_applied_migrations(RECORD)
        .await?
        .iter()
        .map(|migration| migration.version)
        .collect();
    let back = migrator.iter().rev().filter(|m| m.migration_type.is_down_migration());
    for migration in back.filter(|m| m.version > to && applied.contains(&m.version)) {
        conn.revert(RECORD, migration).await?;
    }
    conn.unlock().await
}
