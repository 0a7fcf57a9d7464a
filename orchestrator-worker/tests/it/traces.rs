//! One trace from a request over a server to a worker in another process, as a collector sees it.

use std::sync::{Arc, Mutex};

use orchestrator_core::protocol::{Task, TaskState};
use orchestrator_server::{Config, Server, init_telemetry};
use poem::{EndpointExt, Route, handler, listener::TcpListener, post, web::Data};

use super::program::place::{Place, until};

/// A span, ids in hexadecimal.
#[derive(Debug, Clone, PartialEq)]
struct Span {
    service: String,
    name: String,
    trace: String,
    id: String,
    parent: String,
    /// The traces that it is linked with.
    links: Vec<String>,
}

/// A collector: everything that it was sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let acceptor = poem::listener::Listener::into_acceptor(TcpListener::bind("127.0.0.1:0"))
            .await
            .expect("a port");
        let address = poem::listener::Acceptor::local_addr(&acceptor).remove(0).to_string();
        let url = format!("http://{}", address.trim_start_matches("socket://"));
        let app = Route::new().at("/v1/traces", post(collect)).data(collector.clone());
        tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(app));
        (collector, url)
    }

    fn spans(&self) -> Vec<Span> {
        self.0.lock().expect("spans").clone()
    }

    async fn named(&self, service: &str, name: &str) -> Span {
        until(name, async || {
            let found = |span: &Span| span.service == service && span.name == name;
            self.spans().into_iter().find(found)
        })
        .await
    }
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "so the framework hands it over")]
fn collect(Data(collector): Data<&Collector>, body: Vec<u8>) -> &'static str {
    let mut spans = collector.0.lock().expect("spans");
    for resource_spans in all(&body, 1) {
        let resource = String::from_utf8_lossy(resource_spans).into_owned();
        let service = ["orchestrator-server", "orchestrator-worker"]
            .into_iter()
            .find(|name| resource.contains(&format!("service.name\u{12}\u{15}\n\u{13}{name}")));
        for span in all(resource_spans, 2).into_iter().flat_map(|scope| all(scope, 2)) {
            let text = |n| first(span, n).map(|b| String::from_utf8_lossy(b).into_owned());
            spans.push(Span {
                service: service.unwrap_or_default().to_owned(),
                name: text(5).unwrap_or_default(),
                trace: hex(first(span, 1)),
                id: hex(first(span, 2)),
                parent: hex(first(span, 4)),
                links: all(span, 13).into_iter().map(|link| hex(first(link, 1))).collect(),
            });
        }
    }
    ""
}

/// The contents of a field of a protobuf message, as often as it is there.
fn all(mut message: &[u8], wanted: u64) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let length = match tag & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            1 => 8,
            5 => 4,
            _ => varint(&mut message) as usize,
        };
        let (content, rest) = message.split_at(length);
        message = rest;
        if tag >> 3 == wanted && tag & 7 == 2 {
            found.push(content);
        }
    }
    found
}

fn first(message: &[u8], wanted: u64) -> Option<&[u8]> {
    all(message, wanted).into_iter().next()
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn hex(bytes: Option<&[u8]>) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).expect("a digit");
    let bytes = bytes.unwrap_or_default().iter();
    bytes.flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_one_trace_in_every_process() {
    // As programs do first: this process sends traces, too.
    rustls::crypto::ring::default_provider().install_default().ok();
    let (collector, otlp) = Collector::start().await;
    let config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        database: "memory:".to_owned(),
        otlp: Some(otlp.clone()),
        ..Config::default()
    };
    let exporting = init_telemetry(config.log_format, config.otlp.as_deref()).expect("it can send");
    let server = Server::start(config).await.expect("a server");
    let (url, app) = (server.url(), server.app().clone());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async { drop(stopped.await) }));
    let place = Place::new();
    let worker = place.worker(&url, &["--no-discovery", "--otlp", &otlp]);

    // A caller with a trace of their own.
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let submitted = reqwest::Client::new()
        .post(format!("{url}/api/v1/tasks"))
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .json(&serde_json::json!({ "task_type": "command", "input": { "argv": ["true"] } }))
        .send()
        .await
        .expect("an answer");
    let task: Task = submitted.json().await.expect("a task");
    let ended = tokio::time::timeout(super::program::place::PATIENCE, app.engine().settled(task.id)).await;
    assert_eq!(
        ended.expect("it ends").expect("a task").task.state,
        TaskState::Succeeded
    );
    // What is left is sent when they end.
    assert_eq!(worker.stop().await, Some(0));
    stop.send(()).expect("it listens");
    serving.await.expect("it ends").expect("in order");
    let finished = tokio::task::spawn_blocking(move || exporting.map(orchestrator_trace::Exporting::finish));
    finished.await.expect("it is sent");

    // The worker's own requests have traces of their own.
    let request = until("the caller's request", async || {
        let of_the_caller = |span: &Span| span.name == "request" && span.trace == trace;
        collector.spans().into_iter().find(of_the_caller)
    })
    .await;
    assert_eq!(request.parent, "00f067aa0ba902b7");
    let verb = collector.named("orchestrator-server", "store.submit").await;
    assert_eq!((&verb.trace, &verb.parent), (&request.trace, &request.id));

    let (id, span) = (
        task.id.as_uuid().simple().to_string(),
        task.id.as_uuid().simple().to_string()[16..].to_owned(),
    );
    let submit = collector.named("orchestrator-server", "submit").await;
    assert_eq!(submit.links, [trace]);
    assert!(verb.links.contains(&id), "the request leads to the task: {verb:?}");
    let whole = collector.named("orchestrator-server", "task command").await;
    assert_eq!((&*whole.trace, &*whole.id, &*whole.parent), (&*id, &*span, ""));
    let claim = collector.named("orchestrator-server", "claim").await;
    let run = collector.named("orchestrator-worker", "run").await;
    for part in [&submit, &claim, &run] {
        assert_eq!((&part.trace, &part.parent), (&id, &span), "{part:?}");
    }
}
