//! Who is woken when a task is left for a better worker.

use std::{sync::Arc, time::Duration};

use orchestrator_core::{
    domain::placement::Policy,
    protocol::{NewTask, SessionId},
    service::{LocalSource, SourceConfig},
    worker::source::{Hello, TaskSource},
};
use tokio::time::Instant;

use super::world::{engine, submit, task};

async fn open(source: &LocalSource, number: u128, labels: &[&str]) -> SessionId {
    let hello = Hello {
        worker: orchestrator_core::protocol::WorkerId::from_uuid(uuid::Uuid::from_u128(number)),
        name: format!("w{number}"),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        task_types: ["a".to_owned()].into(),
        slots: 4,
        input_schemas: None,
        owner: None,
    };
    source.open(hello).await.unwrap().session
}

/// Takes every wake-up that is under way.
async fn be_heard_out(source: &LocalSource, session: SessionId) {
    let moment = Duration::from_millis(1);
    while tokio::time::timeout(moment, source.woken(session)).await.is_ok() {}
}

#[tokio::test(start_paused = true)]
async fn the_better_one_is_rung_for_at_once_and_the_others_when_its_head_start_ends() {
    let engine = engine();
    // Polls take longer than what is waited for here.
    let config = SourceConfig {
        ttl: Duration::from_mins(10),
        poll: Duration::from_mins(1),
    };
    let source = Arc::new(LocalSource::new(engine.clone(), config));
    let listening = source.clone();
    let listener = tokio::spawn(async move { listening.listen().await });
    let plain = open(&source, 1, &[]).await;
    let gpu = open(&source, 2, &["gpu"]).await;
    let wants = NewTask {
        prefers: vec!["gpu".to_owned()],
        ..task("a")
    };
    let since = Instant::now();
    let left = submit(&engine, wants.clone()).await;
    for session in [plain, gpu] {
        be_heard_out(&source, session).await;
    }
    let asked = Instant::now();
    assert!(source.claim(plain, 4).await.unwrap().is_empty());
    let said = engine.why(left).await.unwrap().reasons.remove(0);
    assert_eq!(said.code, "placement");
    assert!(said.message.contains("left for worker `w2` until"), "{said:?}");
    assert!(source.woken(gpu).await.work);
    assert_eq!(asked.elapsed(), Duration::ZERO, "it is rung for at once");
    // It does not come.
    assert!(source.woken(plain).await.work);
    assert_eq!(since.elapsed(), Policy::default().head_start());
    assert_eq!(source.claim(plain, 4).await.unwrap()[0].id, left);
    let taken = submit(&engine, wants).await;
    assert_eq!(source.claim(gpu, 4).await.unwrap()[0].id, taken);
    let reasons = engine.why(taken).await.unwrap().reasons;
    assert_eq!(reasons[1].code, "placement", "{reasons:?}");
    assert!(reasons[1].message.contains("the other one, `w1`, by"), "{reasons:?}");
    assert_eq!(engine.placement(taken).await.unwrap().unwrap().parts.tools, 100);
    listener.abort();
}

#[tokio::test(start_paused = true)]
async fn without_a_head_start_whoever_asks_takes() {
    let policy = Policy {
        head_start_s: 0.0,
        ..Policy::default()
    };
    let engine = engine().with_policy(policy);
    let source = LocalSource::new(engine.clone(), SourceConfig::default());
    let plain = open(&source, 1, &[]).await;
    open(&source, 2, &["gpu"]).await;
    let wants = NewTask {
        prefers: vec!["gpu".to_owned()],
        ..task("a")
    };
    let id = submit(&engine, wants).await;
    assert_eq!(source.claim(plain, 4).await.unwrap()[0].id, id);
    assert_eq!(engine.placement(id).await.unwrap(), None);
}
