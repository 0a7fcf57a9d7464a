//! Both WebSockets, and the requests that wait, under whatever a network and a broken program can send: nobody else is
//! harmed, and nothing stays behind.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures::{StreamExt, stream};
use orchestrator_core::protocol::{
    Json, LeaseId, ReportBody, ReportItem,
    frame::{Credit, Lease, Report, ServerFrame, WorkerFrame},
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{client_async, connect_async};

use super::{
    raw::{Raw, hello},
    replica::until,
};

/// The server's program, so that what it holds is told apart from what the tests hold.
struct Target {
    child: Child,
    url: String,
    address: String,
    http: reqwest::Client,
    folder: TempDir,
}

/// What the server holds while nobody talks to it.
#[derive(Debug)]
struct Idle {
    tasks: f64,
    files: f64,
    bytes: f64,
}

impl Drop for Target {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Target {
    fn start() -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().expect("a folder");
        let log = File::create(folder.path().join("log")).expect("a file");
        let mut child = Command::new(env!("CARGO_BIN_EXE_orchestrator-server"))
            .args(["--listen", "127.0.0.1:0", "--database", "memory:", "--lease-s", "2"])
            .env_remove("ORCHESTRATOR_ADMIN_TOKEN")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let url = line.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        // Connections that are kept for the next request would count as left behind.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build();
        Self {
            child,
            address: url.trim_start_matches("http://").to_owned(),
            url,
            http: http.expect("a client"),
            folder,
        }
    }

    /// What it holds once nothing is under way.
    async fn idle(&self) -> Idle {
        until("the server is idle", async || {
            let connections = self.gauge("orchestrator_connections{").await;
            // The one that asks is in flight itself.
            let requests = self.gauge("http_requests_in_flight").await;
            (connections <= 0.0 && requests <= 1.0).then_some(())
        })
        .await;
        Idle {
            tasks: self.gauge("tokio_alive_tasks").await,
            files: self.gauge("process_open_fds").await,
            bytes: self.gauge("process_resident_memory_bytes").await,
        }
    }

    /// The sum of a gauge over its labels.
    async fn gauge(&self, name: &str) -> f64 {
        let metrics = self.http.get(format!("{}/metrics", self.url)).send().await;
        let text = metrics.expect("metrics").text().await.expect("a text");
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}/api/v1{path}", self.url)).send().await;
        answer.expect("an answer").json().await.expect("JSON")
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.http.post(format!("{}/api/v1{path}", self.url)).json(body);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    async fn submit(&self, count: usize) {
        let tasks = vec![json!({"task_type": "a"}); count];
        self.post("/tasks/batch", &json!({"tasks": tasks})).await;
    }

    /// That everything is as it was before.
    async fn is_unharmed(&self, before: &Idle) {
        let log = std::fs::read_to_string(self.folder.path().join("log")).expect("a log");
        assert!(!log.contains("panicked"), "{log}");
        let now = until("connections leave nothing behind", async || {
            let now = self.idle().await;
            let same = now.tasks <= before.tasks + 3.0 && now.files <= before.files + 3.0;
            same.then_some(now)
        })
        .await;
        let grown = (now.bytes - before.bytes) / f64::from(1 << 20);
        assert!(grown < 256.0, "{grown} MiB more than before: {before:?} and {now:?}");
        until("the sessions of those who are gone have ended", async || {
            let workers = self.get("/workers").await;
            (workers["items"] == json!([])).then_some(())
        })
        .await;
        self.works().await;
    }

    /// Every task that is there is done by one who is well-behaved.
    async fn works(&self) {
        self.submit(1).await;
        let (mut good, _) = Raw::welcomed(&self.url, hello(1, &["a"])).await;
        good.say(&WorkerFrame::Credit(Credit { add: 10 })).await;
        let mut id = 0;
        loop {
            match good.hear().await {
                ServerFrame::Lease(leases) => {
                    id += 1;
                    let add = u32::try_from(leases.tasks.len()).expect("a number");
                    let items = leases.tasks.iter().map(done).collect();
                    good.say(&WorkerFrame::Report(Report { id, items })).await;
                    good.say(&WorkerFrame::Credit(Credit { add })).await;
                }
                ServerFrame::Ack(_) => {
                    let counts = self.get("/stats").await["by_state"].clone();
                    if counts["ready"].is_null() && counts["running"].is_null() {
                        return;
                    }
                }
                _ => {}
            }
        }
    }
}

/// A report that a task is done.
fn done(lease: &Lease) -> ReportItem {
    ReportItem {
        task: lease.task_id,
        lease: lease.lease,
        number: 1,
        body: ReportBody::Complete {
            output: Json::NULL,
            wall_s: 0.0,
        },
    }
}

/// What is put on the wire.
#[derive(Debug, Clone)]
enum Step {
    /// A frame: whether it is the last of its message, its opcode, whether it is masked as a client's must be, what it
    /// says of its length, and what it holds.
    Frame(bool, u8, bool, Option<u64>, Vec<u8>),
    /// A message in so many frames, with a ping between them.
    Fragments(String, usize),
    /// Not even a frame.
    Bytes(Vec<u8>),
    /// Nothing more is said, but maybe something heard.
    HalfClose,
}

/// A frame as a client sends it. The mask is all zeros, which is one like any other.
fn frame(last: bool, opcode: u8, masked: bool, length: Option<u64>, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![(u8::from(last) << 7) | (opcode & 0x7f)];
    let length = length.unwrap_or(payload.len() as u64);
    let mask = u8::from(masked) << 7;
    match length {
        0..=125 => bytes.push(mask | length as u8),
        126..=65_535 => {
            bytes.push(mask | 0x7e);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(mask | 0x7f);
            bytes.extend(length.to_be_bytes());
        }
    }
    if masked {
        bytes.extend([0; 4]);
    }
    bytes.extend(payload);
    bytes
}

impl Step {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Frame(last, opcode, masked, length, payload) => frame(*last, *opcode, *masked, *length, payload),
            Self::Fragments(text, count) => {
                let size = text.len().div_ceil(*count).max(1);
                let parts: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
                let mut bytes = Vec::new();
                for (n, part) in parts.iter().enumerate() {
                    bytes.extend(frame(n + 1 == parts.len(), u8::from(n == 0), true, None, part));
                    bytes.extend(frame(true, 9, true, None, b"?"));
                }
                bytes
            }
            Self::Bytes(bytes) => bytes.clone(),
            Self::HalfClose => Vec::new(),
        }
    }
}

