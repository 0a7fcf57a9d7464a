//! Spans of tasks find their trace.

use opentelemetry_sdk::trace::SdkTracer;
use orchestrator_protocol::TaskId;
use tracing::{
    Event, Id, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Record},
};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use super::context;

/// The usual layer; a span that says which task it is of (`task.id`, `task.root_id`) is a part of that task's trace.
pub(super) struct TaskLayer<S>(OpenTelemetryLayer<S, SdkTracer>);

impl<S: Subscriber + for<'s> LookupSpan<'s>> TaskLayer<S> {
    pub(super) fn new(tracer: SdkTracer) -> Self {
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        Self(layer.with_location(false).with_threads(false).with_target(false))
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for TaskLayer<S> {
    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let mut named = Named::default();
        attrs.record(&mut named);
        // A span without a parent of its own begins where the thread is.
        let place = named.root.zip(named.task).map(|(root, task)| context(root, task));
        let _here = place.map(|place| place.attach());
        self.0.on_new_span(attrs, id, ctx);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        self.0.on_record(id, values, ctx);
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, ctx: Context<'_, S>) {
        self.0.on_follows_from(id, follows, ctx);
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        self.0.on_event(event, ctx);
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        self.0.on_enter(id, ctx);
    }

    fn on_exit(&self, id: &Id, ctx: Context<'_, S>) {
        self.0.on_exit(id, ctx);
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        self.0.on_close(id, ctx);
    }

    #[expect(unsafe_code, reason = "passed on: how the inner layer is found from a span")]
    unsafe fn downcast_raw(&self, id: std::any::TypeId) -> Option<*const ()> {
        // SAFETY: the inner layer lives as long as this one.
        unsafe { self.0.downcast_raw(id) }
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
