//! Spans of tasks find their trace.

use std::cell::RefCell;

use opentelemetry::ContextGuard;
use opentelemetry_sdk::trace::SdkTracer;
use orchestrator_protocol::TaskId;
use tracing::{
    Id, Subscriber,
    field::{Field, Visit},
    span::Attributes,
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use super::context;

thread_local! {
    /// Where this thread is while a span of a task is made.
    static PLACE: RefCell<Option<ContextGuard>> = const { RefCell::new(None) };
}

/// The usual layer between two of ours: a span that says which task it is of (`task.id`, `task.root_id`) is made as if the
/// thread were in that task's trace, and so becomes a part of it.
pub(super) fn layer<S>(tracer: SdkTracer) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
{
    let usual = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false);
    Before.and_then(usual).and_then(After)
}

struct Before;

impl<S: Subscriber> Layer<S> for Before {
    fn on_new_span(&self, attrs: &Attributes<'_>, _id: &Id, _ctx: Context<'_, S>) {
        let mut named = Named::default();
        attrs.record(&mut named);
        if let Some((root, task)) = named.root.zip(named.task) {
            let place = context(root, task).attach();
            PLACE.with_borrow_mut(|kept| *kept = Some(place));
        }
    }
}

struct After;

impl<S: Subscriber> Layer<S> for After {
    fn on_new_span(&self, _attrs: &Attributes<'_>, _id: &Id, _ctx: Context<'_, S>) {
        PLACE.take();
    }
}

/// The task that a span names.
#[derive(Default)]
struct Named {
    task: Option<TaskId>,
    root: Option<TaskId>,
}

impl Visit for Named {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let place = match field.name() {
            "task.id" => &mut self.task,
            "task.root_id" => &mut self.root,
            _ => return,
        };
        *place = format!("{value:?}").parse().ok();
    }
}