/// Every frame and body of the protocol's description.
fn examples() -> Vec<String> {
    let document = include_str!("../../../../docs/worker-protocol.md");
    let blocks = document.split("```json\n").skip(1);
    let examples: Vec<String> = blocks
        .filter_map(|block| block.split("```").next().map(str::to_owned))
        .collect();
    assert!(examples.len() > 20, "{}", examples.len());
    examples
}

fn text_frame(text: &str) -> Step {
    Step::Frame(true, 1, true, None, text.as_bytes().to_vec())
}

/// A frame of the description, as it is or with some of its bytes changed, or what is no frame at all.
fn step() -> impl Strategy<Value = Step> {
    let example = || proptest::sample::select(examples());
    let mutated = (
        example(),
        proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6),
    )
        .prop_map(|(text, edits)| {
            let mut bytes = text.into_bytes();
            for (place, byte) in edits {
                let place = place % bytes.len();
                bytes[place] = byte;
            }
            Step::Frame(true, 1, true, None, bytes)
        });
    let cut = (example(), any::<usize>())
        .prop_map(|(text, end)| text_frame(&text[..text.floor_char_boundary(end % text.len())]));
    let any_frame = (
        any::<bool>(),
        any::<u8>(),
        proptest::bool::weighted(0.9),
        proptest::option::weighted(0.2, any::<u64>()),
        proptest::collection::vec(any::<u8>(), 0..300),
    );
    let nested = (1_usize..20_000).prop_map(|depth| text_frame(&"[".repeat(depth)));
    let large = (0_usize..200_000).prop_map(|size| Step::Frame(true, 1, true, None, vec![b' '; size]));
    let hellos = (any::<u8>(), 1_u32..9).prop_map(|(worker, slots)| {
        let mut hello = hello(u128::from(worker) + 2, &["a"]);
        hello.slots = slots;
        text_frame(&WorkerFrame::Hello(hello).to_json().expect("a frame"))
    });
    let credits =
        any::<u32>().prop_map(|add| text_frame(&WorkerFrame::Credit(Credit { add }).to_json().expect("a frame")));
    let reports = any::<i64>().prop_map(|lease| {
        let item = ReportItem {
            task: "01930000-0000-7000-8000-000000000001".parse().expect("an id"),
            lease: LeaseId(lease),
            number: 1,
            body: ReportBody::Complete {
                output: Json::NULL,
                wall_s: f64::MAX,
            },
        };
        let report = Report {
            id: 1,
            items: vec![item],
        };
        text_frame(&WorkerFrame::Report(report).to_json().expect("a frame"))
    });
    prop_oneof![
        6 => hellos,
        4 => credits,
        3 => reports,
        6 => example().prop_map(|text| text_frame(&text)),
        6 => mutated,
        2 => cut,
        3 => (example(), 1_usize..40).prop_map(|(text, count)| Step::Fragments(text, count)),
        4 => any_frame.prop_map(|(last, opcode, masked, length, payload)| Step::Frame(last, opcode, masked, length, payload)),
        1 => nested,
        1 => large,
        1 => proptest::collection::vec(any::<u8>(), 0..500).prop_map(Step::Bytes),
        1 => Just(Step::HalfClose),
    ]
}

