//! Opening a database file: what can be wrong with it, in one clear line.

use std::{fs, io, path::Path, time::Duration};

use orchestrator_migrations::{SQLITE, Step, steps};
use sqlx::{
    ConnectOptions, Connection, Executor, Row, SqliteConnection, SqlitePool,
    migrate::MigrateError,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::fault;
use crate::store::error::StoreError;

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Whether only reading is wanted: nothing is created, verbs that write are refused. Defaults to false.
    pub read_only: bool,
    /// How long a writer waits for another process that writes. Defaults to 5 seconds.
    pub busy_timeout: Duration,
    /// The largest that the database may become, in bytes: what would make it larger is refused with
    /// [`StoreError::Full`] until there is room again. No limit by default.
    pub max_bytes: Option<u64>,
    /// How many connections read at the same time. Defaults to 4; each costs a thread while it is in use.
    pub readers: u32,
    /// Whether the schema is brought up to date. Where it is not, a schema that is not up to date is refused. Defaults to
    /// true.
    pub migrate: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            read_only: false,
            busy_timeout: Duration::from_secs(5),
            max_bytes: None,
            readers: 4,
            migrate: true,
        }
    }
}

/// The size of a page.
const PAGE_BYTES: u64 = 4096;

/// WAL pages between checkpoints, 16 MB: four times SQLite's own number, for a quarter of the syncs.
const CHECKPOINT_PAGES: &str = "4000";

/// The settings of the writer's connection.
pub(super) fn writer(path: &Path, options: &SqliteOptions) -> SqliteConnectOptions {
    let settings = match options.max_bytes {
        Some(bytes) => common(path, options).pragma("max_page_count", (bytes / PAGE_BYTES).max(1).to_string()),
        None => common(path, options),
    };
    settings
        .create_if_missing(true)
        .page_size(PAGE_BYTES as u32)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        // Statements are written for many sizes of batches; preparing one again costs more than keeping it.
        .statement_cache_capacity(128)
}

/// The connections that read.
pub(super) fn readers(path: &Path, options: &SqliteOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(options.readers.max(1))
        .test_before_acquire(false)
        .idle_timeout(Duration::from_mins(1))
        .connect_lazy_with(common(path, options).read_only(true))
}

fn common(path: &Path, options: &SqliteOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(options.busy_timeout)
        // What belongs together is written together; checking it again would cost a look-up a row.
        .foreign_keys(false)
        .row_buffer_size(1024)
        .disable_statement_logging()
}

/// Says what is wrong with a path before SQLite says it in fewer words.
pub(super) fn check_path(path: &Path, options: &SqliteOptions) -> Result<(), StoreError> {
    let unusable = |message: String| Err(StoreError::Unusable(message));
    let shown = path.display();
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return unusable(format!("{shown} is a directory; give a file in it")),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
                let parent = parent.display();
                return unusable(format!(
                    "{shown} cannot be created: there is no directory {parent}; create it first"
                ));
            }
            if options.read_only {
                return unusable(format!("there is no database {shown}"));
            }
            return Ok(());
        }
        Err(error) => return unusable(format!("{shown} cannot be opened: {error}")),
    }
    let opened = fs::OpenOptions::new().read(true).write(!options.read_only).open(path);
    match opened {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let what = if options.read_only { "read" } else { "read and write" };
            unusable(format!("{shown} cannot be opened: no permission to {what} it"))
        }
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            unusable(format!("{shown} cannot be written: its file system is read-only"))
        }
        Err(error) => unusable(format!("{shown} cannot be opened: {error}")),
        Ok(_) => Ok(()),
    }
}

/// Opens the writer's connection and brings the schema up to date.
pub(super) async fn connect(
    path: &Path,
    options: &SqliteConnectOptions,
    migrate: bool,
) -> Result<SqliteConnection, StoreError> {
    let shown = path.display().to_string();
    let mut conn = options.connect().await.map_err(|e| fault::on_open(&shown, &e))?;
    let (found, newest) = (version(&shown, &mut conn).await?, newest());
    if found != Some(newest) {
        if !migrate {
            return Err(StoreError::Unusable(format!(
                "{shown} has a schema at {}, and this program needs {newest}; bring it up to date with \
                 `orchestrator-server migrate`, or let the program do it",
                found.unwrap_or(0)
            )));
        }
        go(&shown, &mut conn, newest).await?;
    }
    Ok(conn)
}

