//! A whole fleet that is watched: ten workers with twenty tasks each that stream, over two replicas on one PostgreSQL.

#[path = "../../support/viewers.rs"]
mod viewers;

use std::time::Duration;

use orchestrator_server::{Config, Server};
use tokio::sync::watch;

/// How soon everything is seen the example `viewers` measures on a quiet machine; here it is that it is seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_sees_everything_once_and_in_order_over_two_replicas() {
    let database = std::env::var("ORCHESTRATOR_TEST_POSTGRES").expect(
        "ORCHESTRATOR_TEST_POSTGRES is not set: run `make test`, or `.ci/services.sh run cargo nextest run ...`, which \
         start a private PostgreSQL",
    );
    rustls::crypto::ring::default_provider().install_default().ok();
    let (stop, _) = watch::channel(false);
    let (mut urls, mut replicas) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let config = Config {
            listen: "127.0.0.1:0".parse().expect("an address"),
            database: database.clone(),
            ..Config::default()
        };
        let server = Server::start(config).await.expect("a replica");
        urls.push(server.url());
        let mut stopped = stop.subscribe();
        replicas.push(tokio::spawn(server.run(async move {
            let _ = stopped.changed().await;
        })));
    }
    let plan = viewers::Plan {
        urls,
        token: None,
        viewers: 120,
        workers: 10,
        tasks: 20,
        lines: 5,
        rest: Duration::from_millis(100),
        together: true,
    };
    let seen = viewers::run(&plan).await.expect("everyone sees everything");
    assert!(seen.at_once > 100, "{seen:?}");
    // One in ten watches all two hundred tasks: of each five steps, the start and the end at least.
    assert!(seen.durable >= 12 * 200 * 7 + 108 * 8, "{seen:?}");
    assert!(seen.live > 0 && seen.live <= seen.live_expected, "{seen:?}");
    assert!(seen.live_ms.p99 > 0.0 && seen.durable_ms.p99 > 0.0, "{seen:?}");
    stop.send_replace(true);
    for replica in replicas {
        replica.await.expect("a replica").expect("it ends in order");
    }
}
