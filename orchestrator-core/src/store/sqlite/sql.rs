//! Statements for many rows at once.
//!
//! A statement costs a trip to the connection's thread and back, which is dearer than the statement itself. So rows are
//! written by `insert .. values (..), (..)`, a hundred or so a statement, and what is left over of every table goes into
//! one [`Script`] that is executed, and committed, in one trip.

use std::{
    fmt::Write,
    sync::{Arc, OnceLock},
};

use sqlx::{Arguments, sqlite::SqliteArguments};

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

    /// The statement for a part as [`Insert::divide`] makes them.
    pub(super) fn chunk(&self, rows: usize) -> Arc<str> {
        let size = CHUNKS.iter().position(|size| *size == rows).unwrap_or_default();
        let fill = || {
            let mut sql = String::new();
            self.push(&mut sql, rows);
            sql.into()
        };
        self.chunks[size].get_or_init(fill).clone()
    }

    /// The large parts that are written at once, and the rest.
    #[expect(clippy::unused_self, reason = "how rows are divided is the insert's matter")]
    pub(super) fn divide<'r, R>(&self, mut rows: &'r [R]) -> (Vec<&'r [R]>, &'r [R]) {
        let mut parts = Vec::new();
        for size in CHUNKS {
            while let Some((part, rest)) = rows.split_at_checked(size) {
                parts.push(part);
                rows = rest;
            }
        }
        (parts, rows)
    }
}

/// Statements that are executed in one trip, and their parameters in order.
///
/// Every parameter is a plain `?`, which takes the next one: numbered ones would be read per statement.
#[derive(Default)]
pub(super) struct Script {
    sql: String,
    args: Args,
    comes_first: bool,
}

impl Script {
    /// Adds a statement.
    pub(super) fn push(&mut self, sql: &str) -> &mut Args {
        self.separate();
        self.sql.push_str(sql);
        &mut self.args
    }

    /// Adds a statement that must be executed before rows that are inserted later.
    pub(super) fn push_first(&mut self, sql: &str) -> &mut Args {
        self.comes_first = true;
        self.push(sql)
    }

    /// Adds rows.
    pub(super) fn insert<R>(&mut self, insert: &Insert, rows: &[R], bind: impl Fn(&mut Args, &R)) {
        if rows.is_empty() {
            return;
        }
        self.separate();
        insert.push(&mut self.sql, rows.len());
        for row in rows {
            bind(&mut self.args, row);
        }
    }

    fn separate(&mut self) {
        if !self.sql.is_empty() {
            self.sql.push(';');
        }
    }

    /// Whether it must be executed before rows that are inserted later.
    pub(super) fn comes_first(&self) -> bool {
        self.comes_first
    }

    /// All statements after another one, and their parameters.
    pub(super) fn after(self, first: Option<String>) -> (String, SqliteArguments) {
        let sql = match first {
            Some(first) => first + ";" + &self.sql,
            None => self.sql,
        };
        (sql, self.args.0)
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
