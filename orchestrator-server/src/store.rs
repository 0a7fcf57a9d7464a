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

/// Whether a URL names a database that any number of servers may share.
pub(crate) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Opens the store that a URL names: `memory:`, `sqlite:path/to/file.db` or `postgres://…`.
pub(crate) async fn open(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    if url == "memory:" {
        return Ok(Arc::new(MemoryStore::new()));
    }
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        let store = SqliteStore::open(path, SqliteOptions::default()).await?;
        // What a server before this one ran and did not give back goes on at once.
        store.reap(SystemClock.now()).await?;
        return Ok(Arc::new(store));
    }
    if is_postgres(url) {
        return Ok(Arc::new(PostgresStore::open(url, PostgresOptions::default()).await?));
    }
    let scheme = url.split(':').next().unwrap_or_default();
    Err(StoreError::Unusable(format!(
        "`{scheme}:` is not a database that the server knows; use `sqlite:FILE`, `postgres://HOST/NAME` or `memory:`"
    )))
}
