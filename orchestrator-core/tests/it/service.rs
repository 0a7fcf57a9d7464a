//! The use cases over the reference store, and what they do when wake-ups and events are lost.

mod checkpoint;
mod live;
mod placement;
mod result;
mod schedule;
mod source;
mod why;
pub mod world;
