//! What the rows of a statement have in common.

use super::Cell;

/// Rows from which on it pays to look for what they have in common.
const SOME: usize = 4;

/// How a column gets its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// All rows have the same: it is passed once.
    Common,
    /// Each row passes its own, as the column of this place, from 1.
    Varying(usize),
    /// It is that of the place, and always as much more: only how much is passed.
    Beside(usize),
}

/// How the columns of a statement get their values.
#[derive(Debug)]
pub(super) struct Shape {
    columns: Vec<Column>,
    varying: usize,
    /// Each row passes everything, and there is nothing to be looked for.
    is_plain: bool,
    /// The place among the varying columns of one that has a value in every row.
    filled: Option<usize>,
    /// Where the numbers begin that others stand beside.
    beside: usize,
}

impl Shape {
    /// Each row passes everything.
    fn plain(columns: usize) -> Self {
        Self {
            columns: (1..=columns).map(Column::Varying).collect(),
            varying: columns,
            is_plain: true,
            filled: None,
            beside: 0,
        }
    }

    /// Looks at values of rows, one row after the other.
    pub(super) fn of(cells: &[Cell<'_>], columns: usize) -> Self {
        if cells.len() < SOME * columns {
            return Self::plain(columns);
        }
        let column = |at: usize| cells[at..].iter().step_by(columns);
        let mut shape = Self {
            columns: Vec::with_capacity(columns),
            varying: 0,
            is_plain: false,
            filled: None,
            beside: 0,
        };
        // The first that holds numbers only, and its place.
        let mut first: Option<(usize, usize)> = None;
        for at in 0..columns {
            if column(at).all(|cell| *cell == cells[at]) {
                shape.columns.push(Column::Common);
                continue;
            }
            if let Some((number, place)) = first
                && distance(&cells[at], &cells[number]).is_some_and(|by| {
                    column(at)
                        .zip(column(number))
                        .all(|(cell, other)| distance(cell, other) == Some(by))
                })
            {
                shape.columns.push(Column::Beside(place));
                continue;
            }
            shape.varying += 1;
            shape.columns.push(Column::Varying(shape.varying));
            if first.is_none() && column(at).all(|cell| matches!(cell, Cell::Int(_))) {
                first = Some((at, shape.varying));
                shape.beside = at;
            }
            if shape.filled.is_none() && column(at).all(|cell| *cell != Cell::Null) {
                shape.filled = Some(shape.varying);
            }
        }
        if shape.varying == 0 {
            Self::plain(columns)
        } else {
            shape
        }
    }

    /// Whether each row passes everything.
    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// The columns in order.
    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        self.columns.iter().copied()
    }

    /// How many values each row passes.
    pub(super) fn varying(&self) -> usize {
        self.varying
    }

    /// The place of a column that has a value in every row, for telling rows from padding.
    pub(super) fn filled(&self) -> Option<usize> {
        self.filled
    }

    /// Whether each row passes a value of its own, column by column.
    pub(super) fn varies(&self) -> impl Iterator<Item = bool> + Clone {
        self.columns.iter().map(|column| matches!(column, Column::Varying(_)))
    }

    /// What is passed once, in the order of the columns.
    pub(super) fn once<'v>(&self, cells: &[Cell<'v>]) -> impl Iterator<Item = Cell<'v>> {
        let columns = self.columns.iter().enumerate();
        columns.filter_map(|(at, column)| match column {
            Column::Common => Some(cells[at].clone()),
            Column::Varying(_) => None,
            Column::Beside(_) => distance(&cells[at], &cells[self.beside]).map(Cell::Int),
        })
    }
}

/// How much more one number is than another.
fn distance(cell: &Cell<'_>, other: &Cell<'_>) -> Option<i64> {
    match (cell, other) {
        (Cell::Int(cell), Cell::Int(other)) => cell.checked_sub(*other),
        _ => None,
    }
}
