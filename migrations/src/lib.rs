//! The database migrations, one folder a dialect, embedded into the programs that apply them.

mod script;
mod step;

use sqlx::migrate::Migrator;

pub use script::{Dialect, script};
pub use step::{Step, steps};

/// The migrations of the SQLite adapter.
pub static SQLITE: Migrator = sqlx::migrate!("./sqlite");

/// The migrations of the PostgreSQL adapter, for the schema that is first in the search path.
pub static POSTGRES: Migrator = sqlx::migrate!("./postgres");

/// The newest schema that a set of migrations leads to.
pub fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or(0)
}
