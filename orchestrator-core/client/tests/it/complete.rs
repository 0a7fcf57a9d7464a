//! Every operation of the document has a method, with every parameter.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use orchestrator_client::{
    Client, ClientError, ServerAddress,
    api::{HistoryQuery, PageQuery, TaskQuery},
};
use orchestrator_protocol::{
    Code, Decision, EventType, ExternalResult, Json, LimitRule, NewSchedule, NewTask, OverlapPolicy, Role, Seq, TaskId,
    TaskState, Timing, Verdict,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

const ID: &str = "01930000-0000-7000-8000-000000000001";

/// A method and a path, with the names of the parameters after `?`.
type Calls = BTreeMap<(String, String), BTreeSet<String>>;

/// A server that has nothing, and keeps what it was asked for.
async fn recorder() -> (String, Arc<Mutex<Calls>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let calls = Arc::new(Mutex::new(Calls::new()));
    let kept = calls.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (method, target) = refuse(stream).await;
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            let names = query.split('&').filter(|pair| !pair.is_empty());
            let names = names.map(|pair| pair.split('=').next().unwrap_or_default().to_owned());
            let mut calls = kept.lock().expect("the calls");
            calls.entry((method, path.to_owned())).or_default().extend(names);
        }
    });
    (url, calls)
}

/// Reads one request and refuses it. Gives its method and target.
async fn refuse(stream: TcpStream) -> (String, String) {
    let mut stream = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    stream.read_line(&mut first).await.expect("a request");
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("a header");
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().expect("a length");
        }
    }
    stream.read_exact(&mut vec![0; length]).await.expect("a body");
    let body = r#"{"type":"about:blank","title":"","status":404,"detail":"nothing","code":"not_found"}"#;
    let answer = format!(
        "HTTP/1.1 404 Not Found\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nconnection: \
         close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.expect("an open connection");
    let mut words = first.split(' ').map(str::to_owned);
    (words.next().expect("a method"), words.next().expect("a target"))
}

/// Calls a method, which is refused.
async fn refused<T>(call: impl Future<Output = Result<T, ClientError>>) {
    match call.await {
        Err(error) => assert_eq!(error.code(), Some(Code::NotFound), "{error}"),
        Ok(_) => panic!("there is nothing to answer with"),
    }
}

async fn call_tasks(client: &Client) {
    let id: TaskId = ID.parse().expect("an id");
    let task = NewTask::new("a", Json::NULL);
    let tasks = TaskQuery {
        states: vec![TaskState::Ready],
        task_type: Some("a".to_owned()),
        root_id: Some(id),
        parent_id: Some(id),
        worker_id: ID.parse().ok(),
        label: Some(("team".to_owned(), "shop".to_owned())),
        text: Some("x".to_owned()),
        roots_only: true,
        limit: Some(1),
        cursor: Some("1".to_owned()),
    };
    let history = HistoryQuery {
        after: Seq(1),
        tree: true,
        types: vec![EventType::TaskState],
        limit: Some(1),
        cursor: Some("1".to_owned()),
    };
    let log = HistoryQuery {
        tree: false,
        types: Vec::new(),
        ..history.clone()
    };
    let decision = Decision {
        decision: Verdict::Accept,
        feedback: String::new(),
    };
    refused(client.submit(&task)).await;
    refused(client.submit_all(std::slice::from_ref(&task))).await;
    refused(client.tasks(&tasks)).await;
    refused(client.task(id)).await;
    refused(client.result(id, Duration::from_secs(1))).await;
    refused(client.result_or_attention(id, Duration::from_secs(1))).await;
    refused(client.tree(id)).await;
    refused(client.task_events(id, &history)).await;
    refused(client.logs(id, &log)).await;
    refused(client.why(id)).await;
    refused(client.cancel(id)).await;
    refused(client.retry(id)).await;
    refused(client.pause(id)).await;
    refused(client.resume(id)).await;
    refused(client.decide(id, &decision)).await;
    refused(client.complete(id, &ExternalResult::Output(Json::NULL))).await;
    refused(client.checkpoints(Some(id), &page())).await;
}

async fn call_fleet(client: &Client) {
    let worker = ID.parse().expect("an id");
    let schedule = ID.parse().expect("an id");
    let new = NewSchedule {
        name: "nightly".to_owned(),
        timing: Timing::EveryS(60.0),
        task: NewTask::new("a", Json::NULL),
        overlap: OverlapPolicy::Skip,
        paused: false,
    };
    refused(client.workers(&page())).await;
    refused(client.worker(worker)).await;
    refused(client.drain(worker)).await;
    refused(client.task_types(&page())).await;
    refused(client.schedules(&page())).await;
    refused(client.put_schedule(&new)).await;
    refused(client.schedule(schedule)).await;
    refused(client.delete_schedule(schedule)).await;
    refused(client.pause_schedule(schedule)).await;
    refused(client.resume_schedule(schedule)).await;
    refused(client.limits(&page())).await;
    refused(client.limit("k")).await;
    refused(client.put_limit("k", &LimitRule::default())).await;
    refused(client.delete_limit("k")).await;
    refused(client.pause_queue("q")).await;
    refused(client.resume_queue("q")).await;
    refused(client.stats()).await;
    refused(client.tokens(&page())).await;
    refused(client.create_token("x", &[Role::Viewer].into(), None)).await;
    refused(client.delete_token(ID.parse().expect("an id"))).await;
}

fn page() -> PageQuery {
    PageQuery {
        limit: Some(1),
        cursor: Some("1".to_owned()),
    }
}

/// The operations of the document: their parameters in the query.
fn documented() -> Calls {
    let document: Value = serde_json::from_str(include_str!("../../../../docs/openapi.json")).expect("JSON");
    let mut calls = Calls::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let in_query = parameters.filter(|parameter| parameter["in"] == "query");
            let names = in_query.map(|parameter| parameter["name"].as_str().expect("a name").to_owned());
            let path = path.replace("{key}", "k").replace("{queue}", "q");
            let part = |part: &str| {
                if part.starts_with('{') {
                    ID.to_owned()
                } else {
                    part.to_owned()
                }
            };
            let path: Vec<String> = path.split('/').map(part).collect();
            let path = format!("/api/v1{}", path.join("/"));
            calls.insert((method.to_uppercase(), path), names.collect());
        }
    }
    calls
}

#[tokio::test]
async fn every_operation_has_a_method_with_every_parameter() {
    let (url, calls) = recorder().await;
    let client = Client::new(ServerAddress::parse(&url, None).expect("a URL")).expect("a client");
    call_tasks(&client).await;
    call_fleet(&client).await;
    let called = calls.lock().expect("the calls").clone();
    let documented = documented();
    assert!(documented.len() > 30, "{}", documented.len());
    let missing: Vec<_> = documented.keys().filter(|call| !called.contains_key(*call)).collect();
    assert!(missing.is_empty(), "no method of the client calls {missing:?}");
    assert_eq!(
        called, documented,
        "what is called is what is documented, with all parameters"
    );
}
