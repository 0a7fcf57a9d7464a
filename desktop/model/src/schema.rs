//! Forms from JSON schemas: which fields an input has, what is written in them, and the JSON of it.
//!
//! A schema is somebody else's: whatever it says, there are fields, or there is none and the input is written as JSON.
//! What fields cannot show is kept as it is, so that going from JSON to fields and back changes no value.

mod entry;
mod filled;
mod order;
mod read;

use orchestrator_protocol::Json;

pub(crate) use self::entry::json;
pub use self::filled::{Filled, Mistakes};

/// The fields of an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The fields; those that must be filled in come first.
    pub slots: Vec<Slot>,
    /// Whether the input is an object with these fields; else it is the value of the only field.
    pub is_object: bool,
    /// What the schema says of the whole.
    pub help: String,
}

/// A field.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// What it is called in the input.
    pub key: String,
    /// What it is called on the screen.
    pub title: String,
    /// What it is for.
    pub help: String,
    /// What an empty field shows.
    pub placeholder: String,
    /// Whether the input must have it.
    pub required: bool,
    /// Whether it may be `null`.
    pub nullable: bool,
    /// What it is when it is left out.
    pub default: Option<Json>,
    /// What is written in it.
    pub kind: Kind,
}

/// What is written in a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A text.
    Text {
        /// Whether it has lines.
        long: bool,
        /// The fewest characters.
        least: Option<u64>,
        /// The most characters.
        most: Option<u64>,
        /// What it must match, as a regular expression; none where this cannot be told here.
        pattern: Option<String>,
    },
    /// A whole number.
    Whole(Bounds),
    /// A number.
    Number(Bounds),
    /// Yes or no.
    Flag,
    /// One of these.
    Choice(Vec<Choice>),
    /// Texts, one a line.
    Texts {
        /// The fewest.
        least: Option<u64>,
        /// The most.
        most: Option<u64>,
    },
    /// Fields within the field.
    Group(Vec<Slot>),
    /// Anything, as JSON.
    Json,
}

/// What one can choose.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What it is called.
    pub title: String,
    /// What it means in the input.
    pub value: Json,
}

/// Between what a number must be.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bounds {
    /// At least so much, or more than that.
    pub least: Option<Bound>,
    /// At most so much, or less than that.
    pub most: Option<Bound>,
    /// A multiple of what.
    pub step: Option<f64>,
}

/// An end of what a number may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// The number.
    pub at: f64,
    /// Whether the number itself is beyond.
    pub exclusive: bool,
}

/// Which field: its place in the shape, and its place in the group that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    /// The place of the field, or of its group.
    pub outer: usize,
    /// The place within the group.
    pub inner: Option<usize>,
}

impl Spot {
    /// A field that is in no group.
    pub const fn of(outer: usize) -> Self {
        Self { outer, inner: None }
    }

    /// A field of a group.
    pub const fn within(outer: usize, inner: usize) -> Self {
        Self {
            outer,
            inner: Some(inner),
        }
    }
}

impl Shape {
    /// The fields of a schema; none where it has too little, or too much, to say in fields.
    pub fn of(schema: &Json) -> Option<Self> {
        read::shape(&order::kept(schema))
    }

    /// A field by its place.
    pub fn slot(&self, spot: Spot) -> Option<&Slot> {
        let outer = self.slots.get(spot.outer)?;
        match (spot.inner, &outer.kind) {
            (None, _) => Some(outer),
            (Some(inner), Kind::Group(slots)) => slots.get(inner),
            (Some(_), _) => None,
        }
    }

    /// Every field that something is written in, groups themselves left out.
    pub fn spots(&self) -> impl Iterator<Item = (Spot, &Slot)> {
        self.slots.iter().enumerate().flat_map(|(outer, slot)| {
            let inner: &[Slot] = match &slot.kind {
                Kind::Group(slots) => slots,
                _ => &[],
            };
            let own = (!matches!(slot.kind, Kind::Group(_))).then_some((Spot::of(outer), slot));
            let within = inner.iter().enumerate();
            own.into_iter()
                .chain(within.map(move |(inner, slot)| (Spot::within(outer, inner), slot)))
        })
    }
}

impl Bounds {
    /// Whether a number is within.
    pub fn hold(&self, n: f64) -> bool {
        let low = self.least.is_none_or(|b| n > b.at || (!b.exclusive && n >= b.at));
        let high = self.most.is_none_or(|b| n < b.at || (!b.exclusive && n <= b.at));
        // A multiple of 0.1 is none to the last digit.
        let multiple = self.step.is_none_or(|step| {
            let times = n / step;
            (times - times.round()).abs() < 1e-9 * times.abs().max(1.0)
        });
        low && high && multiple
    }

    /// The bounds in words; none where there are none.
    pub fn words(&self) -> Option<String> {
        let low = |b: Bound| format!("{} {}", if b.exclusive { "more than" } else { "at least" }, b.at);
        let high = |b: Bound| format!("{} {}", if b.exclusive { "less than" } else { "at most" }, b.at);
        let parts = [
            self.step.map(|step| format!("a multiple of {step}")),
            self.least.map(low),
            self.most.map(high),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" and "))
    }
}

#[cfg(test)]
mod tests;
