//! Limits.

use std::time::Duration;

use futures::future::join_all;
use orchestrator_core::{
    domain::why,
    store::{LeasedTask, ReportAck, ReportBody},
};
use orchestrator_protocol::{LimitRule, NewTask, Usage};

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

async fn spend(h: &Harness, leased: &LeasedTask, tokens: u64) {
    let usage = Usage {
        input_tokens: tokens - 1,
        output_tokens: 1,
        ..Usage::default()
    };
    assert_eq!(h.report(leased, ReportBody::Usage(usage)).await, ReportAck::Accepted);
}

/// Nothing more starts once the tokens of a minute are spent, by whatever task of the key, until they are a minute old.
pub async fn tokens_a_minute(h: &Harness) {
    rule(
        h,
        LimitRule {
            tokens_per_minute: Some(100),
            ..LimitRule::default()
        },
    )
    .await;
    h.submit_all((0..9).map(|i| limited(if i % 2 == 0 { "a" } else { "b" })).collect())
        .await;
    let free = h.submit(task("a")).await;
    let session = h.session(&["a", "b"]).await;
    let granted = h.claim(session, 2).await;
    spend(h, &granted[0], 60).await;
    h.clock.advance(Duration::from_secs(30));
    h.renew(session).await;
    let third = h.claim(session, 1).await;
    assert_eq!(third.len(), 1, "60 of 100 are spent");
    spend(h, &granted[1], 40).await;
    let only: Vec<_> = h.claim(session, 9).await.into_iter().map(|l| l.id).collect();
    assert_eq!(only, [free], "100 of 100 are spent, and other tasks do not count");
    for leased in granted.iter().chain(&third) {
        h.complete(leased).await;
    }
    assert!(
        h.claim(session, 9).await.is_empty(),
        "what has ended was spent all the same"
    );
    h.clock.advance(Duration::from_secs(31));
    let rest = h.claim(session, 9).await;
    assert_eq!(rest.len(), 6, "the first 60 are a minute old");
    spend(h, &rest[0], 1_000_000).await;
    h.submit(limited("a")).await;
    assert!(h.claim(session, 9).await.is_empty());
    h.clock.advance(Duration::from_secs(61));
    assert_eq!(h.claim(session, 9).await.len(), 1);
}

pub async fn why_names_a_limit_of_a_pace(h: &Harness) {
    let both = LimitRule {
        tokens_per_minute: Some(50),
        starts_per_minute: Some(1),
        ..LimitRule::default()
    };
    rule(h, both).await;
    let ids = h.submit_all(vec![limited("a"); 2]).await;
    let session = h.session(&["a"]).await;
    let leased = h.claim_one(session).await;
    spend(h, &leased, 70).await;
    let facts = h.store.facts(ids[1], h.now()).await.expect("a read");
    let facts = facts.expect("it exists");
    let limit = &facts.limits[0];
    assert_eq!((limit.running, limit.started, limit.tokens), (1, 1, 70));
    let said = why::explain(&facts, h.now());
    let said: Vec<_> = said
        .reasons
        .iter()
        .map(|r| (r.code.as_str(), r.message.as_str()))
        .collect();
    let expected = [
        (
            "rate_limit",
            "the limit `provider:x` allows 1 start a minute, and 1 were made within the last one",
        ),
        (
            "token_limit",
            "the limit `provider:x` allows 50 tokens a minute, and 70 were spent within the last one",
        ),
    ];
    assert_eq!(said, expected);
    h.clock.advance(Duration::from_secs(61));
    let facts = h.store.facts(ids[1], h.now()).await.expect("a read");
    let limit = &facts.expect("it exists").limits[0];
    assert_eq!((limit.running, limit.started, limit.tokens), (1, 0, 0));
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
