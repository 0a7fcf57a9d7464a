//! What servers share in Redis, against real, private ones.

use std::time::Duration;

use orchestrator_core::clock::{Ids, Sources, SystemIds};
use orchestrator_redis::{Redis, RedisOptions};

mod bucket;
mod bus;
mod conformance;
mod presence;

/// What a test waits for at most. Machines that are busy are slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// The URL of a private Redis that tests share.
fn shared() -> String {
    std::env::var("ORCHESTRATOR_TEST_REDIS").expect(
        "ORCHESTRATOR_TEST_REDIS is not set: run `make test`, or `.ci/services.sh run cargo nextest run ...`, which start \
         a private Redis",
    )
}

/// A name that nobody else uses.
fn prefix() -> String {
    format!("t{}", SystemIds.uuid().simple())
}

/// A Redis with names of its own.
fn redis(url: &str, prefix: &str) -> Redis {
    let prefix = prefix.to_owned();
    Redis::new(url, RedisOptions { prefix }, Sources::default()).expect("a Redis")
}

/// Returns once a condition holds; fails when that takes too long.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let came = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, came).await;
    assert!(came.is_ok(), "it never came to be that {what}");
}
