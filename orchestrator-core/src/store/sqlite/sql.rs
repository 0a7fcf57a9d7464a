//! Statements for many rows at once.
//!
//! A statement costs a trip to the connection's thread and back, which is dearer than the statement itself. So rows are
//! written by `insert .. values (..), (..)`, a hundred or so a statement, and what is left over of every table goes into
//! one [`Script`] that is executed, and committed, in one trip.

use std::{
    fmt::Write,
    sync::{Arc, OnceLock},
};

use sqlx::{
    Arguments, AssertSqlSafe, Executor, SqliteConnection,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::fault;
use crate::store::error::StoreError;

/// How many rows the statements of their own have. Few sizes, so that few statements are prepared and kept.
const CHUNKS: [usize; 2] = [128, 32];

/// Parameters of a statement.
#[derive(Default)]
pub(super) struct Args(SqliteArguments);

impl Args {
    /// Adds a number.
    pub(super) fn int(&mut self, value: i64) {
        self.add(value);
    }

    /// Adds a number or null.
    pub(super) fn opt_int(&mut self, value: Option<i64>) {
        self.add(value);
    }

    /// Adds a text.
    pub(super) fn text(&mut self, value: impl Into<String>) {
        self.add(value.into());
    }

    /// Adds a text or null.
    pub(super) fn opt_text(&mut self, value: Option<impl Into<String>>) {
        self.add(value.map(Into::into));
    }

    /// Adds sixteen bytes.
    pub(super) fn id(&mut self, value: &[u8; 16]) {
        self.add(value.to_vec());
    }

    /// Adds sixteen bytes or null.
    pub(super) fn opt_id(&mut self, value: Option<&[u8; 16]>) {
        self.add(value.map(|bytes| bytes.to_vec()));
    }

    /// The parameters as the driver takes them.
    pub(super) fn into_inner(self) -> SqliteArguments {
        self.0
    }

    fn add<'t, V>(&mut self, value: V)
    where
        V: sqlx::Encode<'t, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        Arguments::add(&mut self.0, value).expect("numbers, texts and bytes can always be bound");
    }
}

/// An insert into one table.
pub(super) struct Insert {
    head: &'static str,
    columns: usize,
    tail: &'static str,
    chunks: [OnceLock<Arc<str>>; CHUNKS.len()],
}

impl Insert {
    /// `head` goes up to `values`, `tail` follows the rows.
    pub(super) const fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        Self {
            head,
            columns,
            tail,
            chunks: [const { OnceLock::new() }; CHUNKS.len()],
        }
    }

    fn push(&self, sql: &mut String, rows: usize) {
        sql.push_str(self.head);
        for row in 0..rows {
            sql.push_str(if row == 0 { " (?" } else { ",(?" });
            for _ in 1..self.columns {
                sql.push_str(",?");
            }
            sql.push(')');
        }
        sql.push_str(self.tail);
    }

    fn chunk(&self, size: usize) -> Arc<str> {
        let fill = |rows| {
            let mut sql = String::new();
            self.push(&mut sql, rows);
            sql.into()
        };
        self.chunks[size].get_or_init(|| fill(CHUNKS[size])).clone()
    }
}

/// Statements that are executed in one trip, and their parameters in order.
///
/// Every parameter is a plain `?`, which takes the next one: numbered ones would be read per statement.
#[derive(Default)]
pub(super) struct Script {
    sql: String,
    args: Args,
}

impl Script {
    /// Adds a statement.
    pub(super) fn push(&mut self, sql: &str) -> &mut Args {
        if !self.sql.is_empty() {
            self.sql.push(';');
        }
        self.sql.push_str(sql);
        &mut self.args
    }

    /// Writes rows: large parts at once, the rest with this script.
    pub(super) async fn insert<R>(
        &mut self,
        conn: &mut SqliteConnection,
        insert: &'static Insert,
        mut rows: &[R],
        bind: impl Fn(&mut Args, &R),
    ) -> Result<(), StoreError> {
        for (at, size) in CHUNKS.into_iter().enumerate() {
            while rows.len() >= size {
                let (now, later) = rows.split_at(size);
                let mut args = Args::default();
                args.0.reserve(size * insert.columns, 0);
                for row in now {
                    bind(&mut args, row);
                }
                let query = sqlx::query_with(AssertSqlSafe(insert.chunk(at)), args.0);
                conn.execute(query).await.map_err(|e| fault::of(&e))?;
                rows = later;
            }
        }
        if !rows.is_empty() {
            if !self.sql.is_empty() {
                self.sql.push(';');
            }
            insert.push(&mut self.sql, rows.len());
            for row in rows {
                bind(&mut self.args, row);
            }
        }
        Ok(())
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.sql.is_empty()
    }

    /// Executes everything and gives the rows that its statements return.
    pub(super) async fn run(self, conn: &mut SqliteConnection) -> Result<Vec<SqliteRow>, StoreError> {
        let query = sqlx::query_with(AssertSqlSafe(self.sql), self.args.0);
        conn.fetch_all(query).await.map_err(|e| fault::of(&e))
    }
}

/// Numbers as a JSON array, for `json_each`.
pub(super) fn numbers(values: impl IntoIterator<Item = i64>) -> String {
    let mut text = String::from("[");
    for value in values {
        if text.len() > 1 {
            text.push(',');
        }
        write!(text, "{value}").expect("a String takes everything");
    }
    text.push(']');
    text
}
