//! Logs, metrics and traces.

use std::sync::OnceLock;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use orchestrator_protocol::{TaskState, WorkerState};
use orchestrator_trace::{Exporting, LogStyle, TraceError, Traces};
use tracing_subscriber::EnvFilter;

use crate::{app::App, config::LogFormat};

/// Seconds that requests take, as the histogram tells them apart.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// What keeps the numbers of this process. There is one.
pub(crate) fn recorder() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    let recorder = RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
            .expect("there are buckets");
        let handle = builder.install_recorder().expect("nobody else has installed one");
        describe_counter!("http_requests_total", "Requests, by method, route and status.");
        describe_histogram!(
            "http_request_duration_seconds",
            "How long requests took, by method and route."
        );
        describe_gauge!("http_requests_in_flight", "Requests that have not been answered yet.");
        describe_gauge!(
            "orchestrator_connections",
            "Open WebSockets, by who is at the other end."
        );
        describe_gauge!(
            "orchestrator_store_up",
            "Whether the database answered; where not, the other numbers are those of the last time that it did."
        );
        describe_gauge!("orchestrator_tasks", "Tasks in each state.");
        describe_gauge!(
            "orchestrator_queue_age_seconds",
            "How long the oldest ready task has waited."
        );
        describe_gauge!("orchestrator_workers", "Workers in each state.");
        describe_gauge!(
            "orchestrator_slots",
            "Slots of workers that are online, by whether they are taken."
        );
        describe_gauge!("orchestrator_cost_usd", "What all tasks have spent, in US dollars.");
        describe_gauge!("orchestrator_tokens", "Tokens that all tasks have spent, by direction.");
        describe_gauge!(
            "orchestrator_bus_connected",
            "1 while the bus reaches the other servers, by what carries it."
        );
        describe_counter!("orchestrator_bus_losses_total", "How often the bus was lost.");
        describe_counter!(
            "orchestrator_bus_sent_total",
            "Parcels that this server sent to the others."
        );
        describe_counter!(
            "orchestrator_bus_received_total",
            "Parcels that this server received from others."
        );
        describe_gauge!("process_resident_memory_bytes", "Memory of the server.");
        describe_gauge!("process_open_fds", "Files and connections that the server has open.");
        describe_gauge!(
            "tokio_alive_tasks",
            "Pieces of work that the server's runtime keeps track of."
        );
        handle
    });
    recorder.clone()
}

/// Looks at what is only counted when somebody asks.
pub(crate) async fn observe(app: &App) {
    let stats = app.engine.stats().await;
    gauge!("orchestrator_store_up").set(if stats.is_ok() { 1.0 } else { 0.0 });
    if let Ok(stats) = stats {
        for state in TaskState::ALL {
            let count = stats.by_state.get(&state).copied().unwrap_or(0);
            gauge!("orchestrator_tasks", "state" => state.as_str()).set(count as f64);
        }
        gauge!("orchestrator_queue_age_seconds").set(stats.oldest_ready_s.unwrap_or(0.0));
        gauge!("orchestrator_cost_usd").set(stats.usage.cost_usd.as_nanos() as f64 / 1e9);
        gauge!("orchestrator_tokens", "direction" => "input").set(stats.usage.input_tokens as f64);
        gauge!("orchestrator_tokens", "direction" => "output").set(stats.usage.output_tokens as f64);
    }
    if let Ok(workers) = app.engine.workers().await {
        let states = [
            (WorkerState::Online, "online"),
            (WorkerState::Draining, "draining"),
            (WorkerState::Offline, "offline"),
        ];
        for (state, name) in states {
            let count = workers.iter().filter(|worker| worker.state == state).count();
            gauge!("orchestrator_workers", "state" => name).set(count as f64);
        }
        let online = workers.iter().filter(|worker| worker.state == WorkerState::Online);
        let (slots, running) = online.fold((0, 0), |(slots, running), worker| {
            (slots + worker.slots, running + worker.running)
        });
        gauge!("orchestrator_slots", "taken" => "true").set(f64::from(running));
        gauge!("orchestrator_slots", "taken" => "false").set(f64::from(slots.saturating_sub(running)));
    }
    let bus = app.engine.bus.health();
    if let Some(carrier) = bus.carrier {
        let connected = if bus.trouble.is_none() { 1.0 } else { 0.0 };
        gauge!("orchestrator_bus_connected", "carrier" => carrier).set(connected);
        counter!("orchestrator_bus_losses_total", "carrier" => carrier).absolute(bus.losses);
        counter!("orchestrator_bus_sent_total", "carrier" => carrier).absolute(bus.sent);
        counter!("orchestrator_bus_received_total", "carrier" => carrier).absolute(bus.received);
    }
    gauge!("tokio_alive_tasks").set(tokio::runtime::Handle::current().metrics().num_alive_tasks() as f64);
    // Where the system lists them.
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        gauge!("process_open_fds").set(files.count() as f64);
    }
    if let Some(bytes) = resident_bytes() {
        gauge!("process_resident_memory_bytes").set(bytes);
    }
}

/// The memory of this process, where the system tells it in a file.
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

/// The traces of this process, and whether requests are told apart in spans.
static TRACES: OnceLock<(Option<Traces>, bool)> = OnceLock::new();

/// Where traces go, if they are sent.
pub(crate) fn traces() -> Option<Traces> {
    TRACES.get().and_then(|(traces, _)| traces.clone())
}

/// Whether somebody looks at the spans of requests: they cost too much to be made for nobody.
pub(crate) fn wants_spans() -> bool {
    TRACES.get().is_some_and(|(_, wanted)| *wanted)
}

/// Sets up the log of the process, on stderr, and its traces. `RUST_LOG` says what is logged; by default information and
/// worse. Must be called within a Tokio runtime; what is returned sends the last traces when it is finished.
///
/// # Errors
///
/// [`TraceError`].
pub fn init(format: LogFormat, otlp: Option<&str>) -> Result<Option<Exporting>, TraceError> {
    let sent = otlp.map(|url| Traces::start(url, "orchestrator-server")).transpose()?;
    let (traces, exporting) = sent.unzip();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let style = match format {
        LogFormat::Text => LogStyle::Text,
        LogFormat::Json => LogStyle::Json,
    };
    // It is set up already where several servers live in one process.
    if orchestrator_trace::install(style, filter, traces.as_ref()) {
        let wanted = traces.is_some() || format == LogFormat::Json;
        TRACES.set((traces, wanted)).ok();
    }
    Ok(exporting)
}
