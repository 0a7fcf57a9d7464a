//! What is carried.

use orchestrator_core::store::ReportBody;
use orchestrator_protocol::{
    Budget, CheckpointFrequency, Join, Json, NewTask, OnDependencyFailure, Privacy, RetryPolicy, SideEffects,
    Timestamp, Usd,
};

use crate::harness::{Harness, line, step, task};

pub async fn a_megabyte_in_and_out(h: &Harness) {
    let big = Json::of(&"x".repeat(1 << 20)).expect("JSON");
    let session = h.session(&["a"]).await;
    let leased = h
        .running(
            session,
            NewTask {
                input: big.clone(),
                ..task("a")
            },
        )
        .await;
    assert_eq!(leased.spec.input, big);
    h.report(&leased, step("s", big.get())).await;
    h.report(
        &leased,
        ReportBody::Complete {
            output: big.clone(),
            wall_s: 0.0,
        },
    )
    .await;
    let stored = h.get(leased.id).await;
    assert_eq!((&stored.input, stored.output.as_ref()), (&big, Some(&big)));
    assert_eq!(h.store.history(leased.id).await.expect("a read").steps[0].output, big);
}

pub async fn unicode_stays_as_it_is(h: &Harness) {
    let text = "naïve 🦀 مرحبا \u{202e}rtl \u{0} \u{1b}[31m 'quotes' \"double\" \\ back; drop table task; --";
    let input = Json::of(text).expect("JSON");
    let session = h.session(&["a"]).await;
    let new = NewTask {
        input: input.clone(),
        labels: [(text.into(), text.into())].into(),
        ..task("a")
    };
    let leased = h
        .running(
            session,
            NewTask {
                description: text.into(),
                ..new
            },
        )
        .await;
    h.report(&leased, line(h, text)).await;
    h.report(&leased, step(text, input.get())).await;
    let stored = h.get(leased.id).await;
    assert_eq!((stored.description.as_str(), &stored.input), (text, &input));
    assert_eq!(stored.labels.get(text).map(String::as_str), Some(text));
    assert_eq!(h.logs(leased.id).await[0].text, text);
    assert_eq!(h.store.history(leased.id).await.expect("a read").steps[0].name, text);
}

pub async fn deep_json(h: &Harness) {
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let input = Json::parse(deep.clone()).expect("JSON");
    let id = h.submit(NewTask { input, ..task("a") }).await;
    assert_eq!(h.get(id).await.input.get(), deep);
    let odd = r#"{"b":1,"a":1.0,"big":12345678901234567890123,"e":1e400}"#;
    let id = h
        .submit(NewTask {
            input: Json::parse(odd).expect("JSON"),
            ..task("a")
        })
        .await;
    assert_eq!(h.get(id).await.input.get(), odd, "carried, not re-encoded");
}

pub async fn microseconds(h: &Harness) {
    let at: Timestamp = "2026-11-23T10:00:00.123457Z".parse().expect("a time");
    h.clock.set(at);
    let run_at = Some(at.plus(std::time::Duration::from_micros(1)));
    let id = h
        .submit(NewTask {
            run_at,
            deadline: Some(Timestamp::MAX),
            ..task("a")
        })
        .await;
    let stored = h.get(id).await;
    assert_eq!(
        (stored.created_at, stored.run_at, stored.deadline),
        (at, run_at, Some(Timestamp::MAX))
    );
    assert_eq!(h.events(id).await[0].at, at);
    assert_eq!(h.tick().await.next_at, run_at);
}

pub async fn every_field_comes_back(h: &Harness) {
    let dependency = h.submit(task("x")).await;
    let parent = h.submit(task("x")).await;
    let full = NewTask {
        task_type: "full".into(),
        description: "All *of* it".into(),
        input: Json::parse("{}").expect("JSON"),
        queue: "q".into(),
        requires: vec!["gpu".into()],
        prefers: vec!["fast".into()],
        depends_on: vec![dependency.into()],
        join: Join::Quorum(1),
        on_dependency_failure: OnDependencyFailure::Continue,
        parent_id: Some(parent),
        local_ref: Some("me".into()),
        priority: 2,
        run_at: Some(h.now()),
        deadline: Some(h.now()),
        timeout_s: Some(1.5),
        silence_timeout_s: Some(0.25),
        retry: RetryPolicy {
            max_attempts: 7,
            initial_backoff_s: 0.5,
            multiplier: 1.5,
            max_backoff_s: 9.0,
        },
        side_effects: SideEffects::Once,
        idempotency_key: Some("key".into()),
        limits: vec!["l".into()],
        budget: Some(Budget {
            tokens: Some(10),
            cost_usd: Some(Usd::from_dollars(0.1)),
        }),
        privacy: Privacy::Sensitive,
        checkpoint_frequency: CheckpointFrequency::High,
        labels: [("k".into(), "v".into())].into(),
    };
    let id = h.submit(full.clone()).await;
    let t = h.get(id).await;
    let back = NewTask {
        task_type: t.task_type,
        description: t.description,
        input: t.input,
        queue: t.queue,
        requires: t.requires,
        prefers: t.prefers,
        depends_on: t.depends_on.into_iter().map(Into::into).collect(),
        join: t.join,
        on_dependency_failure: t.on_dependency_failure,
        parent_id: t.parent_id,
        local_ref: full.local_ref.clone(),
        priority: t.priority,
        run_at: t.run_at,
        deadline: t.deadline,
        timeout_s: t.timeout_s,
        silence_timeout_s: t.silence_timeout_s,
        retry: t.retry,
        side_effects: t.side_effects,
        idempotency_key: t.idempotency_key,
        limits: t.limits,
        budget: t.budget,
        privacy: t.privacy,
        checkpoint_frequency: t.checkpoint_frequency,
        labels: t.labels,
    };
    assert_eq!(back, full);
}
