//! The writer's connection while a transaction lasts.

use sqlx::{AssertSqlSafe, Executor, SqliteConnection, sqlite::SqliteRow};

use super::{
    fault,
    sql::{Cells, Insert, Script, Texts},
};
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
    texts: &'w mut Texts,
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
    pub(super) fn new(conn: &'w mut SqliteConnection, texts: &'w mut Texts, begin: Option<String>) -> Self {
        Self {
            conn,
            texts,
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
        let begin = self.begin.take();
        let begins = begin.is_some();
        let keep = script.is_worth_keeping();
        let (sql, args) = script.after(begin);
        let query = sqlx::query_with(AssertSqlSafe(sql), args).persistent(keep);
        let done = self.conn.fetch_all(query).await;
        done.map_err(|error| {
            if begins && fault::words(&error) == GUARD_WORDS {
                self.trouble = Some(Trouble::Stale);
            } else if fault::is_locked(&error) {
                self.trouble = Some(Trouble::Locked);
            }
            fault::of(&error)
        })
    }

    /// Writes rows: large parts at once, the rest with the script.
    pub(super) async fn insert<'r, R>(
        &mut self,
        script: &mut Script,
        insert: &'static Insert,
        rows: &'r [R],
        bind: impl Fn(&mut Cells<'r>, &'r R),
    ) -> Result<(), StoreError> {
        let (parts, rest) = Insert::divide(rows);
        if !parts.is_empty() && (self.begin.is_some() || script.comes_first()) {
            self.run(std::mem::take(script)).await?;
        }
        for part in parts {
            let (sql, args) = self.texts.statement(insert, part, &bind);
            let query = sqlx::query_with(AssertSqlSafe(sql), args);
            self.conn.execute(query).await.map_err(|e| fault::of(&e))?;
        }
        script.insert(insert, rest, &bind);
        Ok(())
    }
}
