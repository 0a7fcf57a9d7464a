//! Traces in a build that sends them.

mod client;
mod ids;
mod layer;

use std::time::{Duration, SystemTime};

use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{
        Link, Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
        Tracer, TracerProvider,
    },
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider},
};
use orchestrator_protocol::{TaskId, TaskState, Timestamp};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

use self::{client::Client, ids::Chosen};
use crate::{
    Ended, Subject, TraceError,
    subject::{span_of, trace_of},
};

/// How long the collector may take to answer. What cannot be sent is dropped: traces hold nobody up.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Sends traces. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Traces {
    tracer: SdkTracer,
}

/// What is sent at the end.
#[derive(Debug)]
pub struct Exporting(SdkTracerProvider);

impl Traces {
    /// Begins to send traces to a collector, `http://host:4318`, in the name of a service. Must be called within a Tokio
    /// runtime.
    ///
    /// # Errors
    ///
    /// [`TraceError::Address`], [`TraceError::Setup`]. A collector that does not answer is no error, now or later.
    pub fn start(endpoint: &str, service: &'static str) -> Result<(Self, Exporting), TraceError> {
        let url = reqwest::Url::parse(endpoint).ok().filter(reqwest::Url::has_host);
        let url = url.ok_or_else(|| TraceError::Address(endpoint.to_owned()))?;
        let setup = |error: &dyn std::fmt::Display| TraceError::Setup(error.to_string());
        let client = Client::new(TIMEOUT).map_err(|e| setup(&e))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!("{}/v1/traces", url.as_str().trim_end_matches('/')))
            .with_timeout(TIMEOUT)
            .build()
            .map_err(|e| setup(&e))?;
        let resource = Resource::builder()
            .with_service_name(service)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_id_generator(Chosen::default())
            .with_resource(resource.build())
            .build();
        let tracer = provider.tracer("orchestrator");
        Ok((Self { tracer }, Exporting(provider)))
    }

    /// What spans are given to: those of this project, whatever the log shows.
    pub fn layer<S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync>(&self) -> impl Layer<S> + use<S> {
        let ours = filter_fn(|meta| meta.target().starts_with("orchestrator") && *meta.level() <= tracing::Level::INFO)
            // Else every line of every library would be put to it.
            .with_max_level_hint(tracing::Level::INFO);
        layer::layer(self.tracer.clone()).with_filter(ours)
    }

    /// A task was submitted, in the request that is under way.
    pub fn submitted(&self, task: &Subject) {
        let request = Span::current();
        let from = request.context().span().span_context().clone();
        let links = from.is_valid().then(|| vec![Link::with_context(from)]);
        let mut builder = self.tracer.span_builder("submit").with_kind(SpanKind::Producer);
        builder.links = links;
        builder.attributes = Some(attributes(task));
        let parent = context(task.root, task.id);
        request.add_link(parent.span().span_context().clone());
        self.tracer.build_with_context(builder, &parent).end();
    }

    /// A task was granted to a worker.
    pub fn claimed(&self, task: &Subject, attempt: u32) {
        let mut builder = self.tracer.span_builder("claim").with_kind(SpanKind::Internal);
        let mut attributes = attributes(task);
        attributes.push(KeyValue::new("task.attempt", i64::from(attempt)));
        builder.attributes = Some(attributes);
        self.tracer
            .build_with_context(builder, &context(task.root, task.id))
            .end();
    }

    /// A task has ended: the span of the whole of it.
    pub fn ended(&self, task: &Ended) {
        let subject = &task.subject;
        let mut attributes = attributes(subject);
        attributes.push(KeyValue::new("task.state", task.state.as_str()));
        attributes.push(KeyValue::new("task.attempt", i64::from(task.attempt)));
        let mut builder = self.tracer.span_builder(format!("task {}", subject.task_type));
        builder.start_time = Some(moment(task.from));
        builder.attributes = Some(attributes);
        let parent = task.parent.map(|parent| context(subject.root, parent));
        let chosen = ids::choose(trace_of(subject.root), span_of(subject.id));
        let mut span = self.tracer.build_with_context(builder, &parent.unwrap_or_default());
        drop(chosen);
        if task.state == TaskState::Failed {
            span.set_status(Status::error(task.error.clone().unwrap_or_default()));
        }
        span.end_with_timestamp(moment(task.to));
    }
}

impl Exporting {
    /// Sends what is left, for a few seconds at most. Must not be called on a thread of the runtime that is needed for it.
    pub fn finish(self) {
        if let Err(error) = self.0.shutdown_with_timeout(TIMEOUT) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Makes a span a part of the caller's trace, which a header `traceparent` names (W3C Trace Context).
pub fn continue_from(span: &Span, traceparent: &str) {
    let parent = TraceContextPropagator::new().extract(&Header(traceparent));
    if parent.span().span_context().is_valid() {
        // It fails where nothing is sent.
        let _ = span.set_parent(parent);
    }
}

/// The one header that is read.
struct Header<'h>(&'h str);

impl Extractor for Header<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// The place of a task in the trace of its tree, for what is below it.
fn context(root: TaskId, task: TaskId) -> Context {
    Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from(trace_of(root)),
        SpanId::from(span_of(task)),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    ))
}

fn attributes(task: &Subject) -> Vec<KeyValue> {
    vec![
        KeyValue::new("task.id", task.id.to_string()),
        KeyValue::new("task.root_id", task.root.to_string()),
        KeyValue::new("task.type", task.task_type.clone()),
    ]
}

fn moment(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(at.as_micros()).unwrap_or(0))
}
