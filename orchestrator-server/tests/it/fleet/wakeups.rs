//! Wake-ups between servers, where nothing else would wake anyone.

use std::{sync::Arc, time::Duration};

use orchestrator_client::{Events, EventsQuery, ServerAddress, Way, transport};
use orchestrator_core::{
    bus::Bus,
    clock::Sources,
    protocol::EventType,
    store::{Store, memory::MemoryStore},
};
use orchestrator_postgres::{PostgresBus, PostgresOptions};
use orchestrator_redis::{Redis, RedisBus, RedisOptions};
use orchestrator_server::workers::WorkersConfig;
use orchestrator_testkit::{bus_suite::shared::joined, redis_server::RedisServer};
use tokio::time::timeout;

use super::place::Place;
use crate::wire::{
    agents::{Tally, registry},
    replica::{Ground, PATIENCE, Replica, output, remote, work},
};

/// Two servers that look for others' changes once a day, over one store and the two ends of a bus.
async fn pair(a: Arc<dyn Bus>, b: Arc<dyn Bus>) -> (Replica, Replica) {
    let ends = (a, b);
    joined(&ends).await;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let config = WorkersConfig {
        poll: Duration::from_hours(24),
        ..WorkersConfig::default()
    };
    let start = |bus| {
        let store = store.clone();
        let config = config.clone();
        async move { Replica::start_with(&Ground { store, bus }, config).await }
    };
    (start(ends.0).await, start(ends.1).await)
}

/// A task that is submitted to one server wakes the worker of the other, and its log is seen at the first.
async fn work_goes_to_the_other(a: &Replica, b: &Replica) {
    let tally = Tally::default();
    let _worker = work(remote(&b.url(), Way::WebSocket), registry(&tally), 2);
    // The worker is there, and has asked for work in vain.
    let first = b.submit("count", 0).await;
    b.settled(first).await;
    let address = ServerAddress::parse(&a.url(), None).expect("a URL");
    let query = EventsQuery {
        types: vec![EventType::TaskLog],
        ..EventsQuery::default()
    };
    let mut viewer = Events::new(transport::native(), address, query);
    viewer.connect().await.expect("a viewer");
    for n in 0..20_u64 {
        let task = a.submit("count", n).await;
        assert_eq!(output::<u64>(&a.settled(task).await), 2 * n);
        loop {
            let line = timeout(PATIENCE, viewer.next()).await.expect("a line").expect("a line");
            if line.kind == EventType::TaskLog && line.task_id == Some(task) {
                break;
            }
        }
    }
    assert_eq!(tally.total(), 21);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_redis() {
    let server = RedisServer::start();
    let bus = || {
        let redis = Redis::new(&server.url(), RedisOptions::default(), Sources::default());
        Arc::new(RedisBus::start(redis.expect("a Redis")))
    };
    let (a, b) = pair(bus(), bus()).await;
    work_goes_to_the_other(&a, &b).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_postgresql() {
    let place = Place::new().await;
    let bus = || {
        let bus = PostgresBus::start(&place.url(), &PostgresOptions::default(), Sources::default());
        Arc::new(bus.expect("a URL"))
    };
    let (a, b) = pair(bus(), bus()).await;
    work_goes_to_the_other(&a, &b).await;
}
