//! The review of a repository: pure functions and plain types, from a folder to a report.
//!
//! In the order in which they are used: [`scope`] lists the files; [`mod@file`] runs the built-in [`checks`] over each of
//! them; [`analyser`] runs the linters that are there; [`model`] asks a language model, when there is one; [`duplicate`]
//! and [`overview`] look at all files together; [`critique`] takes a second look at what was found; [`correction`] is what a
//! person wants of it; [`report`] and [`score`] make a page of it. Nothing here knows about tasks; whoever does calls these
//! functions in that order and passes their results on as JSON.

pub mod analyser;
pub mod checks;
pub mod correction;
pub mod critique;
pub mod duplicate;
pub mod file;
pub mod finding;
pub mod model;
pub mod options;
pub mod overview;
pub mod report;
pub mod runner;
pub mod scope;
pub mod score;
pub mod source;

#[cfg(test)]
mod tests;
