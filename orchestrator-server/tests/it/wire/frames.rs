//! The server's end as a worker in another language meets it.

use orchestrator_core::{
    protocol::{
        Code, Json, LeaseId, NewTask, ReportAck, ReportBody, ReportItem, TaskState,
        frame::{AskHistory, Credit, Goodbye, Lease, Report, ServerFrame, Stats, WorkerFrame},
    },
    service::{LocalSource, SourceConfig},
    worker::source::TaskSource as _,
};
use orchestrator_server::workers::WorkersConfig;
use proptest::{prelude::*, strategy::ValueTree};
use std::time::Duration;

use super::{
    raw::{Raw, hello},
    replica::{Ground, Replica, until},
};

fn item(lease: &Lease, number: u64, body: ReportBody) -> ReportItem {
    ReportItem {
        task: lease.task_id,
        lease: lease.lease,
        number,
        body,
    }
}

fn complete() -> ReportBody {
    ReportBody::Complete {
        output: Json::NULL,
        wall_s: 0.1,
    }
}

async fn leases(raw: &mut Raw) -> Vec<Lease> {
    match raw.hear().await {
        ServerFrame::Lease(leases) => leases.tasks,
        other => panic!("leases, not {other:?}"),
    }
}

async fn acks(raw: &mut Raw, expected: u64) -> Vec<ReportAck> {
    match raw.hear().await {
        ServerFrame::Ack(ack) => {
            assert_eq!(ack.id, expected);
            ack.acks
        }
        other => panic!("acks, not {other:?}"),
    }
}

#[tokio::test]
async fn credit_is_what_is_granted_and_no_more() {
    let replica = Replica::start(&Ground::default()).await;
    for _ in 0..5 {
        replica.submit("a", ()).await;
    }
    let (mut raw, welcome) = Raw::welcomed(&replica.url(), hello(1, &["a"])).await;
    assert!(!welcome.resumed);
    assert!((welcome.heartbeat_s - 5.0).abs() < 0.01 && (welcome.lease_s - 15.0).abs() < 0.01);
    assert!(raw.is_quiet().await, "no credit, no tasks");
    raw.say(&WorkerFrame::Credit(Credit { add: 2 })).await;
    let first = leases(&mut raw).await;
    assert_eq!(first.len(), 2);
    assert!(raw.is_quiet().await);
    // Reports that are sent one after the other without waiting take effect in order.
    for (id, number) in [(1, 1), (2, 2)] {
        let log = ReportBody::Log {
            stream: "log".to_owned(),
            text: format!("line {id}"),
            at: replica.engine.now(),
        };
        let items = vec![item(&first[0], number, log)];
        raw.say(&WorkerFrame::Report(Report { id, items })).await;
    }
    let items = vec![item(&first[0], 3, complete()), item(&first[1], 1, complete())];
    raw.say(&WorkerFrame::Report(Report { id: 3, items })).await;
    for (id, count) in [(1, 1), (2, 1), (3, 2)] {
        assert_eq!(acks(&mut raw, id).await, vec![ReportAck::Accepted; count]);
    }
    raw.say(&WorkerFrame::Credit(Credit { add: 7 })).await;
    assert_eq!(leases(&mut raw).await.len(), 3);
    // What is left of the credit is for what comes.
    let late = replica.submit("a", ()).await;
    assert_eq!(leases(&mut raw).await[0].task_id, late);
    raw.say(&WorkerFrame::Drain).await;
    raw.say(&WorkerFrame::Stats(Stats {
        id: 9,
        load: orchestrator_core::protocol::Load::default(),
    }))
    .await;
    match raw.hear().await {
        ServerFrame::Renewed(renewed) => assert_eq!((renewed.id, renewed.alive, renewed.held.len()), (9, true, 4)),
        other => panic!("{other:?}"),
    }
    replica.submit("a", ()).await;
    assert!(raw.is_quiet().await, "it drains");
}

