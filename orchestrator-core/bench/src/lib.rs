//! What both benchmarks share: the job that does nothing, and what the machine gives at the moment.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's own time")]

pub mod calibrate;
pub mod job;
