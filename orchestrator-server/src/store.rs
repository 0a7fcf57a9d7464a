//! The store that a URL names.

use std::sync::Arc;

use orchestrator_core::{
    clock::{Clock, SystemClock},
    store::{
        Store, StoreError,
        memory::MemoryStore,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use orchestrator_postgres::{PostgresOptions, PostgresStore};

use crate::Config;

/// Opens the store that a configuration names: `memory:`, `sqlite:path/to/file.db` or `postgres://…`.
pub(crate) async fn open(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    let (url, migrate) = (config.database.as_str(), config.migrate);
    if url == "memory:" {
        return Ok(Arc::new(MemoryStore::new()));
    }
    if let Some(path) = url.strip_prefix("sqlite:") {
        let options = SqliteOptions {
            migrate,
            ..SqliteOptions::default()
        };
        let store = SqliteStore::open(sqlite_path(path), options).await?;
        // What a server before this one ran and did not give back goes on at once.
        store.reap(SystemClock.now()).await?;
        return Ok(Arc::new(store));
    }
    if is_postgres(url) {
        let options = PostgresOptions {
            migrate,
            readers: config.database_readers,
            ..PostgresOptions::default()
        };
        return Ok(Arc::new(PostgresStore::open(url, options).await?));
    }
    Err(unknown(url))
}

/// Whether a URL names a PostgreSQL.
pub(crate) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// The file that a URL of SQLite names behind its scheme.
pub(crate) fn sqlite_path(path: &str) -> &str {
    path.strip_prefix("//").unwrap_or(path)
}

/// A URL that names nothing that is known here. The scheme alone is told: the rest may hold a password.
pub(crate) fn unknown(url: &str) -> StoreError {
    let scheme = url.split(':').next().unwrap_or_default();
    StoreError::Unusable(format!(
        "`{scheme}:` is not a database that the server knows; use `sqlite:FILE`, `postgres://HOST/NAME` or `memory:`"
    ))
}
