//! Ids of spans: drawn, unless they were chosen.

use std::cell::Cell;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

thread_local! {
    /// The ids of the next span that this thread builds.
    static NEXT: Cell<Option<(u128, u64)>> = const { Cell::new(None) };
}

/// Ids that were chosen for one span, until this is dropped.
#[derive(Debug)]
pub(super) struct Choice;

/// Chooses the ids of the span that this thread builds next.
pub(super) fn choose(trace: u128, span: u64) -> Choice {
    NEXT.set(Some((trace, span)));
    Choice
}

impl Drop for Choice {
    fn drop(&mut self) {
        NEXT.set(None);
    }
}

/// Gives chosen ids, and others.
#[derive(Debug, Default)]
pub(super) struct Chosen(RandomIdGenerator);

impl IdGenerator for Chosen {
    fn new_trace_id(&self) -> TraceId {
        NEXT.get()
            .map_or_else(|| self.0.new_trace_id(), |(trace, _)| TraceId::from(trace))
    }

    fn new_span_id(&self) -> SpanId {
        NEXT.get()
            .map_or_else(|| self.0.new_span_id(), |(_, span)| SpanId::from(span))
    }
}
