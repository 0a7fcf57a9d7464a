//! Two servers on one PostgreSQL and one Redis, which comes and goes.

use orchestrator_client::{Events, EventsQuery, ServerAddress, Way, transport};
use orchestrator_core::protocol::{Event, EventType};
use orchestrator_server::Config;
use orchestrator_testkit::redis_server::RedisServer;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::place::Place;
use crate::{
    http::support::{TestServer, config},
    wire::{
        agents::{Tally, registry},
        replica::{PATIENCE, remote, until, work},
    },
};

async fn server(place: &Place, redis: Option<&RedisServer>) -> TestServer {
    TestServer::start_with(Config {
        database: place.url(),
        redis: redis.map(RedisServer::url),
        ..config()
    })
    .await
}

/// Returns when a server's bus is so.
async fn bus_is(server: &TestServer, state: &str) {
    until(state, async || {
        let ready = server.get("/readyz").await;
        assert_eq!(ready.status.as_u16(), 200, "{}", ready.text);
        ready.text.contains(state).then_some(())
    })
    .await;
}

async fn submit(server: &TestServer) -> String {
    let task = server
        .post("/api/v1/tasks", &json!({"task_type": "count", "input": 1}))
        .await;
    task.expect(201)["id"].as_str().expect("an id").to_owned()
}

async fn succeeds(server: &TestServer, task: &str) {
    until("it succeeded", async || {
        let task = server.get(&format!("/api/v1/tasks/{task}")).await.expect(200);
        (task["state"] == "succeeded").then_some(())
    })
    .await;
}

fn watch(server: &TestServer) -> Events {
    let address = ServerAddress::parse(&server.url, None).expect("a URL");
    Events::new(transport::native(), address, EventsQuery::default())
}

