//! The decisions, as pure functions: no clock, no randomness, no storage, no async.

pub mod budget;
pub mod cron;
pub mod gate;
pub mod graph;
pub mod limit;
pub mod placement;
pub mod rank;
pub mod retry;
pub mod spec;
pub mod state;
pub mod throughput;
pub mod why;