#[tokio::test]
async fn a_lease_brings_what_was_finished_and_what_dependencies_gave() {
    let replica = Replica::start(&Ground::default()).await;
    let first = replica.submit("a", ()).await;
    let mut spec = NewTask::new("b", Json::NULL);
    spec.depends_on = vec![first.into()];
    let second = replica.engine.submit_one(spec).await.expect("a task").id();
    let (mut raw, _) = Raw::welcomed(&replica.url(), hello(1, &["a", "b"])).await;
    raw.say(&WorkerFrame::Credit(Credit { add: 4 })).await;
    let lease = leases(&mut raw).await.remove(0);
    let output: Json = serde_json::json!({"n": 1}).into();
    let step = ReportBody::Step {
        name: "s".to_owned(),
        output: output.clone(),
    };
    let fail = ReportBody::Fail {
        error: orchestrator_core::TaskError::retryable("once more"),
        wall_s: 0.0,
    };
    let items = vec![item(&lease, 1, step), item(&lease, 2, fail)];
    raw.say(&WorkerFrame::Report(Report { id: 1, items })).await;
    assert_eq!(acks(&mut raw, 1).await.len(), 2);
    let again = leases(&mut raw).await.remove(0);
    assert_eq!((again.task_id, again.attempt, again.has_history), (first, 2, true));
    assert_eq!(again.history.as_ref().expect("a history").steps[0].output, output);
    let done = ReportBody::Complete {
        output: output.clone(),
        wall_s: 0.0,
    };
    let items = vec![item(&again, 1, done)];
    raw.say(&WorkerFrame::Report(Report { id: 2, items })).await;
    assert_eq!(acks(&mut raw, 2).await, [ReportAck::Accepted]);
    let next = leases(&mut raw).await.remove(0);
    assert_eq!(next.task_id, second);
    assert_eq!(next.dependencies[0].output, Some(output));
}

#[tokio::test]
async fn a_session_is_resumed_on_any_replica_and_leaves_its_old_connection() {
    let ground = Ground::default();
    let (one, two) = (Replica::start(&ground).await, Replica::start(&ground).await);
    let id = one.submit("a", ()).await;
    let (mut first, welcome) = Raw::welcomed(&one.url(), hello(1, &["a"])).await;
    first.say(&WorkerFrame::Credit(Credit { add: 1 })).await;
    let lease = leases(&mut first).await.remove(0);
    let mut again = hello(1, &["a"]);
    again.resume = Some(welcome.session);
    let (mut second, resumed) = Raw::welcomed(&two.url(), again.clone()).await;
    assert!(resumed.resumed);
    assert_eq!(resumed.session, welcome.session);
    let report = |id| {
        let items = vec![item(&lease, 1, complete())];
        WorkerFrame::Report(Report { id, items })
    };
    // The same report over both connections takes effect once.
    for (raw, id) in [(&mut second, 1), (&mut first, 2)] {
        raw.say(&report(id)).await;
        assert_eq!(acks(raw, id).await, [ReportAck::Accepted]);
    }
    assert_eq!(two.settled(id).await.attempt, 1);
    // On the same replica the earlier connection is closed.
    let (_third, _) = Raw::welcomed(&two.url(), again.clone()).await;
    assert_eq!(second.closed().await, Some(4000));
    // A session that has ended is replaced.
    first.say(&WorkerFrame::Goodbye(Goodbye { id: 7 })).await;
    assert!(matches!(first.hear().await, ServerFrame::Done(done) if done.id == 7));
    let (_fourth, fresh) = Raw::welcomed(&one.url(), again).await;
    assert!(!fresh.resumed);
    assert_ne!(fresh.session, welcome.session);
}

#[tokio::test]
async fn a_lease_that_is_lost_is_said_so() {
    let replica = Replica::start(&Ground::default()).await;
    let id = replica.submit("a", ()).await;
    let (mut raw, welcome) = Raw::welcomed(&replica.url(), hello(1, &["a"])).await;
    raw.say(&WorkerFrame::Credit(Credit { add: 1 })).await;
    let mut lease = leases(&mut raw).await.remove(0);
    lease.lease = LeaseId(lease.lease.0 + 1);
    let items = vec![item(&lease, 1, complete())];
    raw.say(&WorkerFrame::Report(Report { id: 1, items })).await;
    assert_eq!(acks(&mut raw, 1).await, [ReportAck::LeaseLost]);
    // A session that ended is told to the one who asks for more.
    let closer = LocalSource::new(replica.engine.clone(), SourceConfig::default());
    closer.close(welcome.session).await.expect("it ends");
    raw.say(&WorkerFrame::Credit(Credit { add: 1 })).await;
    match raw.hear().await {
        ServerFrame::Error(failure) => assert_eq!((failure.id, failure.code), (None, Code::LeaseLost)),
        other => panic!("{other:?}"),
    }
    assert_eq!(replica.engine.get(id).await.expect("a task").state, TaskState::Ready);
    // On the same connection it may begin anew.
    raw.say(&WorkerFrame::Hello(hello(1, &["a"]))).await;
    assert!(matches!(raw.hear().await, ServerFrame::Welcome(_)));
    raw.say(&WorkerFrame::Credit(Credit { add: 1 })).await;
    assert_eq!(leases(&mut raw).await[0].task_id, id);
}

