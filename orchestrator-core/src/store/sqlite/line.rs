//! The writer's connection while a transaction lasts.

use sqlx::{AssertSqlSafe, Executor, SqliteConnection, sqlite::SqliteRow};

use super::{fault, sql::Script};
use crate::store::error::StoreError;

/// What went wrong beyond what an error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Another process has written since what is remembered was read.
    Stale,
    /// Another process keeps the file locked.
    Locked,
}

/// The connection. A transaction that is not begun yet begins with the first trip, and takes no trip of its own.
pub(super) struct Line<'w> {
    conn: &'w mut SqliteConnection,
    begin: Option<String>,
    trouble: Option<Trouble>,
}

/// What SQLite says to a guard that is not met.
const GUARD_WORDS: &str = "integer overflow";

/// Begins a transaction that fails at once when another process has written since `version`: then, and only then, the
/// number whose absolute value is asked for has none.
pub(super) fn guarded_begin(settings: &str, version: i64) -> String {
    format!(
        "{settings}begin immediate;select 1 from pragma_data_version \
         where abs(-9223372036854775807-(data_version<>{version}))<0"
    )
}

impl<'w> Line<'w> {
    /// A connection whose transaction is begun, or is to begin with these statements.
    pub(super) fn new(conn: &'w mut SqliteConnection, begin: Option<String>) -> Self {
        Self {
            conn,
            begin,
            trouble: None,
        }
    }

    /// What went wrong, if that is known better than the error says.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.trouble
    }

    /// Runs a script and gives the rows that its statements return.
    pub(super) async fn run(&mut self, script: Script) -> Result<Vec<SqliteRow>, StoreError> {
        let mut rows = Vec::new();
        for part in script.into_parts() {
            let (mut sql, args) = part.into_inner();
            let begin = self.begin.take();
            let begins = begin.is_some();
            if let Some(begin) = begin {
                sql = begin + ";" + &sql;
            }
            let query = sqlx::query_with(AssertSqlSafe(sql), args);
            let done = self.conn.fetch_all(query).await;
            let more = done.map_err(|error| self.note(&error, begins))?;
            if rows.is_empty() {
                rows = more;
            } else {
                rows.extend(more);
            }
        }
        Ok(rows)
    }

    /// Keeps in mind what an error says beyond its words.
    fn note(&mut self, error: &sqlx::Error, begins: bool) -> StoreError {
        if begins && fault::words(error) == GUARD_WORDS {
            self.trouble = Some(Trouble::Stale);
        } else if fault::is_locked(error) {
            self.trouble = Some(Trouble::Locked);
        }
        fault::of(error)
    }
}
