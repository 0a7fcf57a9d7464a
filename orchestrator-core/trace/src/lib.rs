//! The log of a process, and traces of requests and tasks, sent to an OpenTelemetry collector (OTLP over HTTP, protobuf).
//!
//! Nothing is carried from process to process for them. A task's trace is the tree that it belongs to: the id of the trace
//! is the id of the topmost task, and the id of a task's span is the second half of the task's id. So servers, workers in
//! any language, schedules and other programs' transactions all add to one trace without having met, and a trace is found
//! by the id of its task.
//!
//! A request is a trace of its own, or a part of the caller's where it comes with `traceparent`; it and the tasks that it
//! submits are linked.
//!
//! Without the feature `otel` everything here is there and does nothing, and [`Traces::start`] says so.

mod log;
#[cfg(feature = "otel")]
mod otel;
#[cfg(not(feature = "otel"))]
#[path = "none.rs"]
mod otel;
mod subject;

pub use log::{LogStyle, install};
pub use otel::{Exporting, Traces, continue_from};
pub use subject::{Ended, Subject};

/// Why no traces are sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// This build cannot.
    #[error("this build sends no traces: build it with `--features otel`, or leave --otlp out")]
    LeftOut,
    /// The collector's address is of no use.
    #[error("--otlp: `{0}` is not the address of a collector, like http://127.0.0.1:4318")]
    Address(String),
    /// The exporter cannot be set up.
    #[error("traces cannot be sent: {0}")]
    Setup(String),
}