/// Opens a WebSocket, says what is to be said, and goes: at once, or when the server has nothing more to say for the
/// moment.
async fn disturb(address: &str, path: &str, steps: &[Step], listens: bool) {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (mut socket, _) = client_async(format!("ws://{address}{path}"), stream)
        .await
        .expect("a WebSocket");
    // What is said is no business of a library that knows the rules.
    let stream = socket.get_mut();
    for step in steps {
        let done = match step {
            Step::HalfClose => stream.shutdown().await,
            step => stream.write_all(&step.bytes()).await,
        };
        // The server may have had enough.
        if done.is_err() {
            return;
        }
    }
    if listens {
        let mut heard = [0; 4096];
        let _ = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut heard)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_said_on_a_socket_harms_nobody() {
    let target = Target::start();
    target.submit(50).await;
    let before = target.idle().await;
    let mut runner = TestRunner::deterministic();
    let steps = proptest::collection::vec(step(), 0..15);
    let rounds: Vec<(Vec<Step>, bool)> = (0..600)
        .map(|n| (steps.new_tree(&mut runner).expect("steps").current(), n % 3 == 0))
        .collect();
    let (address, paths) = (&target.address, ["/api/v1/worker", "/api/v1/events?after=0"]);
    stream::iter(rounds.iter().enumerate())
        .for_each_concurrent(16, |(n, (steps, listens))| async move {
            disturb(address, paths[n % 2], steps, *listens).await;
        })
        .await;
    target.is_unharmed(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_short_connections_leave_nothing_behind() {
    let target = Target::start();
    let before = target.idle().await;
    let (address, url) = (&target.address, &target.url.replace("http:", "ws:"));
    stream::iter(0..3_000_usize)
        .for_each_concurrent(32, |n| async move {
            let path = ["/api/v1/worker", "/api/v1/events"][n / 6 % 2];
            match n % 6 {
                0 => drop(TcpStream::connect(address).await.expect("a connection")),
                1 | 2 => {
                    // Half a request, or a whole one whose answer nobody reads.
                    let request = format!(
                        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                    );
                    let end = if n % 6 == 1 { request.len() / 2 } else { request.len() };
                    let mut stream = TcpStream::connect(address).await.expect("a connection");
                    stream.write_all(&request.as_bytes()[..end]).await.expect("it takes it");
                }
                3 => drop(connect_async(format!("{url}{path}")).await.expect("a WebSocket")),
                4 => {
                    let (mut socket, _) = connect_async(format!("{url}{path}")).await.expect("a WebSocket");
                    let _ = socket.close(None).await;
                }
                _ => {
                    let hello = WorkerFrame::Hello(hello(n as u128 + 2, &["z"]));
                    disturb(
                        address,
                        "/api/v1/worker",
                        &[text_frame(&hello.to_json().expect("a frame"))],
                        false,
                    )
                    .await;
                }
            }
        })
        .await;
    target.is_unharmed(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_wait_and_are_given_up_leave_nothing_behind() {
    let target = Target::start();
    let external = target.post("/tasks", &json!({"task_type": "external"})).await["id"].clone();
    let external = external.as_str().expect("an id");
    let before = target.idle().await;
    let mut waiting = Vec::new();
    for n in 0..200_u128 {
        let (http, url, external) = (target.http.clone(), target.url.clone(), external.to_owned());
        waiting.push(tokio::spawn(async move {
            if n % 2 == 0 {
                let path = format!("{url}/api/v1/tasks/{external}/result?wait_s=300");
                return drop(http.get(path).send().await);
            }
            let opened = http
                .post(format!("{url}/api/v1/worker/sessions"))
                .json(&hello(n + 2, &["a"]));
            let opened = opened.send().await.expect("an answer").json::<Value>().await;
            let session = opened.expect("a session")["session"].clone();
            let claim = json!({"session": session, "credit": 3, "wait_s": 60});
            drop(
                http.post(format!("{url}/api/v1/worker/claim"))
                    .json(&claim)
                    .send()
                    .await,
            );
        }));
    }
    until("all of them wait", async || {
        (target.gauge("http_requests_in_flight").await > 200.0).then_some(())
    })
    .await;
    for request in waiting {
        request.abort();
        let _ = request.await;
    }
    // What comes now is not for those who are gone.
    target.submit(20).await;
    target.is_unharmed(&before).await;
}
