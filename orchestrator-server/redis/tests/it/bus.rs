//! A Redis that goes away and comes back.

use std::sync::Arc;

use orchestrator_core::bus::{Bus, Nudge};
use orchestrator_protocol::{EventType, Seq};
use orchestrator_redis::RedisBus;
use orchestrator_testkit::{
    bus_suite::shared::{Ends, event, joined, next},
    redis_server::RedisServer,
};
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

use super::{prefix, redis, shared, until};

fn ends(url: &str) -> Ends {
    let end = || Arc::new(RedisBus::start(redis(url, "fleet"))) as Arc<dyn Bus>;
    (end(), end())
}

/// The next event that was published.
async fn published(events: &mut Receiver<orchestrator_protocol::Event>) -> Seq {
    loop {
        let event = next(events).await;
        if event.kind != EventType::Lagged {
            return event.seq;
        }
    }
}

/// That both ends have noticed that they do not reach each other.
async fn parted((a, b): &Ends) {
    until("the loss is noticed", async || {
        !a.reaches_others() && !b.reaches_others()
    })
    .await;
}

/// That what one end publishes the other gets.
async fn works((a, b): &Ends, seq: i64) {
    let (mut events, mut nudges) = (b.subscribe(), b.nudges());
    a.publish(vec![event(seq, EventType::TaskLog)]).await;
    a.nudge(Nudge::Ready).await;
    assert_eq!(published(&mut events).await, Seq(seq));
    until("the nudge arrives", async || nudges.try_recv() == Ok(Nudge::Ready)).await;
}

/// That whoever is in the same process hears at once, without Redis.
async fn works_within((a, _): &Ends, seq: i64) {
    let (mut events, mut nudges) = (a.subscribe(), a.nudges());
    a.publish(vec![event(seq, EventType::TaskLog)]).await;
    a.nudge(Nudge::Timer).await;
    assert_eq!(events.try_recv().map(|event| event.seq), Ok(Seq(seq)));
    assert_eq!(nudges.try_recv(), Ok(Nudge::Timer));
}

#[tokio::test]
async fn it_is_lost_and_comes_back_by_itself() {
    let mut server = RedisServer::start();
    let ends = ends(&server.url());
    joined(&ends).await;
    works(&ends, 1).await;
    for round in 1..=2 {
        let mut nudges = ends.1.nudges();
        server.kill();
        parted(&ends).await;
        assert_eq!(next(&mut nudges).await, Nudge::Lost, "readers look at the store");
        works_within(&ends, round * 10).await;
        let health = ends.0.health();
        assert_eq!(health.losses, round.unsigned_abs());
        let trouble = health.trouble.expect("it says why");
        assert!(trouble.contains("Redis"), "{trouble}");
        server.start_again();
        joined(&ends).await;
        assert_eq!(next(&mut nudges).await, Nudge::Lost, "it may have been anything");
        works(&ends, round * 10 + 1).await;
        assert_eq!(ends.0.health().trouble, None);
    }
}

#[tokio::test]
async fn it_need_not_be_there_at_the_start() {
    let mut server = RedisServer::absent();
    let ends = ends(&server.url());
    let (a, _) = &ends;
    until("it was tried", async || {
        a.health().trouble.is_some_and(|why| why.contains("cannot be reached"))
    })
    .await;
    works_within(&ends, 1).await;
    server.start_again();
    joined(&ends).await;
    works(&ends, 2).await;
    assert_eq!(a.health().losses, 0, "it was never lost");
}

#[tokio::test]
async fn one_that_hangs_holds_nobody_up() {
    let server = RedisServer::start();
    let ends = ends(&server.url());
    joined(&ends).await;
    server.hang();
    for seq in 1..=200 {
        works_within(&ends, seq).await;
    }
    parted(&ends).await;
    works_within(&ends, 201).await;
    server.go_on();
    joined(&ends).await;
    works(&ends, 202).await;
}

#[tokio::test]
async fn a_cut_subscription_is_made_anew() {
    let server = RedisServer::start();
    let ends = ends(&server.url());
    joined(&ends).await;
    let mut nudges = ends.1.nudges();
    let client = redis::Client::open(server.url()).expect("a client");
    let mut beside = client.get_multiplexed_async_connection().await.expect("a connection");
    let mut cut = redis::cmd("CLIENT");
    cut.arg("KILL").arg("TYPE").arg("pubsub");
    let count: i64 = cut.query_async(&mut beside).await.expect("they are cut");
    assert_eq!(count, 2);
    until("it was noticed", async || nudges.try_recv() == Ok(Nudge::Lost)).await;
    joined(&ends).await;
    works(&ends, 1).await;
}

#[tokio::test]
async fn a_password_that_is_wrong_is_told_and_not_shown() {
    let server = RedisServer::locked("opensesame");
    let bus = |url: &str| Arc::new(RedisBus::start(redis(url, "fleet"))) as Arc<dyn Bus>;
    for (url, part) in [
        (server.url_with("swordfish"), "check the user and the password"),
        (server.url(), "Redis asks for a password"),
    ] {
        let bus = bus(&url);
        until("it was tried", async || {
            bus.health().trouble.is_some_and(|why| why.contains("Redis"))
        })
        .await;
        let trouble = bus.health().trouble.expect("it does not work");
        assert!(trouble.contains(part), "{trouble}");
        assert!(!format!("{bus:?} {trouble}").contains("swordfish"), "{bus:?} {trouble}");
    }
    let right = server.url_with("opensesame");
    let ends = (bus(&right), bus(&right));
    joined(&ends).await;
    works(&ends, 1).await;
}

#[tokio::test]
async fn fleets_on_one_redis_do_not_hear_each_other() {
    let (one, other) = (prefix(), prefix());
    let bus = |prefix: &str| Arc::new(RedisBus::start(redis(&shared(), prefix))) as Arc<dyn Bus>;
    let (ends, strangers) = ((bus(&one), bus(&one)), (bus(&other), bus(&other)));
    joined(&ends).await;
    joined(&strangers).await;
    let (mut events, mut nudges) = (strangers.0.subscribe(), strangers.0.nudges());
    works(&ends, 1).await;
    works(&strangers, 2).await;
    assert_eq!(published(&mut events).await, Seq(2));
    assert_eq!(nudges.try_recv(), Ok(Nudge::Ready));
    assert_eq!(nudges.try_recv(), Err(TryRecvError::Empty), "theirs, once");
}