/// The events that a viewer gets until it has seen these of a task.
async fn seen(viewer: &mut Events, task: &str, kinds: &[EventType]) -> Vec<Event> {
    let mut seen = Vec::new();
    let mut missing = kinds.to_vec();
    while !missing.is_empty() {
        let event = timeout(PATIENCE, viewer.next())
            .await
            .expect("an event")
            .expect("an event");
        if event.task_id.is_some_and(|id| id.to_string() == task) {
            missing.retain(|kind| *kind != event.kind);
        }
        seen.push(event);
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_work_together_while_redis_comes_and_goes() {
    let place = Place::new().await;
    let mut redis = RedisServer::start();
    let (a, b) = (server(&place, Some(&redis)).await, server(&place, Some(&redis)).await);
    bus_is(&a, "bus: redis, connected").await;
    bus_is(&b, "bus: redis, connected").await;
    // Work is submitted to one, done by a worker of the other, and watched at both.
    let _worker = work(remote(&b.url, Way::WebSocket), registry(&Tally::default()), 4);
    let (mut at_a, mut at_b) = (watch(&a), watch(&b));
    at_a.connect().await.expect("a viewer");
    at_b.connect().await.expect("a viewer");
    let task = submit(&a).await;
    succeeds(&a, &task).await;
    // The line of the log is live only: it came over Redis.
    let mut all = seen(&mut at_a, &task, &[EventType::TaskLog, EventType::TaskStep]).await;
    seen(&mut at_b, &task, &[EventType::TaskCreated, EventType::TaskStep]).await;

    redis.kill();
    bus_is(&a, "bus: redis, lost").await;
    bus_is(&b, "bus: redis, lost").await;
    let task = submit(&a).await;
    succeeds(&b, &task).await;
    all.extend(seen(&mut at_a, &task, &[EventType::TaskCreated, EventType::TaskStep]).await);
    let metrics = a.get("/metrics").await.text;
    assert!(
        metrics.contains("orchestrator_bus_connected{carrier=\"redis\"} 0"),
        "{metrics}"
    );
    assert!(
        metrics.contains("orchestrator_bus_losses_total{carrier=\"redis\"}"),
        "{metrics}"
    );

    redis.start_again();
    bus_is(&a, "bus: redis, connected").await;
    bus_is(&b, "bus: redis, connected").await;
    let task = submit(&a).await;
    all.extend(seen(&mut at_a, &task, &[EventType::TaskLog, EventType::TaskStep]).await);
    succeeds(&a, &task).await;

    let durable: Vec<_> = all
        .iter()
        .filter(|event| event.kind.is_durable())
        .map(|event| event.seq)
        .collect();
    assert!(
        durable.is_sorted_by(|before, after| before < after),
        "once and in order: {durable:?}"
    );
    let lagged = all.iter().filter(|event| event.kind == EventType::Lagged).count();
    assert!(lagged > 0, "viewers are told that something may have been lost");
    a.stop().await;
    b.stop().await;
}

/// What a server says of the only worker's processors.
async fn cpu(server: &TestServer) -> Value {
    server.get("/api/v1/workers").await.expect(200)["items"][0]["cpu_percent"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_says_of_its_machine_every_server_knows() {
    let place = Place::new().await;
    let mut redis = RedisServer::start();
    let (a, b) = (server(&place, Some(&redis)).await, server(&place, Some(&redis)).await);
    let hello = json!({"protocol": 1, "worker_id": "0190c9a2-0000-7000-8000-000000000001", "name": "w",
        "task_types": ["noop"], "slots": 1});
    let opened = a.post("/api/v1/worker/sessions", &hello).await.expect(200);
    let heartbeat = async |cpu: f64| {
        let renew = json!({"session": opened["session"], "cpu_percent": cpu});
        a.post("/api/v1/worker/renew", &renew).await.expect(200);
    };
    heartbeat(10.0).await;
    assert_eq!((cpu(&a).await, cpu(&b).await), (json!(10.0), json!(10.0)));
    // What placement decides by is in the store, too.
    redis.kill();
    assert_eq!((cpu(&a).await, cpu(&b).await), (json!(10.0), json!(10.0)));
    heartbeat(20.0).await;
    assert_eq!((cpu(&a).await, cpu(&b).await), (json!(20.0), json!(20.0)));
    redis.start_again();
    until("it is kept in Redis again", async || {
        heartbeat(30.0).await;
        (cpu(&b).await == json!(30.0)).then_some(())
    })
    .await;
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_without_redis_tell_each_other_over_the_database() {
    let place = Place::new().await;
    let (a, b) = (server(&place, None).await, server(&place, None).await);
    bus_is(&a, "bus: postgres, connected").await;
    bus_is(&b, "bus: postgres, connected").await;
    let _worker = work(remote(&b.url, Way::WebSocket), registry(&Tally::default()), 4);
    let mut viewer = watch(&a);
    viewer.connect().await.expect("a viewer");
    let task = submit(&a).await;
    seen(&mut viewer, &task, &[EventType::TaskLog, EventType::TaskStep]).await;
    succeeds(&a, &task).await;
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_count_requests_together_or_each_by_itself() {
    let mut redis = RedisServer::start();
    let server = TestServer::start_with(Config {
        redis: Some(redis.url()),
        redis_prefix: Some("mine".to_owned()),
        requests_per_second: Some(5),
        ..config()
    })
    .await;
    let ask = async || {
        let reply = server.get("/api/v1/stats").await;
        let admitted = reply.status.as_u16() == 200;
        if !admitted {
            reply.problem(429, "rate_limited");
        }
        admitted
    };
    // Somebody else has used this caller's bucket up, and more.
    let client = redis::Client::open(redis.url()).expect("a client");
    let mut beside = client.get_multiplexed_async_connection().await.expect("a connection");
    let mut full = redis::cmd("SET");
    full.arg("mine:0:rate:127.0.0.1").arg("9000000000000000");
    full.exec_async(&mut beside).await.expect("it is kept");
    until("it is refused here too", async || (!ask().await).then_some(())).await;
    redis.kill();
    until("it is counted here", async || ask().await.then_some(())).await;
    server.stop().await;
}
