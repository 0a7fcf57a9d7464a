//! What workers say of their machines.

use std::{collections::BTreeMap, time::Duration};

use orchestrator_core::{
    clock::{Clock, Ids, SystemClock, SystemIds},
    presence::{Presence, Sighting},
};
use orchestrator_protocol::Load;
use orchestrator_redis::RedisPresence;
use orchestrator_testkit::redis_server::RedisServer;

use super::{PATIENCE, prefix, redis, shared, until};

fn sighting(cpu: f64) -> Sighting {
    Sighting {
        at: SystemClock.now(),
        load: Load {
            cpu_percent: Some(cpu),
            memory_percent: Some(50.0),
            disk_percent: None,
        },
    }
}

#[tokio::test]
async fn what_one_server_heard_the_others_know_for_a_while() {
    let prefix = prefix();
    let [one, other] = [(); 2].map(|()| RedisPresence::new(redis(&shared(), &prefix)));
    let [a, b, stranger] = [(); 3].map(|()| SystemIds.session());
    let (first, second) = (sighting(10.0), sighting(20.0));
    assert!(one.note(a, first, PATIENCE).await);
    assert!(one.note(b, first, PATIENCE).await);
    assert!(other.note(b, second, PATIENCE).await);
    let all = [a, b, stranger];
    assert_eq!(one.seen(&all).await, BTreeMap::from([(a, first), (b, second)]));
    assert_eq!(other.seen(&[]).await, BTreeMap::new());
    // It goes with its session.
    assert!(one.note(a, second, Duration::from_millis(1)).await);
    until("it is forgotten", async || other.seen(&all).await.keys().eq([&b])).await;
}

#[tokio::test]
async fn without_redis_it_is_left_to_the_store() {
    let mut server = RedisServer::start();
    let presence = RedisPresence::new(redis(&server.url(), "fleet"));
    let session = SystemIds.session();
    assert!(presence.note(session, sighting(1.0), PATIENCE).await);
    server.kill();
    assert!(!presence.note(session, sighting(2.0), PATIENCE).await);
    assert!(presence.seen(&[session]).await.is_empty());
    server.start_again();
    until("it is kept again", async || {
        presence.note(session, sighting(3.0), PATIENCE).await
    })
    .await;
    assert_eq!(presence.seen(&[session]).await[&session].load.cpu_percent, Some(3.0));
}
