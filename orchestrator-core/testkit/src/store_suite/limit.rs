//! Limits.

use std::time::Duration;

use futures::future::join_all;
use orchestrator_core::{domain::why, store::ReportBody};
use orchestrator_protocol::{LimitRule, NewTask};

use crate::harness::{Harness, task};

fn limited(task_type: &str) -> NewTask {
    NewTask {
        limits: vec!["provider:x".into()],
        ..task(task_type)
    }
}

async fn rule(h: &Harness, rule: LimitRule) {
    h.store
        .put_limit("provider:x".into(), Some(rule))
        .await
        .expect("a rule");
}

pub async fn never_more_than_max_running(h: &Harness) {
    rule(
        h,
        LimitRule {
            max_running: Some(3),
            ..LimitRule::default()
        },
    )
    .await;
    h.submit_all((0..10).map(|i| limited(if i % 2 == 0 { "a" } else { "b" })).collect())
        .await;
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(h.session(&["a", "b"]).await);
    }
    let granted = join_all(sessions.iter().map(|s| h.claim(*s, 2))).await.concat();
    assert_eq!(granted.len(), 3, "exact under concurrency, over lanes");
    h.complete(&granted[0]).await;
    h.report(&granted[1], ReportBody::Release { reason: "x".into() }).await;
    assert_eq!(h.claim(sessions[0], 10).await.len(), 2);
    h.lose_sessions().await;
    let session = h.session(&["a", "b"]).await;
    assert_eq!(h.claim(session, 10).await.len(), 3, "lost leases hold no place");
}

pub async fn starts_a_minute(h: &Harness) {
    rule(
        h,
        LimitRule {
            starts_per_minute: Some(4),
            ..LimitRule::default()
        },
    )
    .await;
    h.submit_all(vec![limited("a"); 12]).await;
    for _ in 0..3 {
        let session = h.session(&["a"]).await;
        let granted = h.claim(session, 10).await;
        assert_eq!(granted.len(), 4);
        assert!(h.claim(session, 10).await.is_empty());
        for leased in granted {
            h.complete(&leased).await;
        }
        assert!(
            h.claim(session, 10).await.is_empty(),
            "ending early gives no further start"
        );
        h.clock.advance(Duration::from_secs(61));
    }
}

pub async fn rules_can_be_changed(h: &Harness) {
    rule(
        h,
        LimitRule {
            max_running: Some(0),
            ..LimitRule::default()
        },
    )
    .await;
    h.submit_all(vec![limited("a"); 2]).await;
    let session = h.session(&["a"]).await;
    assert!(h.claim(session, 2).await.is_empty());
    rule(
        h,
        LimitRule {
            max_running: Some(1),
            ..LimitRule::default()
        },
    )
    .await;
    assert_eq!(h.store.limits().await.expect("rules")[0].1.max_running, Some(1));
    assert_eq!(h.claim(session, 2).await.len(), 1);
    h.store.put_limit("provider:x".into(), None).await.expect("no rule");
    assert!(h.store.limits().await.expect("rules").is_empty());
    assert_eq!(h.claim(session, 2).await.len(), 1);
}

pub async fn why_names_the_limit(h: &Harness) {
    rule(
        h,
        LimitRule {
            max_running: Some(1),
            ..LimitRule::default()
        },
    )
    .await;
    let ids = h.submit_all(vec![limited("a"); 2]).await;
    let session = h.session(&["a"]).await;
    h.claim(session, 2).await;
    let facts = h
        .store
        .facts(ids[1], h.now())
        .await
        .expect("a read")
        .expect("it exists");
    let said = why::explain(&facts, h.now());
    assert_eq!(said.reasons[0].code, "limit");
    assert!(said.reasons[0].message.contains("provider:x"), "{said:?}");
}