#[tokio::test]
async fn what_is_no_frame_is_answered_and_harms_nothing() {
    let replica = Replica::start(&Ground::default()).await;
    let (mut raw, _) = Raw::welcomed(&replica.url(), hello(1, &["a"])).await;
    for (text, id) in [
        ("", None),
        ("{", None),
        (r#"{"type":"history","id":4,"task_id":"x"}"#, Some(4)),
        (r#"{"type":"report","id":5,"items":[{}]}"#, Some(5)),
    ] {
        raw.send(text).await;
        match raw.hear().await {
            ServerFrame::Error(failure) => assert_eq!((failure.id, failure.code), (id, Code::InvalidInput)),
            other => panic!("{other:?}"),
        }
    }
    raw.send(r#"{"type":"something_newer"}"#).await;
    let unknown = "01930000-0000-7000-8000-000000000001".parse().expect("an id");
    raw.say(&WorkerFrame::History(AskHistory {
        id: 6,
        task_id: unknown,
    }))
    .await;
    assert!(
        !matches!(raw.hear().await, ServerFrame::Error(failure) if failure.id != Some(6)),
        "what is newer is passed over"
    );
}

#[tokio::test]
async fn who_is_not_polite_is_shown_out() {
    let config = WorkersConfig {
        lease: Duration::from_millis(600),
        max_frame_bytes: 10_000,
        ..WorkersConfig::default()
    };
    let replica = Replica::start_with(&Ground::default(), config).await;
    let mut rude = Raw::worker(&replica.url()).await;
    rude.say(&WorkerFrame::Drain).await;
    assert!(matches!(rude.hear().await, ServerFrame::Error(failure) if failure.message.contains("hello")));
    assert_eq!(rude.closed().await, Some(1008));
    let mut old = Raw::worker(&replica.url()).await;
    let mut wrong = hello(1, &[]);
    wrong.protocol = 99;
    old.say(&WorkerFrame::Hello(wrong)).await;
    match old.hear().await {
        ServerFrame::Error(failure) => {
            assert!(failure.message.contains("version 1, not 99"), "{}", failure.message);
            assert!(
                failure.message.contains("task_types"),
                "everything at once: {}",
                failure.message
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(old.closed().await, Some(1008));
    let (mut long, _) = Raw::welcomed(&replica.url(), hello(2, &["a"])).await;
    long.send(&"x".repeat(20_000)).await;
    assert!(matches!(long.closed().await, Some(1009) | None));
    // One that reads nothing sends no pongs either, and is as good as gone.
    let (silent, welcome) = Raw::welcomed(&replica.url(), hello(3, &["a"])).await;
    until("its session ends", async || {
        let sessions = replica.engine.store.sessions().await.expect("sessions");
        sessions.iter().all(|view| view.id != welcome.session).then_some(())
    })
    .await;
    drop(silent);
}

#[tokio::test]
async fn fuzzed_connections_do_not_hurt_others() {
    let replica = Replica::start(&Ground::default()).await;
    let (mut good, _) = Raw::welcomed(&replica.url(), hello(1, &["a"])).await;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let frames = proptest::collection::vec(
        prop_oneof![
            ".{0,80}",
            Just(r#"{"type":"credit","add":4294967295}"#.to_owned()),
            Just(r#"{"type":"goodbye","id":-1}"#.to_owned()),
            Just(r#"{"type":"report","id":18446744073709551615,"items":[]}"#.to_owned()),
            Just(r#"{"type":"stats","cpu_percent":"hot"}"#.to_owned()),
            Just(r#"{"type":"results","id":1,"task_ids":[]}"#.to_owned()),
            "\\PC{0,40}".prop_map(|text| format!(r#"{{"type":"hello","name":{text:?}}}"#)),
        ],
        1..12,
    );
    for _ in 0..40 {
        let texts = frames.new_tree(&mut runner).expect("frames").current();
        let (mut raw, _) = Raw::welcomed(&replica.url(), hello(2, &["z"])).await;
        for text in texts {
            use futures::SinkExt;
            let message = tokio_tungstenite::tungstenite::Message::text(text);
            if raw.socket.send(message).await.is_err() {
                break;
            }
        }
    }
    let id = replica.submit("a", ()).await;
    good.say(&WorkerFrame::Credit(Credit { add: 1 })).await;
    assert_eq!(leases(&mut good).await[0].task_id, id);
}
