//! Statements for many rows at once.
//!
//! A statement costs a trip to the connection's thread and back, which is dearer than the statement itself. So all rows
//! of a table are one statement, and the statements for all tables are one [`Script`] that is executed, and committed, in
//! one trip. Next in price come parameters; what all rows of a statement have in common, and what grows along with
//! another column, is passed once.

mod shape;

use std::{borrow::Cow, fmt::Write};

use sqlx::{Arguments, sqlite::SqliteArguments};

use self::shape::{Column, Shape};

/// How many rows a statement has at most: SQLite takes 32,766 parameters, and no table has sixteen columns.
const MOST: usize = 2048;

/// A value that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'v> {
    Null,
    Int(i64),
    Text(Cow<'v, str>),
    Id(&'v [u8; 16]),
    Bytes(&'v [u8]),
    Eight([u8; 8]),
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

    /// Adds bytes.
    pub(super) fn bytes(&mut self, value: &'v [u8]) {
        self.0.push(Cell::Bytes(value));
    }

    /// Adds eight bytes.
    pub(super) fn eight(&mut self, value: [u8; 8]) {
        self.0.push(Cell::Eight(value));
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

    /// Adds a number with a fraction.
    pub(super) fn real(&mut self, value: f64) {
        self.add(value);
    }

    /// Adds a text.
    pub(super) fn text(&mut self, value: impl Into<String>) {
        self.add(value.into());
    }

    /// Adds a text or null.
    pub(super) fn opt_text(&mut self, value: Option<&str>) {
        self.add(value.map(str::to_owned));
    }

    /// Adds sixteen bytes.
    pub(super) fn id(&mut self, value: &[u8; 16]) {
        self.add(value.to_vec());
    }

    /// Adds bytes.
    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.add(value.to_vec());
    }

    /// Adds thirty-two bytes.
    pub(super) fn digest(&mut self, value: &[u8; 32]) {
        self.add(value.to_vec());
    }

    fn cell(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Null => self.add(None::<i64>),
            Cell::Int(value) => self.add(value),
            Cell::Text(text) => self.add(text.into_owned()),
            Cell::Id(id) => self.id(id),
            Cell::Bytes(bytes) => self.bytes(bytes),
            Cell::Eight(bytes) => self.bytes(&bytes),
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
        Self { head, columns, tail }
    }

    /// Adds the statement for so many rows. Rows whose column that is always filled is null are left out.
    fn push(&self, sql: &mut String, rows: usize, shape: &Shape) {
        sql.push_str(self.head);
        if shape.is_plain() {
            push_rows(sql, rows, self.columns);
        } else {
            for (at, column) in shape.columns().enumerate() {
                sql.push_str(if at == 0 { " select " } else { "," });
                match column {
                    Column::Common => sql.push('?'),
                    Column::Varying(place) => write!(sql, "column{place}").expect("a String takes everything"),
                    Column::Beside(place) => write!(sql, "column{place}+?").expect("a String takes everything"),
                }
            }
            sql.push_str(" from (");
            push_rows(sql, rows, shape.varying());
            match shape.filled() {
                Some(place) => write!(sql, ") where column{place} is not null").expect("a String takes everything"),
                // Without a condition SQLite takes what follows for part of a join.
                None => sql.push_str(") where true"),
            }
        }
        sql.push_str(self.tail);
    }

    /// Adds the values as [`Insert::push`] asks for them: what is passed once comes first.
    fn bind(args: &mut Args, cells: Vec<Cell<'_>>, shape: &Shape, padding: usize) {
        Arguments::reserve(
            &mut args.0,
            (cells.len() / shape.columns().count() + padding + 1) * shape.varying(),
            0,
        );
        shape.once(&cells).for_each(|cell| args.cell(cell));
        for (cell, varies) in cells.into_iter().zip(shape.varies().cycle()) {
            if varies {
                args.cell(cell);
            }
        }
        for _ in 0..padding * shape.varying() {
            args.cell(Cell::Null);
        }
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

/// A text beyond which statements go into another part: SQLite takes a million bytes, and a statement has less than half
/// of that.
const LONG: usize = 400_000;

/// Statements that are executed together, in one trip unless they are very many, and their parameters in order.
///
/// Every parameter is a plain `?`, which takes the next one: numbered ones would be read per statement.
#[derive(Default)]
pub(super) struct Script {
    full: Vec<Part>,
    last: Part,
}

/// Statements that are executed in one trip.
#[derive(Default)]
pub(super) struct Part {
    pub(super) sql: String,
    args: Args,
}

impl Part {
    /// The statements and their parameters.
    pub(super) fn into_inner(self) -> (String, SqliteArguments) {
        (self.sql, self.args.0)
    }
}

impl Script {
    /// Adds a statement.
    pub(super) fn push(&mut self, sql: &str) -> &mut Args {
        self.separate();
        self.last.sql.push_str(sql);
        &mut self.last.args
    }

    /// Adds rows.
    pub(super) fn insert<'r, R>(&mut self, insert: &Insert, rows: &'r [R], bind: impl Fn(&mut Cells<'r>, &'r R)) {
        for part in rows.chunks(MOST) {
            let mut cells = Cells(Vec::with_capacity(part.len() * insert.columns));
            for row in part {
                bind(&mut cells, row);
            }
            self.insert_cells(insert, part.len(), cells.0);
        }
    }

    /// Adds rows as a statement whose text is one of few: the number of its rows is a power of two, and what is too many
    /// is null and left out. So most statements are prepared already, whatever the number of rows.
    fn insert_cells(&mut self, insert: &Insert, rows: usize, cells: Vec<Cell<'_>>) {
        debug_assert_eq!(cells.len(), rows * insert.columns, "{}", insert.head);
        let shape = Shape::of(&cells, insert.columns);
        let written = if shape.filled().is_some() {
            rows.next_power_of_two()
        } else {
            rows
        };
        self.separate();
        insert.push(&mut self.last.sql, written, &shape);
        Insert::bind(&mut self.last.args, cells, &shape, written - rows);
    }

    fn separate(&mut self) {
        if self.last.sql.len() > LONG {
            self.full.push(std::mem::take(&mut self.last));
        } else if !self.last.sql.is_empty() {
            self.last.sql.push(';');
        }
    }

    /// The parts, of which there is at least one, to be executed in order.
    pub(super) fn into_parts(self) -> impl Iterator<Item = Part> {
        self.full.into_iter().chain([self.last])
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

    fn sql(rows: &[(i64, i64, Option<&str>)]) -> (String, usize) {
        let mut script = Script::default();
        script.insert(&PAIRS, rows, |cells, (a, b, c)| {
            cells.int(*a);
            cells.int(*b);
            cells.opt_text(*c);
        });
        let parts: Vec<Part> = script.into_parts().collect();
        let [part] = <[Part; 1]>::try_from(parts).unwrap_or_else(|_| panic!("one part"));
        let (sql, args) = part.into_inner();
        (sql, args.len())
    }

    #[test]
    fn what_is_common_is_passed_once() {
        let rows = [(7, 1, Some("x")), (7, 2, None), (7, 3, None), (7, 4, None)];
        let expected = "insert into pair(a,b,c) select ?,column1,column2 from ( values (?,?),(?,?),(?,?),(?,?)) \
                        where column1 is not null";
        assert_eq!(sql(&rows), (expected.to_owned(), 9));
    }

    #[test]
    fn what_grows_along_is_passed_once() {
        let rows = [(1, 11, None), (3, 13, None), (4, 14, None), (9, 19, None)];
        let expected = "insert into pair(a,b,c) select column1,column1+?,? from ( values (?),(?),(?),(?)) \
                        where column1 is not null";
        assert_eq!(sql(&rows), (expected.to_owned(), 6));
    }

    #[test]
    fn numbers_of_rows_are_rounded_up() {
        let rows: Vec<_> = (0..5).map(|n| (n, 1, None)).collect();
        let (five, count) = sql(&rows);
        let rows: Vec<_> = (0..8).map(|n| (n, 1, None)).collect();
        assert_eq!((five, count), sql(&rows));
    }

    #[test]
    fn without_a_filled_column_nothing_is_left_out() {
        let rows = [
            (7, 7, Some("x")),
            (7, 7, None),
            (7, 7, None),
            (7, 7, Some("y")),
            (7, 7, None),
        ];
        let (sql, count) = sql(&rows);
        assert!(sql.ends_with("where true") && count == 7, "{sql}");
    }

    #[test]
    fn a_few_rows_are_passed_as_they_are() {
        let expected = "insert into pair(a,b,c) values (?,?,?),(?,?,?)";
        assert_eq!(sql(&[(1, 7, None), (2, 7, None)]), (expected.to_owned(), 6));
    }

    #[test]
    fn rows_that_are_all_alike_are_passed_as_they_are() {
        assert_eq!(sql(&[(1, 7, None); 5]).1, 15);
    }

    #[test]
    fn what_is_very_long_takes_more_than_one_trip() {
        let rows: Vec<(i64, i64, Option<String>)> =
            (0..75 * MOST as i64).map(|n| (n, n * n, Some(n.to_string()))).collect();
        let mut script = Script::default();
        script.insert(&PAIRS, &rows, |cells, (a, b, c)| {
            cells.int(*a);
            cells.int(*b);
            cells.opt_text(c.as_deref());
        });
        let parts: Vec<_> = script.into_parts().map(Part::into_inner).collect();
        assert!(parts.len() > 1 && parts.iter().all(|(sql, _)| sql.len() < 1_000_000));
        assert_eq!(parts.iter().map(|(_, args)| args.len()).sum::<usize>(), 3 * rows.len());
    }
}
