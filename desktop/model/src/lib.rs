//! What the app knows and what it shows: state, reducers and view models.
//!
//! Nothing here draws, waits, asks the network or reads a clock: the time comes in as an argument, answers and events
//! come in as values, and what is to be shown comes out as values. A crate of its own, so that Cargo enforces it.

pub mod diff;
pub mod failure;
pub mod fleet;
pub mod form;
pub mod format;
pub mod graph;
pub mod inbox;
pub mod lines;
pub mod link;
pub mod list;
pub mod look;
pub mod machines;
pub mod markdown;
pub mod opinions;
pub mod output;
pub mod palette;
pub mod pretty;
pub mod reading;
pub mod report;
pub mod schema;
pub mod script;
pub mod servers;
pub mod settings;
pub mod subject;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod timeline;
pub mod tree;
pub mod work;

pub use failure::{Failure, FailureKind};
pub use fleet::Fleet;
pub use link::Link;
pub use look::{Look, Shape, Tone};