/// Every step of the schema, in order, and whether a database file has it. A file that is missing has none.
///
/// # Errors
///
/// As [`super::SqliteStore::open`].
pub async fn migrations(path: impl AsRef<Path>) -> Result<Vec<Step>, StoreError> {
    let path = path.as_ref();
    let options = SqliteOptions::default();
    check_path(path, &options)?;
    if !path.exists() {
        return Ok(steps(&SQLITE, &[]));
    }
    let shown = path.display().to_string();
    let settings = common(path, &options).read_only(true);
    let mut conn = settings.connect().await.map_err(|e| fault::on_open(&shown, &e))?;
    if version(&shown, &mut conn).await?.is_none() {
        return Ok(steps(&SQLITE, &[]));
    }
    let rows = conn.fetch_all("select version from _sqlx_migrations").await;
    let rows = rows.map_err(|e| fault::on_open(&shown, &e))?;
    let applied: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    Ok(steps(&SQLITE, &applied))
}

/// Brings the schema of a database file to a version, up or down, all or nothing. Going down drops what later versions
/// added. Nobody else should use the file meanwhile.
///
/// # Errors
///
/// As [`super::SqliteStore::open`].
pub async fn migrate(path: impl AsRef<Path>, to: i64) -> Result<(), StoreError> {
    let (path, options) = (path.as_ref(), SqliteOptions::default());
    check_path(path, &options)?;
    let shown = path.display().to_string();
    let opened = writer(path, &options).connect().await;
    let mut conn = opened.map_err(|e| fault::on_open(&shown, &e))?;
    version(&shown, &mut conn).await?;
    go(&shown, &mut conn, to).await?;
    conn.close().await.map_err(|e| fault::on_open(&shown, &e))
}

/// Opens a connection that only reads. Refuses a database that cannot be read without changing it.
pub(super) async fn watcher(path: &Path, options: &SqliteOptions) -> Result<SqliteConnection, StoreError> {
    let shown = path.display().to_string();
    let settings = common(path, options).read_only(true);
    let mut conn = settings.connect().await.map_err(|e| fault::on_open(&shown, &e))?;
    match version(&shown, &mut conn).await? {
        Some(found) if found == newest() => Ok(conn),
        Some(_) => Err(StoreError::Unusable(format!(
            "{shown} was written by an older version of this program; open it for writing once to bring it up to date"
        ))),
        None => Err(StoreError::Unusable(format!("{shown} is empty"))),
    }
}

/// The newest schema that this program knows.
fn newest() -> i64 {
    orchestrator_migrations::newest(&SQLITE)
}

/// The schema that a database has; none when it is empty.
async fn version(shown: &str, conn: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    let sql = "select count(*),coalesce(sum(name='_sqlx_migrations'),0) from sqlite_master where type='table'";
    let row = conn.fetch_one(sql).await.map_err(|e| fault::on_open(shown, &e))?;
    let (tables, ours): (i64, i64) = (row.get(0), row.get(1));
    if ours == 0 {
        if tables > 0 {
            let message = format!("{shown} is the SQLite database of another program; give another file");
            return Err(StoreError::Unusable(message));
        }
        return Ok(None);
    }
    let sql = "select max(version) from _sqlx_migrations";
    let row = conn.fetch_one(sql).await.map_err(|e| fault::on_open(shown, &e))?;
    let found: Option<i64> = row.get(0);
    if found.is_some_and(|found| found > newest()) {
        return Err(StoreError::Unusable(format!(
            "{shown} was written by a newer version of this program; upgrade this one. Nothing was changed"
        )));
    }
    Ok(found)
}

/// Brings the schema to a version, all or nothing, while no other process can do the same.
async fn go(shown: &str, conn: &mut SqliteConnection, to: i64) -> Result<(), StoreError> {
    let failed = |e: &dyn std::fmt::Display| StoreError::Unusable(format!("{shown} cannot be brought up to date: {e}"));
    let mut tx = conn
        .begin_with("begin immediate")
        .await
        .map_err(|e| fault::on_open(shown, &e))?;
    // Another process may have done it meanwhile, perhaps a newer one.
    let found = version(shown, &mut tx).await?.unwrap_or(0);
    let done = orchestrator_migrations::go(&SQLITE, &mut *tx, found, to).await;
    done.map_err(|e| match e {
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) if fault::primary_code(&e).is_some() => {
            fault::on_open(shown, &e)
        }
        other => failed(&other),
    })?;
    tx.commit().await.map_err(|e| fault::on_open(shown, &e))
}
