//! Statements for many rows at once.
//!
//! A statement costs a trip to the connection's thread and back, which is dearer than the statement itself. So rows are
//! written some hundred a statement, and what is left over of every table goes into one [`Script`] that is executed, and
//! committed, in one trip. Next in price come parameters; what all rows of a statement have in common is passed once.

use std::{borrow::Cow, fmt::Write, sync::Arc};

use rustc_hash::FxHashMap;
use sqlx::{Arguments, sqlite::SqliteArguments};

/// How many rows the statements of their own have. Few sizes, so that few statements are prepared and kept.
const CHUNKS: [usize; 2] = [256, 64];

/// Rows from which on it pays to look for what they have in common.
const SOME: usize = 4;

/// A value that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'v> {
    Null,
    Int(i64),
    Text(Cow<'v, str>),
    Id(&'v [u8; 16]),
}

/// Values of rows, one row after the other.
#[derive(Debug, Default)]
pub(super) struct Cells<'v>(Vec<Cell<'v>>);

impl<'v> Cells<'v> {
    /// Adds a number.
    pub(super) fn int(&mut self, value: i64) {
        self.0.push(Cell::Int(value));
    }

    /// Adds a number or null.
    pub(super) fn opt_int(&mut self, value: Option<i64>) {
        self.0.push(value.map_or(Cell::Null, Cell::Int));
    }

    /// Adds a text.
    pub(super) fn text(&mut self, value: impl Into<Cow<'v, str>>) {
        self.0.push(Cell::Text(value.into()));
    }

    /// Adds a text or null.
    pub(super) fn opt_text(&mut self, value: Option<impl Into<Cow<'v, str>>>) {
        self.0.push(value.map_or(Cell::Null, |text| Cell::Text(text.into())));
    }

    /// Adds sixteen bytes.
    pub(super) fn id(&mut self, value: &'v [u8; 16]) {
        self.0.push(Cell::Id(value));
    }

    /// Adds sixteen bytes or null.
    pub(super) fn opt_id(&mut self, value: Option<&'v [u8; 16]>) {
        self.0.push(value.map_or(Cell::Null, Cell::Id));
    }
}

/// Parameters of statements.
#[derive(Default)]
pub(super) struct Args(SqliteArguments);

impl Args {
    /// Adds a number.
    pub(super) fn int(&mut self, value: i64) {
        self.add(value);
    }

    /// Adds a text.
    pub(super) fn text(&mut self, value: impl Into<String>) {
        self.add(value.into());
    }

    /// Adds sixteen bytes.
    pub(super) fn id(&mut self, value: &[u8; 16]) {
        self.add(value.to_vec());
    }

    fn cell(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Null => self.add(None::<i64>),
            Cell::Int(value) => self.add(value),
            Cell::Text(text) => self.add(text.into_owned()),
            Cell::Id(id) => self.id(id),
        }
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

/// Which columns differ between the rows of a statement; the others are the same in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Varying(u32);

impl Varying {
    const ALL: Self = Self(u32::MAX);

    fn of(cells: &[Cell<'_>], columns: usize) -> Self {
        if cells.len() < SOME * columns {
            return Self::ALL;
        }
        let (first, rest) = cells.split_at(columns);
        let mut varying = 0;
        for row in rest.chunks_exact(columns) {
            for (column, (a, b)) in first.iter().zip(row).enumerate() {
                if varying & (1 << column) == 0 && a != b {
                    varying |= 1 << column;
                }
            }
        }
        if varying == 0 { Self::ALL } else { Self(varying) }
    }

    fn has(self, column: usize) -> bool {
        self.0 & (1 << column) != 0
    }
}

/// An insert into one table.
pub(super) struct Insert {
    /// Up to the rows: `insert into task(key,id)`.
    head: &'static str,
    columns: usize,
    /// After the rows.
    tail: &'static str,
}

impl Insert {
    /// An insert of rows; `head` goes up to them, `tail` follows them.
    pub(super) const fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        assert!(columns <= 32, "a mask has 32 bits");
        Self { head, columns, tail }
    }

    fn push(&self, sql: &mut String, rows: usize, varying: Varying) {
        sql.push_str(self.head);
        if varying == Varying::ALL {
            push_rows(sql, rows, self.columns);
        } else {
            let mut place = 0;
            for column in 0..self.columns {
                sql.push_str(if column == 0 { " select " } else { "," });
                if varying.has(column) {
                    place += 1;
                    write!(sql, "column{place}").expect("a String takes everything");
                } else {
                    sql.push('?');
                }
            }
            sql.push_str(" from (");
            push_rows(sql, rows, place);
            // Without a condition SQLite takes what follows for part of a join.
            sql.push_str(") where true");
        }
        sql.push_str(self.tail);
    }

