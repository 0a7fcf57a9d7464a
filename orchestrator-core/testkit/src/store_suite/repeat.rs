//! Messages that arrive twice.

use orchestrator_core::store::{ReportAck, ReportBody};
use orchestrator_protocol::{Join, Json, NewTask, TaskError, TaskState, Usage};

use crate::harness::{Harness, child, completion, line, step, task};

pub async fn every_item_takes_effect_once(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    let says = [
        line(h, "once"),
        ReportBody::Progress(0.5),
        ReportBody::Usage(Usage {
            input_tokens: 5,
            ..Usage::default()
        }),
        step("one", "1"),
        ReportBody::Spawn(vec![child(h, "c", task("b"))]),
    ];
    for body in says {
        let item = h.item(&leased, body);
        let first = h.send(item.clone()).await;
        let before = h.picture(leased.id).await;
        assert_eq!(h.send(item.clone()).await, first);
        assert_eq!(h.picture(leased.id).await, before, "{item:?}");
    }
    let (line, late) = (
        h.item(&leased, line(h, "two")),
        h.item(&leased, ReportBody::Progress(0.6)),
    );
    h.send(late).await;
    h.send(line).await;
    assert_eq!(
        h.logs(leased.id).await.len(),
        1,
        "an item that comes after a later one is taken for a repeat"
    );
    let acks = h
        .store
        .report(vec![h.item(&leased, step("x", "1")); 3], h.now())
        .await
        .expect("a report")
        .value;
    assert_eq!(acks, [ReportAck::Accepted, ReportAck::Accepted, ReportAck::Accepted]);
    assert_eq!(h.store.history(leased.id).await.expect("a read").steps.len(), 2);
}

/// The worker did not hear that its last item was taken, and says it again.
pub async fn the_end_can_be_repeated(h: &Harness) {
    let session = h.session(&["a"]).await;
    let retried = TaskError::retryable("again");
    for (body, state) in [
        (completion(), TaskState::Succeeded),
        (
            ReportBody::Fail {
                error: TaskError::terminal("no"),
                wall_s: 0.1,
            },
            TaskState::Failed,
        ),
        (
            ReportBody::Fail {
                error: retried,
                wall_s: 0.1,
            },
            TaskState::Scheduled,
        ),
        (ReportBody::Release { reason: "drain".into() }, TaskState::Ready),
    ] {
        let leased = h.running(session, task("a")).await;
        let item = h.item(&leased, body.clone());
        assert_eq!(h.send(item.clone()).await, ReportAck::Accepted);
        let before = h.picture(leased.id).await;
        assert_eq!(h.send(item).await, ReportAck::Accepted, "{body:?}");
        assert_eq!(h.picture(leased.id).await, before, "{body:?}");
        assert_eq!(h.state(leased.id).await, state);
        if state == TaskState::Ready {
            h.cancel(leased.id).await;
        }
    }
    let parent = h.running(session, task("a")).await;
    let children = h.spawn(&parent, vec![child(h, "c", task("b"))]).await;
    let item = h.item(
        &parent,
        ReportBody::Wait {
            tasks: vec![children[0].id],
            join: Join::All,
            until: None,
        },
    );
    assert_eq!(h.send(item.clone()).await, ReportAck::Parked);
    assert_eq!(h.send(item.clone()).await, ReportAck::Parked);
    h.cancel(children[0].id).await;
    let resumed = h.claim_one(session).await;
    assert!(resumed.resumed);
    assert_eq!(h.send(item).await, ReportAck::LeaseLost);
    assert_eq!(h.state(parent.id).await, TaskState::Running);
}

pub async fn children_are_unique_by_name(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    let first = h
        .spawn(&leased, vec![child(h, "x", task("b")), child(h, "y", task("b"))])
        .await;
    let second = h
        .spawn(&leased, vec![child(h, "y", task("b")), child(h, "z", task("b"))])
        .await;
    assert_eq!(second[0], first[1]);
    assert_eq!(h.store.tree(leased.id).await.expect("a tree").tasks.len(), 4);
    h.lose_sessions().await;
    let session = h.session(&["a"]).await;
    let again = h.claim_one(session).await;
    let third = h.spawn(&again, vec![child(h, "x", task("b"))]).await;
    assert_eq!(third[0], first[0], "another run finds the same child");
    let names: Vec<_> = h
        .store
        .history(leased.id)
        .await
        .expect("a read")
        .children
        .into_iter()
        .filter_map(|c| c.step)
        .collect();
    assert_eq!(names, ["x", "y", "z"]);
}

pub async fn a_name_stands_for_one_thing(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    h.report(&leased, step("s", "1")).await;
    h.spawn(&leased, vec![child(h, "c", task("b"))]).await;
    let before = h.picture(leased.id).await;
    let other_input = NewTask {
        input: Json::parse("[2]").expect("JSON"),
        ..task("b")
    };
    for body in [
        step("c", "1"),
        ReportBody::Spawn(vec![child(h, "s", task("b"))]),
        ReportBody::Spawn(vec![child(h, "new", task("b")), child(h, "c", task("other"))]),
        ReportBody::Spawn(vec![child(h, "c", other_input)]),
        ReportBody::Spawn(vec![child(h, "twin", task("b")), child(h, "twin", task("b"))]),
    ] {
        let ack = h.report(&leased, body.clone()).await;
        assert!(
            matches!(&ack, ReportAck::Refused { message } if message.contains('`')),
            "{body:?}: {ack:?}"
        );
        assert_eq!(h.picture(leased.id).await, before, "{body:?}");
    }
    h.complete(&leased).await;
}

pub async fn names_must_be_names(h: &Harness) {
    let session = h.session(&["a"]).await;
    let leased = h.running(session, task("a")).await;
    let long = "n".repeat(10_000);
    for name in ["", long.as_str()] {
        assert!(matches!(
            h.report(&leased, step(name, "1")).await,
            ReportAck::Refused { .. }
        ));
        let spawn = ReportBody::Spawn(vec![child(h, name, task("b"))]);
        assert!(matches!(h.report(&leased, spawn).await, ReportAck::Refused { .. }));
    }
    h.complete(&leased).await;
}
