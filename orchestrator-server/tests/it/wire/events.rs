//! Live events over WebSockets.

use std::{collections::BTreeMap, time::Duration};

use orchestrator_client::{
    Events, EventsQuery, ServerAddress, Way,
    transport::{self, subprotocol},
};
use orchestrator_core::{
    protocol::{Event, EventType, Seq, TaskId},
    store::EventQuery,
};
use orchestrator_testkit::proxy::Proxy;
use tokio::time::timeout;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{
        self,
        client::IntoClientRequest,
        http::{HeaderValue, header},
    },
};

use super::{
    agents::{Tally, registry},
    raw::{Raw, hello},
    replica::{Ground, PATIENCE, Replica, remote, work},
};

fn events(url: &str, query: EventsQuery) -> Events {
    let address = ServerAddress::parse(url, None).expect("a URL");
    Events::new(transport::native(), address, query)
}

async fn next(events: &mut Events) -> Event {
    timeout(PATIENCE, events.next())
        .await
        .expect("an event")
        .expect("an event")
}

/// The durable events of the whole history.
async fn history(replica: &Replica) -> Vec<Event> {
    let query = EventQuery {
        limit: 1_000_000,
        ..EventQuery::default()
    };
    replica.engine.events(query).await.expect("a history")
}

/// Everything durable up to a place, as a viewer saw it.
async fn durable(events: &mut Events, last: Seq) -> Vec<Event> {
    let mut seen: Vec<Event> = Vec::new();
    let mut place = Seq(0);
    while place < last {
        let event = next(events).await;
        assert!(event.seq >= place, "seqs never go back: {event:?} after {place}");
        place = event.seq;
        if event.kind.is_durable() {
            seen.push(event);
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_durable_event_comes_once_and_in_order_however_often_it_is_cut() {
    let replica = Replica::start(&Ground::default()).await;
    let tally = Tally::default();
    let _worker = work(remote(&replica.url(), Way::WebSocket), registry(&tally), 8);
    let proxy = Proxy::before(replica.address).await;
    proxy.cut_after((0..53).map(|n| 2_000 + n * 977 % 20_000).collect());
    let mut viewer = events(&proxy.url(), EventsQuery::default());
    viewer.connect().await.expect("a viewer");
    let watched = tokio::spawn(async move {
        let mut seen = Vec::new();
        loop {
            let event = next(&mut viewer).await;
            let is_end = event.body.task_type.as_deref() == Some("fails");
            if event.kind.is_durable() {
                seen.push(event);
            }
            if is_end {
                return seen;
            }
        }
    });
    let mut tasks = Vec::new();
    for n in 0..150 {
        tasks.push(replica.submit(if n % 30 == 0 { "sums" } else { "count" }, 2).await);
    }
    for id in tasks {
        replica.settled(id).await;
    }
    let end = replica.submit("fails", ()).await;
    replica.settled(end).await;
    let seen = timeout(PATIENCE, watched).await.expect("the end").expect("a viewer");
    let last = seen.last().expect("an event").seq;
    let expected: Vec<Event> = history(&replica).await.into_iter().filter(|e| e.seq <= last).collect();
    assert_eq!(seen, expected);
    assert!(proxy.connections() > 3, "{} connections", proxy.connections());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_gets_what_it_asked_for() {
    let replica = Replica::start(&Ground::default()).await;
    let tally = Tally::default();
    let _worker = work(remote(&replica.url(), Way::WebSocket), registry(&tally), 8);
    let root = replica.submit("sums", 3).await;
    let other = replica.submit("count", 1).await;
    for id in [root, other] {
        replica.settled(id).await;
    }
    let last = history(&replica).await.last().expect("events").seq;
    let tree = replica.engine.tree(root).await.expect("a tree");
    let child = tree.tasks[1].id;
    let from_start = |task_id, tree, types: &[EventType]| EventsQuery {
        task_id,
        tree,
        types: types.to_vec(),
        after: Some(Seq(0)),
    };
    for (query, wanted) in [
        (
            from_start(None, false, &[]),
            Box::new(|_: &Event| true) as Box<dyn Fn(&Event) -> bool>,
        ),
        (
            from_start(Some(root), false, &[]),
            Box::new(|e| e.task_id == Some(root)),
        ),
        (from_start(Some(root), true, &[]), Box::new(|e| e.root_id == Some(root))),
        (
            from_start(Some(child), true, &[]),
            Box::new(|e| e.task_id == Some(child)),
        ),
        (
            from_start(Some(root), true, &[EventType::TaskState]),
            Box::new(|e| e.root_id == Some(root) && e.kind == EventType::TaskState),
        ),
    ] {
        let expected: Vec<Event> = history(&replica).await.into_iter().filter(|e| wanted(e)).collect();
        let place = expected.last().expect("events").seq;
        let mut viewer = events(&replica.url(), query.clone());
        assert_eq!(durable(&mut viewer, place).await, expected, "{query:?}");
        // Nothing that was not asked for comes after it.
        let query = EventsQuery {
            after: Some(last),
            ..query
        };
        let mut late = events(&replica.url(), query);
        late.connect().await.expect("a viewer");
        let quiet = timeout(Duration::from_millis(100), late.next()).await;
        assert!(quiet.is_err(), "{quiet:?}");
    }
}

/// What happens while a viewer without a place is away, it gets too: the server said where it began.
#[tokio::test]
async fn a_viewer_that_is_cut_before_its_first_event_misses_nothing() {
    let replica = Replica::start(&Ground::default()).await;
    replica.submit("a", ()).await;
    let proxy = Proxy::before(replica.address).await;
    let mut viewer = events(&proxy.url(), EventsQuery::default());
    viewer.connect().await.expect("a viewer");
    proxy.refuse(true);
    let id = replica.submit("a", ()).await;
    proxy.refuse(false);
    assert_eq!(next(&mut viewer).await.task_id, Some(id));
}

/// A page sees neither headers nor pings: it is told where it begins in a frame, and by which subprotocol.
#[tokio::test]
async fn a_page_is_told_its_place() {
    let replica = Replica::start(&Ground::default()).await;
    let connect = async |offered: Vec<String>| {
        let mut request = format!("ws://{}/api/v1/events", replica.address)
            .into_client_request()
            .expect("a request");
        let offered = HeaderValue::from_str(&offered.join(", ")).expect("a header");
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
        let (socket, response) = connect_async(request).await.expect("a WebSocket");
        let header = |name: &str| response.headers()[name].to_str().expect("a text").to_owned();
        (
            Raw { socket },
            header("sec-websocket-protocol"),
            header("x-orchestrator-seq"),
        )
    };
    replica.submit("a", ()).await;
    let (mut page, spoken, place) = connect(subprotocol::offered(None)).await;
    assert_eq!(spoken, subprotocol::PLACED);
    let first = page.text().await.expect("a frame");
    assert_eq!(subprotocol::place(&first).map(|place| place.to_string()), Some(place));
    let (mut other, spoken, _) = connect(vec![subprotocol::SPOKEN.to_owned()]).await;
    assert_eq!(spoken, subprotocol::SPOKEN);
    let id = replica.submit("a", ()).await;
    for raw in [&mut page, &mut other] {
        let event: Event = serde_json::from_str(&raw.text().await.expect("a frame")).expect("an event");
        assert_eq!(event.task_id, Some(id));
    }
}

#[tokio::test]
async fn what_cannot_be_watched_is_refused_before_the_socket_opens() {
    let replica = Replica::start(&Ground::default()).await;
    for (query, status, words) in [
        ("?after=x", 400, "after: must be"),
        ("?task_id=7", 400, "task_id"),
        ("?token=secret", 400, "is not a parameter"),
        ("?task_id=01930000-0000-7000-8000-000000000001", 404, "there is no task"),
    ] {
        let url = format!("ws://{}/api/v1/events{query}", replica.address);
        match connect_async(&url).await {
            Err(tungstenite::Error::Http(response)) => {
                assert_eq!(response.status().as_u16(), status);
                let body = response.body().clone().unwrap_or_default();
                assert!(String::from_utf8_lossy(&body).contains(words), "{body:?}");
            }
            other => panic!("refused, not {other:?}"),
        }
    }
    rustls::crypto::ring::default_provider().install_default().ok();
    // A page is not told why its WebSocket was refused, and asks again without one.
    for (query, status) in [
        ("?after=x", 400),
        ("?task_id=01930000-0000-7000-8000-000000000001", 404),
        ("", 426),
    ] {
        let url = format!("http://{}/api/v1/events{query}", replica.address);
        let response = reqwest::get(url).await.expect("an answer");
        assert_eq!(response.status().as_u16(), status, "{query}");
        assert_eq!(response.headers().contains_key("upgrade"), status == 426);
    }
    let missing: TaskId = "01930000-0000-7000-8000-000000000001".parse().expect("an id");
    let query = EventsQuery {
        task_id: Some(missing),
        ..EventsQuery::default()
    };
    assert_eq!(
        events(&replica.url(), query)
            .next()
            .await
            .expect_err("no such task")
            .status,
        404
    );
}

/// A viewer that does not read falls behind; what is durable it gets all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_viewer_is_told_and_catches_up() {
    let replica = Replica::start(&Ground::default()).await;
    let proxy = Proxy::before(replica.address).await;
    let mut viewer = events(&proxy.url(), EventsQuery::default());
    viewer.connect().await.expect("a viewer");
    proxy.stall(true);
    let mut last = TaskId::from_uuid(uuid::Uuid::nil());
    for _ in 0..40 {
        let tasks = (0..1_000).map(|_| {
            let mut task = orchestrator_core::NewTask::new("a", orchestrator_core::Json::NULL);
            task.description = "x".repeat(200);
            task
        });
        let submitted = replica.engine.submit(tasks.collect()).await.expect("tasks");
        last = submitted.last().expect("a task").id();
    }
    proxy.stall(false);
    let (mut created, mut lagged) = (BTreeMap::new(), 0_u64);
    let mut place = Seq(0);
    loop {
        let event = next(&mut viewer).await;
        assert!(event.seq >= place, "seqs never go back");
        place = event.seq;
        match event.kind {
            EventType::Lagged => lagged += event.body.lost.unwrap_or_default(),
            EventType::TaskCreated => *created.entry(event.task_id.expect("a task")).or_insert(0) += 1,
            _ => {}
        }
        if event.task_id == Some(last) && event.kind == EventType::TaskCreated {
            break;
        }
    }
    assert_eq!(created.len(), 40_000);
    assert!(created.values().all(|count| *count == 1), "each once");
    assert!(lagged > 0, "and it was told that it fell behind");
}

/// Five hundred viewers over two replicas; each sees everything once and in order. How soon is for the benchmarks to say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_watch_over_two_replicas() {
    let ground = Ground::default();
    let replicas = [Replica::start(&ground).await, Replica::start(&ground).await];
    let mut viewers = tokio::task::JoinSet::new();
    for n in 0..500 {
        let url = format!("ws://{}/api/v1/events?types=task_created", replicas[n % 2].address);
        let mut raw = Raw::connect(&url).await;
        viewers.spawn(async move {
            let mut seen = Vec::new();
            while seen.len() < 50 {
                let text = raw.text().await.expect("an event");
                let event: Event = serde_json::from_str(&text).expect("an event");
                seen.push(event.task_id.expect("a task"));
            }
            seen
        });
    }
    let mut tasks = Vec::new();
    for n in 0..50 {
        tasks.push(replicas[n % 2].submit("a", ()).await);
    }
    while let Some(seen) = timeout(PATIENCE, viewers.join_next()).await.expect("all see it") {
        assert_eq!(seen.expect("a viewer"), tasks);
    }
}

#[tokio::test]
async fn a_server_that_stops_says_so_and_another_goes_on() {
    let ground = Ground::default();
    let (one, two) = (Replica::start(&ground).await, Replica::start(&ground).await);
    let mut raw = Raw::connect(&format!("ws://{}/api/v1/events", one.address)).await;
    let urls = format!("{},{}", one.url(), two.url());
    let mut viewer = events(&urls, EventsQuery::default());
    viewer.connect().await.expect("a viewer");
    let first = one.submit("a", ()).await;
    assert_eq!(next(&mut viewer).await.task_id, Some(first));
    one.stop().await;
    assert_eq!(raw.closed().await, Some(1012));
    let second = two.submit("a", ()).await;
    loop {
        let event = next(&mut viewer).await;
        if event.task_id == Some(second) {
            break;
        }
        assert_eq!(event.task_id, Some(first), "what is left of the first");
    }
}

#[tokio::test]
async fn a_worker_is_seen_to_come_to_work_and_to_go() {
    let replica = Replica::start(&Ground::default()).await;
    let query = EventsQuery {
        types: vec![EventType::WorkerState, EventType::WorkerStats],
        ..EventsQuery::default()
    };
    let mut viewer = events(&replica.url(), query);
    viewer.connect().await.expect("a viewer");
    let (mut raw, welcome) = Raw::welcomed(&replica.url(), hello(7, &["a"])).await;
    let came = next(&mut viewer).await;
    let data = |event: &Event| event.body.data.clone().expect("data");
    assert_eq!(
        (came.kind, &data(&came)["state"]),
        (EventType::WorkerState, &"online".into())
    );
    assert_eq!((&data(&came)["name"], came.task_id), (&"raw 7".into(), None));
    raw.send(r#"{"type":"stats","id":1,"cpu_percent":12.5,"memory_percent":40}"#)
        .await;
    let busy = next(&mut viewer).await;
    assert_eq!(
        (busy.kind, busy.body.worker_id),
        (EventType::WorkerStats, came.body.worker_id)
    );
    let told = serde_json::json!({
        "running": 0, "slots": 10, "cpu_percent": 12.5, "memory_percent": 40.0, "disk_percent": null
    });
    assert_eq!(data(&busy), told);
    raw.send(&format!(
        r#"{{"type":"goodbye","id":2,"session":"{}"}}"#,
        welcome.session
    ))
    .await;
    let went = next(&mut viewer).await;
    assert_eq!(
        (went.kind, &data(&went)["state"]),
        (EventType::WorkerState, &"offline".into())
    );
}