    /// Adds the values as [`Insert::push`] asks for them: what is common first.
    fn bind(&self, args: &mut Args, cells: Vec<Cell<'_>>, varying: Varying) {
        if varying != Varying::ALL {
            for column in (0..self.columns).filter(|column| !varying.has(*column)) {
                args.cell(cells[column].clone());
            }
        }
        for (at, cell) in cells.into_iter().enumerate() {
            if varying.has(at % self.columns) {
                args.cell(cell);
            }
        }
    }

    /// The large parts that get statements of their own, and the rest.
    pub(super) fn divide<R>(mut rows: &[R]) -> (Vec<&[R]>, &[R]) {
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

fn push_rows(sql: &mut String, rows: usize, columns: usize) {
    sql.push_str(" values ");
    for row in 0..rows {
        sql.push_str(if row == 0 { "(?" } else { ",(?" });
        for _ in 1..columns {
            sql.push_str(",?");
        }
        sql.push(')');
    }
}

/// Texts of large statements, which need not be written again.
#[derive(Default)]
pub(super) struct Texts(FxHashMap<(&'static str, usize, Varying), Arc<str>>);

/// How many texts are kept. Which columns vary is much the same from batch to batch.
const KEPT: usize = 256;

impl Texts {
    /// The statement for a part as [`Insert::divide`] makes them, and its parameters.
    pub(super) fn statement<'r, R>(
        &mut self,
        insert: &Insert,
        rows: &'r [R],
        bind: &impl Fn(&mut Cells<'r>, &'r R),
    ) -> (Arc<str>, SqliteArguments) {
        let cells = cells(insert, rows, bind);
        let varying = Varying::of(&cells, insert.columns);
        if self.0.len() > KEPT {
            self.0.clear();
        }
        let text = self.0.entry((insert.head, rows.len(), varying)).or_insert_with(|| {
            let mut sql = String::new();
            insert.push(&mut sql, rows.len(), varying);
            sql.into()
        });
        let mut args = Args::default();
        insert.bind(&mut args, cells, varying);
        (text.clone(), args.0)
    }
}

fn cells<'r, R>(insert: &Insert, rows: &'r [R], bind: &impl Fn(&mut Cells<'r>, &'r R)) -> Vec<Cell<'r>> {
    let mut cells = Cells(Vec::with_capacity(rows.len() * insert.columns));
    for row in rows {
        bind(&mut cells, row);
    }
    debug_assert_eq!(cells.0.len(), rows.len() * insert.columns, "{}", insert.head);
    cells.0
}

/// Statements that are executed in one trip, and their parameters in order.
///
/// Every parameter is a plain `?`, which takes the next one: numbered ones would be read per statement.
#[derive(Default)]
pub(super) struct Script {
    sql: String,
    args: Args,
    rows: usize,
    comes_first: bool,
}

/// Scripts with more rows than this are not kept prepared: hardly two are alike.
const ALIKE: usize = 16;

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
    pub(super) fn insert<'r, R>(&mut self, insert: &Insert, rows: &'r [R], bind: &impl Fn(&mut Cells<'r>, &'r R)) {
        if rows.is_empty() {
            return;
        }
        self.separate();
        let cells = cells(insert, rows, bind);
        let varying = Varying::of(&cells, insert.columns);
        insert.push(&mut self.sql, rows.len(), varying);
        insert.bind(&mut self.args, cells, varying);
        self.rows += rows.len();
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

    /// Whether the same statements are likely to come again.
    pub(super) fn is_worth_keeping(&self) -> bool {
        self.rows <= ALIKE
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

#[cfg(test)]
mod tests {
    use super::*;

    static PAIRS: Insert = Insert::new("insert into pair(a,b,c)", 3, "");

    fn sql(rows: &[(i64, i64, &str)]) -> (String, usize) {
        let mut script = Script::default();
        script.insert(&PAIRS, rows, &|cells, (a, b, c)| {
            cells.int(*a);
            cells.int(*b);
            cells.text(*c);
        });
        let (sql, args) = script.after(None);
        (sql, args.len())
    }

    #[test]
    fn what_is_common_is_passed_once() {
        let rows = [(1, 7, "x"), (2, 7, "x"), (3, 7, "x"), (4, 7, "y")];
        let expected = "insert into pair(a,b,c) select column1,?,column2 from ( values (?,?),(?,?),(?,?),(?,?)) where true";
        assert_eq!(sql(&rows), (expected.to_owned(), 9));
    }

    #[test]
    fn a_few_rows_are_passed_as_they_are() {
        let expected = "insert into pair(a,b,c) values (?,?,?),(?,?,?)";
        assert_eq!(sql(&[(1, 7, "x"), (2, 7, "x")]), (expected.to_owned(), 6));
    }

    #[test]
    fn rows_that_are_all_alike_are_passed_as_they_are() {
        assert_eq!(sql(&[(1, 7, "x"); 5]).1, 15);
    }
}
