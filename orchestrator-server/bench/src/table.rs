//! The result of a scenario: medians, the least and the most, and ratios to one row.

use std::collections::BTreeMap;

/// One figure that a scenario yields.
#[derive(Clone, Copy)]
pub struct Figure {
    /// With its unit, as the table's heading.
    pub name: &'static str,
    /// What makes one contender better than another.
    pub better: Better,
}

/// What makes one contender better than another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Better {
    More,
    Less,
    /// It explains the others.
    Neither,
}

impl Figure {
    /// More of it is better.
    pub const fn more(name: &'static str) -> Self {
        let better = Better::More;
        Self { name, better }
    }

    /// Less of it is better.
    pub const fn less(name: &'static str) -> Self {
        let better = Better::Less;
        Self { name, better }
    }

    /// It explains the others.
    pub const fn aside(name: &'static str) -> Self {
        let better = Better::Neither;
        Self { name, better }
    }
}

/// What was measured of one contender in one turn.
pub type Sample = Vec<(&'static str, f64)>;

/// Rows in the order in which they were first heard of.
pub struct Table {
    figures: &'static [Figure],
    rows: Vec<String>,
    samples: BTreeMap<(String, &'static str), Vec<f64>>,
    failures: BTreeMap<String, String>,
}

impl Table {
    /// A table without rows.
    pub fn new(figures: &'static [Figure]) -> Self {
        Self {
            figures,
            rows: Vec::new(),
            samples: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    /// Makes sure that there is a row, so that rows stand in the order in which they are named.
    pub fn row(&mut self, name: &str) {
        if !self.rows.iter().any(|row| row == name) {
            self.rows.push(name.to_owned());
        }
    }

    /// Adds what was measured.
    pub fn add(&mut self, row: &str, sample: &Sample) {
        self.row(row);
        for &(figure, value) in sample {
            self.samples.entry((row.to_owned(), figure)).or_default().push(value);
        }
    }

    /// Says why there is nothing to add.
    pub fn failed(&mut self, row: &str, error: &anyhow::Error) {
        self.row(row);
        self.failures.insert(row.to_owned(), format!("{error:#}"));
    }

    /// The median of a figure, if it was measured.
    pub fn median(&self, row: &str, figure: &str) -> Option<f64> {
        let of = |((name, which), samples): (&(String, &str), &Vec<f64>)| {
            (name == row && *which == figure).then(|| median(samples))
        };
        self.samples.iter().find_map(of)
    }

    /// As Markdown. Ratios are to the first row that has the figure; above 1 is better than it.
    pub fn print(&self) {
        println!();
        print!("| |");
        for figure in self.figures {
            print!(" {} |", figure.name);
            if figure.better != Better::Neither {
                print!(" ratio |");
            }
        }
        println!();
        let columns = |figure: &Figure| {
            if figure.better == Better::Neither {
                "--:|"
            } else {
                "--:|--:|"
            }
        };
        println!("|---|{}", self.figures.iter().map(columns).collect::<String>());
        for row in &self.rows {
            if let Some(error) = self.failures.get(row) {
                println!("| {row} | failed: {error} |");
                continue;
            }
            print!("| {row} |");
            for figure in self.figures {
                print!(" {} |", self.cell(row, figure));
            }
            println!();
        }
    }

    fn cell(&self, row: &str, figure: &Figure) -> String {
        let Some(samples) = self.samples.get(&(row.to_owned(), figure.name)) else {
            return if figure.better == Better::Neither {
                "–"
            } else {
                "– | –"
            }
            .to_owned();
        };
        let value = median(samples);
        let mut cell = digits(value);
        if samples.len() > 1 {
            let least = samples.iter().copied().fold(f64::INFINITY, f64::min);
            let most = samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            cell = format!("{cell} ({}–{})", digits(least), digits(most));
        }
        let first = self.rows.iter().find_map(|row| self.median(row, figure.name));
        let ratio = |first: f64| match figure.better {
            Better::More => value / first,
            _ => first / value,
        };
        match (figure.better, first) {
            (Better::Neither, _) => cell,
            (_, Some(first)) => format!("{cell} | {:.2}", ratio(first)),
            (_, None) => format!("{cell} | –"),
        }
    }
}

/// The middle one.
pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value below which so many percent are.
pub fn percentile(samples: &[f64], percent: usize) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

/// With as many digits as mean something.
pub fn digits(value: f64) -> String {
    match value.abs() {
        n if n >= 100.0 => format!("{value:.0}"),
        n if n >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_edges() {
        let samples = [5.0, 1.0, 9.0, 3.0, 7.0];
        assert!((median(&samples) - 5.0).abs() < f64::EPSILON);
        assert!((percentile(&samples, 99) - 9.0).abs() < f64::EPSILON);
        assert!((percentile(&samples, 0) - 1.0).abs() < f64::EPSILON);
        assert!(percentile(&[], 50).is_nan());
    }

    #[test]
    fn ratios_are_to_the_first_row_and_above_one_when_better() {
        const FIGURES: &[Figure] = &[Figure::more("per second"), Figure::less("ms"), Figure::aside("us")];
        let mut table = Table::new(FIGURES);
        table.add("limit", &vec![("per second", 100.0), ("ms", 4.0), ("us", 1.0)]);
        table.add("ours", &vec![("per second", 50.0), ("ms", 2.0), ("us", 2.0)]);
        assert_eq!(table.cell("ours", &FIGURES[0]), "50.00 | 0.50");
        assert_eq!(table.cell("ours", &FIGURES[1]), "2.00 | 2.00");
        assert_eq!(table.cell("ours", &FIGURES[2]), "2.00");
        assert_eq!(table.cell("peer", &FIGURES[0]), "– | –");
    }
}
