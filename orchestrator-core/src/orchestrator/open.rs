//! A store from its URL.

use std::sync::Arc;

use crate::{
    clock::Sources,
    error::Error,
    store::{Owner, Store, memory::MemoryStore},
};

const VERSION: &str = concat!("version ", env!("CARGO_PKG_VERSION"));

/// Opens the store of a URL, `memory:` or `sqlite:path/to/file.db`, for programs that put the parts together themselves.
/// For files that other processes may share, also says who this process is to them: workers of this process say so when
/// they open a session, so that what they were doing goes on at once if the process is killed.
///
/// # Errors
///
/// [`Error::Url`] for another scheme; [`Error::Store`] when the file cannot be used, with what to do.
pub async fn store(url: &str, sources: &Sources) -> Result<(Arc<dyn Store>, Option<Owner>), Error> {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    match scheme {
        "memory" if rest.is_empty() => Ok((Arc::new(MemoryStore::new()), None)),
        "sqlite" => sqlite(rest, sources).await,
        "postgres" | "postgresql" => Err(Error::Url(
            "PostgreSQL comes with the crate orchestrator-postgres: call `orchestrator_postgres::open` with this URL"
                .to_owned(),
        )),
        "http" | "https" => Err(Error::Url(format!(
            "servers come with the crate orchestrator-client, which {VERSION} does not have yet; use \
             `sqlite:path/to/file.db`"
        ))),
        // The scheme alone: the rest of a URL may hold a password.
        _ => Err(Error::Url(format!(
            "`{scheme}` is not the URL of a store; use `memory:` or `sqlite:path/to/file.db`"
        ))),
    }
}

#[cfg(feature = "sqlite")]
async fn sqlite(path: &str, sources: &Sources) -> Result<(Arc<dyn Store>, Option<Owner>), Error> {
    use crate::store::sqlite::{SqliteOptions, SqliteStore};

    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path == ":memory:" {
        let message = "`sqlite:` needs the path of a file, as in `sqlite:agents.db`; without one use `memory:`";
        return Err(Error::Url(message.to_owned()));
    }
    let store = SqliteStore::open(path, SqliteOptions::default()).await?;
    // What a killed process was doing goes on at once, not when its sessions have been silent for long enough.
    store.reap(sources.clock.now()).await?;
    let owner = store.owner();
    Ok((Arc::new(store), owner))
}

#[cfg(not(feature = "sqlite"))]
#[expect(clippy::unused_async, reason = "the same signature as with SQLite")]
async fn sqlite(_path: &str, _sources: &Sources) -> Result<(Arc<dyn Store>, Option<Owner>), Error> {
    Err(Error::Url(
        "this program was built without SQLite (feature `sqlite` of orchestrator-core)".to_owned(),
    ))
}
