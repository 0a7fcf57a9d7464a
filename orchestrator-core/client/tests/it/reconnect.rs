//! Live events over a transport that breaks: waits that grow, and going on where it stopped.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use orchestrator_client::{
    Events, EventsQuery, ServerAddress,
    transport::{Closed, ConnectError, Socket, Transport},
};
use orchestrator_protocol::{EventType, Seq};

/// What comes of an attempt to connect.
enum Attempt {
    Unreachable,
    Refused(u16),
    /// The place that the server tells, and what it says until it breaks; `None` is a ping.
    Open(Option<i64>, Vec<Option<String>>),
    /// Nothing ever comes.
    Silent,
}

/// A transport that does what a test says, and keeps what it was asked for.
#[derive(Default)]
struct Scripted {
    attempts: Mutex<VecDeque<Attempt>>,
    urls: Mutex<Vec<String>>,
    waits: Mutex<Vec<Duration>>,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

struct Lines {
    place: Option<i64>,
    left: VecDeque<Option<String>>,
    silent: bool,
}

#[async_trait]
impl Transport for Scripted {
    async fn connect(&self, url: &reqwest::Url, token: Option<&str>) -> Result<Box<dyn Socket>, ConnectError> {
        assert_eq!(token, Some("secret"));
        self.urls.lock().expect("the urls").push(url.to_string());
        let attempt = self.attempts.lock().expect("the attempts").pop_front();
        match attempt.expect("no attempt more than the test says") {
            Attempt::Unreachable => Err(ConnectError::Unreachable("nobody is there".to_owned())),
            Attempt::Refused(status) => Err(ConnectError::Refused {
                status,
                message: "no".to_owned(),
            }),
            Attempt::Open(place, lines) => Ok(Box::new(Lines {
                place,
                left: lines.into(),
                silent: false,
            })),
            Attempt::Silent => Ok(Box::new(Lines {
                place: None,
                left: VecDeque::new(),
                silent: true,
            })),
        }
    }

    /// Time goes by at once, but is counted.
    async fn sleep(&self, wait: Duration) {
        self.waits.lock().expect("the waits").push(wait);
    }
}

#[async_trait]
impl Socket for Lines {
    async fn send(&mut self, _: Vec<String>) -> Result<(), Closed> {
        panic!("a viewer has nothing to say")
    }

    async fn next(&mut self) -> Result<Option<String>, Closed> {
        if self.silent {
            return std::future::pending().await;
        }
        self.left.pop_front().ok_or_else(|| Closed {
            code: None,
            reason: "it broke".to_owned(),
        })
    }

    fn header(&self, name: &str) -> Option<String> {
        assert_eq!(name, "x-orchestrator-seq");
        self.place.map(|place| place.to_string())
    }

    async fn close(&mut self) {}
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside the pauses, which are none")]
fn line(seq: i64, kind: EventType) -> Option<String> {
    Some(format!(
        r#"{{"seq":{seq},"at":"2026-11-23T10:00:00Z","type":"{kind}","newer":[1]}}"#
    ))
}

fn viewer(url: &str, query: EventsQuery, attempts: Vec<Attempt>) -> (Events, Arc<Scripted>) {
    let transport = Arc::new(Scripted {
        attempts: Mutex::new(attempts.into()),
        ..Scripted::default()
    });
    let address = ServerAddress::parse(url, Some("secret".to_owned())).expect("a URL");
    (Events::new(transport.clone(), address, query), transport)
}

async fn next(events: &mut Events) -> Seq {
    events.next().await.expect("an event").seq
}

#[tokio::test]
async fn it_goes_on_where_it_stopped_at_the_next_replica() {
    let state = EventType::TaskState;
    let (mut events, transport) = viewer(
        "http://a,http://b",
        EventsQuery::default(),
        vec![
            // It breaks before its first event: the server said where it began.
            Attempt::Open(Some(5), vec![]),
            Attempt::Open(None, vec![line(6, state), None, line(7, EventType::TaskLog)]),
            Attempt::Open(None, vec![Some("{\"type\":\"newer\"}".to_owned()), line(9, state)]),
        ],
    );
    events.connect().await.expect("it connects");
    assert!(events.is_connected());
    assert_eq!(events.after(), Some(Seq(5)));
    assert_eq!(next(&mut events).await, Seq(6));
    assert_eq!(next(&mut events).await, Seq(7));
    assert_eq!(next(&mut events).await, Seq(9), "what is newer is passed over");
    let urls = transport.urls.lock().expect("the urls").clone();
    let expected = [
        "ws://a/api/v1/events",
        "ws://b/api/v1/events?after=5",
        "ws://a/api/v1/events?after=7",
    ];
    assert_eq!(urls, expected);
}

#[tokio::test]
async fn it_waits_longer_and_longer_until_it_works_again() {
    let mut attempts = Vec::new();
    for _ in 0..2 {
        attempts.extend((0..10).map(|_| Attempt::Unreachable));
        attempts.push(Attempt::Refused(503));
        attempts.push(Attempt::Open(None, vec![line(1, EventType::TaskState)]));
    }
    let (mut events, transport) = viewer("http://a", EventsQuery::default(), attempts);
    for _ in 0..2 {
        next(&mut events).await;
        let waits = std::mem::take(&mut *transport.waits.lock().expect("the waits"));
        assert_eq!(waits.len(), 11, "the first attempt comes at once");
        for (n, wait) in waits.iter().enumerate() {
            let full = Duration::from_millis((50 << n).min(5_000));
            assert!(*wait <= full && *wait >= full / 2, "attempt {n} after {wait:?}");
        }
    }
}

#[tokio::test]
async fn a_silent_connection_is_given_up() {
    let attempts = vec![
        Attempt::Silent,
        Attempt::Open(None, vec![line(3, EventType::TaskState)]),
    ];
    let query = EventsQuery {
        after: Some(Seq(2)),
        ..EventsQuery::default()
    };
    let (mut events, transport) = viewer("http://a", query, attempts);
    assert_eq!(next(&mut events).await, Seq(3));
    let waits = transport.waits.lock().expect("the waits").clone();
    assert!(waits[0] > Duration::from_secs(20), "two pings of the server: {waits:?}");
    let urls = transport.urls.lock().expect("the urls").clone();
    assert_eq!(urls, ["ws://a/api/v1/events?after=2"; 2]);
}

#[tokio::test]
async fn what_trying_again_cannot_help_is_said() {
    for status in [400, 401, 403, 404] {
        let (mut events, _) = viewer("http://a", EventsQuery::default(), vec![Attempt::Refused(status)]);
        assert_eq!(events.next().await.expect_err("it is refused").status, status);
    }
}
