//! Requests that several servers count together.

use std::num::NonZeroU32;

use orchestrator_core::clock::{Clock, SystemClock};
use orchestrator_redis::Buckets;
use orchestrator_testkit::redis_server::RedisServer;

use super::{prefix, redis, shared, until};

fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).expect("not zero")
}

/// Takes as one caller until the bucket is empty; says how many there were, and how many could have been refilled.
async fn drain(servers: &[&Buckets], caller: &str) -> (u32, u32) {
    let began = SystemClock.now();
    let mut taken = 0;
    for server in servers.iter().cycle() {
        match server.take(caller, number(1), number(20)).await {
            Some(true) => taken += 1,
            Some(false) => break,
            // On a busy machine the answer may come too late, and be taken for none.
            None => tokio::task::yield_now().await,
        }
    }
    let passed = SystemClock.now().since(began).as_secs();
    (taken, u32::try_from(passed).expect("a short while") + 1)
}

#[tokio::test]
async fn two_servers_fill_one_bucket() {
    let prefix = prefix();
    let servers = [(); 2].map(|()| Buckets::new(redis(&shared(), &prefix)));
    let both = [&servers[0], &servers[1]];
    for caller in ["ada", "a name\r\nwith: anything"] {
        let (taken, refilled) = drain(&both, caller).await;
        assert!((15..=20 + refilled).contains(&taken), "{taken}");
    }
    let (taken, refilled) = drain(&both, "ada").await;
    assert!(taken <= refilled, "{taken}: what is empty fills slowly");
    until("there is room again", async || {
        servers[0].take("ada", number(1), number(20)).await == Some(true)
    })
    .await;
}

#[tokio::test]
async fn without_redis_nobody_counts_here() {
    let mut server = RedisServer::start();
    let buckets = Buckets::new(redis(&server.url(), "fleet"));
    let take = async || buckets.take("ada", number(1000), number(1000)).await;
    until("it counts", async || take().await == Some(true)).await;
    server.kill();
    assert_eq!(take().await, None);
    server.start_again();
    until("it counts again", async || take().await == Some(true)).await;
    server.hang();
    assert_eq!(take().await, None);
    server.go_on();
    until("it counts again", async || take().await == Some(true)).await;
}
