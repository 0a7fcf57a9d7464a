//! The database migrations, one folder a dialect, embedded into the programs that apply them.

use sqlx::migrate::Migrator;

/// The migrations of the SQLite adapter.
pub static SQLITE: Migrator = sqlx::migrate!("./sqlite");

/// The migrations of the PostgreSQL adapter, for the schema that is first in the search path.
pub static POSTGRES: Migrator = sqlx::migrate!("./postgres");
