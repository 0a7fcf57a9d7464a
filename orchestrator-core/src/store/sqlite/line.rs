//! The writer's connection while a transaction is worked out.

use sqlx::{
    AssertSqlSafe, Executor, SqliteConnection,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{failure::Trouble, fault, sql::Script, wire::Wire};
use crate::store::error::StoreError;

/// The connection. A transaction that is not begun yet begins with the first trip, and takes no trip of its own; the
/// first trip waits for the commit of the transaction before it.
pub(super) struct Line<'w> {
    wire: &'w mut Wire,
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
    pub(super) fn new(wire: &'w mut Wire, begin: Option<String>) -> Self {
        Self {
            wire,
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
        let trips = self.trips(script);
        let conn = match self.wire.free().await {
            Ok(conn) => conn,
            Err(error) => {
                self.trouble = Some(Trouble::Behind);
                return Err(error);
            }
        };
        trips.run(conn).await.map_err(|(error, trouble)| {
            self.trouble = trouble;
            error
        })
    }

    /// What is to be sent for a script, with the beginning of the transaction if it has not begun.
    pub(super) fn trips(&mut self, script: Script) -> Trips {
        let begin = self.begin.take();
        let begins = begin.is_some();
        let mut texts = Vec::new();
        for part in script.into_parts() {
            let (mut sql, args) = part.into_inner();
            if let Some(begin) = begin.as_ref().filter(|_| texts.is_empty()) {
                sql = format!("{begin};{sql}");
            }
            texts.push((sql, args));
        }
        Trips { texts, begins }
    }
}

/// Statements on their way to a connection.
pub(super) struct Trips {
    texts: Vec<(String, SqliteArguments)>,
    /// Whether a transaction begins with the first.
    begins: bool,
}

impl Trips {
    /// Goes and comes back with the rows, or with what was wrong.
    pub(super) async fn run(
        self,
        conn: &mut SqliteConnection,
    ) -> Result<Vec<SqliteRow>, (StoreError, Option<Trouble>)> {
        let mut rows = Vec::new();
        for (trip, (sql, args)) in self.texts.into_iter().enumerate() {
            let query = sqlx::query_with(AssertSqlSafe(sql), args);
            let begins = self.begins && trip == 0;
            let more = conn
                .fetch_all(query)
                .await
                .map_err(|error| (fault::of(&error), trouble(&error, begins)))?;
            if rows.is_empty() {
                rows = more;
            } else {
                rows.extend(more);
            }
        }
        Ok(rows)
    }
}

/// What an error says beyond its words.
fn trouble(error: &sqlx::Error, begins: bool) -> Option<Trouble> {
    if begins && fault::words(error) == GUARD_WORDS {
        Some(Trouble::Stale)
    } else {
        fault::is_locked(error).then_some(Trouble::Locked)
    }
}
