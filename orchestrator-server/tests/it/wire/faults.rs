//! Connections that break, servers that go and come back, workers that die: nothing is lost and nothing is done twice.

use std::time::Duration;

use orchestrator_client::Way;
use orchestrator_core::{
    protocol::{TaskId, TaskState},
    worker::WorkerHandle,
};
use orchestrator_server::workers::WorkersConfig;
use orchestrator_testkit::proxy::Proxy;
use tokio::time::sleep;

use super::{
    agents::{Tally, registry},
    replica::{Ground, Replica, output, remote, until, work},
};

/// A worker behind a proxy.
async fn behind(replica: &Replica, tally: &Tally, slots: u32) -> (Proxy, WorkerHandle) {
    let proxy = Proxy::before(replica.address).await;
    let worker = work(remote(&proxy.url(), Way::WebSocket), registry(tally), slots);
    (proxy, worker)
}

async fn submit(replica: &Replica, count: usize, ms: u64) -> Vec<TaskId> {
    let mut tasks = Vec::new();
    for _ in 0..count {
        tasks.push(replica.submit("count", ms).await);
    }
    tasks
}

/// Each was done, and its work once. (A grant that was lost on its way counts as a start.)
async fn all_done_once(replica: &Replica, tally: &Tally, tasks: Vec<TaskId>) {
    let count = tasks.len();
    for id in tasks {
        let task = replica.settled(id).await;
        assert_eq!(task.state, TaskState::Succeeded, "{task:#?}");
    }
    assert_eq!(tally.repeated(), []);
    assert_eq!(tally.total(), count);
}

/// Wherever in a frame it is cut, in either direction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_anywhere_lose_nothing() {
    let replica = Replica::start(&Ground::default()).await;
    let tally = Tally::default();
    let (proxy, worker) = behind(&replica, &tally, 8).await;
    // A handshake and a welcome take some 1,000 bytes; after that it breaks at all kinds of places.
    proxy.cut_after((0..97).map(|n| 1_000 + n * 1_389 % 29_000).collect());
    let tasks = submit(&replica, 120, 2).await;
    all_done_once(&replica, &tally, tasks).await;
    assert!(proxy.connections() > 10, "{} connections", proxy.connections());
    proxy.cut_after(vec![]);
    worker.stop(Duration::from_secs(5)).await.expect("a worker that stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orchestrating_agents_survive_cuts() {
    let replica = Replica::start(&Ground::default()).await;
    let tally = Tally::default();
    let (proxy, _worker) = behind(&replica, &tally, 4).await;
    proxy.cut_after((0..31).map(|n| 1_500 + n * 1_701 % 16_000).collect());
    let ids = [replica.submit("sums", 12).await, replica.submit("sums", 12).await];
    for id in ids {
        assert_eq!(output::<u64>(&replica.settled(id).await), 2 * 132);
    }
    assert_eq!(tally.repeated(), []);
    assert!(proxy.connections() > 3, "{} connections", proxy.connections());
}

/// The worker keeps working, and says what came of it when the server is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_goes_on_while_the_server_is_away() {
    let ground = Ground::default();
    let replica = Replica::start(&ground).await;
    let tally = Tally::default();
    let (proxy, _worker) = behind(&replica, &tally, 8).await;
    let tasks = submit(&replica, 8, 500).await;
    until("all run", async || (tally.total() == 8).then_some(())).await;
    proxy.refuse(true);
    sleep(Duration::from_secs(1)).await;
    // Another replica takes over.
    let other = Replica::start(&ground).await;
    replica.stop().await;
    proxy.point_at(other.address);
    proxy.refuse(false);
    all_done_once(&other, &tally, tasks).await;
    let more = submit(&other, 20, 1).await;
    for id in more {
        other.settled(id).await;
    }
    assert_eq!(tally.total(), 28);
}

/// A server that restarts closes its connections, and the sessions live on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_felt_as_a_pause() {
    let ground = Ground::default();
    let mut replica = Replica::start(&ground).await;
    let tally = Tally::default();
    let (proxy, _worker) = behind(&replica, &tally, 4).await;
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.extend(submit(&replica, 20, 20).await);
        until("some run", async || (tally.total() >= tasks.len() - 15).then_some(())).await;
        let next = Replica::start(&ground).await;
        proxy.point_at(next.address);
        std::mem::replace(&mut replica, next).stop().await;
    }
    all_done_once(&replica, &tally, tasks).await;
}

/// A network that swallows everything without closing anything is noticed, and the session goes on over another
/// connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_half_dead_is_left() {
    let config = WorkersConfig {
        lease: Duration::from_secs(4),
        ..WorkersConfig::default()
    };
    let ground = Ground::default();
    let replica = Replica::start_with(&ground, config.clone()).await;
    let other = Replica::start_with(&ground, config).await;
    let tally = Tally::default();
    let proxy = Proxy::before(replica.address).await;
    let second = Proxy::before(other.address).await;
    let urls = format!("{},{}", proxy.url(), second.url());
    let _worker = work(remote(&urls, Way::WebSocket), registry(&tally), 4);
    let first = submit(&replica, 4, 1).await;
    all_done_once(&replica, &tally, first).await;
    proxy.stall(true);
    let begin = tokio::time::Instant::now();
    let late = replica.submit("count", 1).await;
    assert_eq!(output::<u64>(&replica.settled(late).await), 2);
    assert!(second.connections() > 0, "by the other replica");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

/// What a dead worker had runs elsewhere once its lease is over, and its finished steps are kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_workers_tasks_run_elsewhere() {
    let config = WorkersConfig {
        lease: Duration::from_secs(2),
        ..WorkersConfig::default()
    };
    let replica = Replica::start_with(&Ground::default(), config).await;
    let (dead, alive) = (Tally::default(), Tally::default());
    let (proxy, worker) = behind(&replica, &dead, 4).await;
    let tasks = submit(&replica, 4, 60_000).await;
    until("all run", async || (dead.total() == 4).then_some(())).await;
    proxy.refuse(true);
    drop(worker);
    let mut agents = orchestrator_core::agent::Registry::new();
    let counts = alive.clone();
    agents
        .add(orchestrator_core::agent(
            "count",
            move |ctx: orchestrator_core::TaskContext, _: u64| {
                counts.executions.lock().expect("a tally").insert(ctx.task_id(), 1);
                async move { Ok::<_, orchestrator_core::AgentError>("elsewhere") }
            },
        ))
        .expect("an agent");
    let _other = work(remote(&replica.url(), Way::WebSocket), agents, 4);
    let begin = tokio::time::Instant::now();
    for id in tasks {
        let task = replica.settled(id).await;
        assert_eq!(output::<String>(&task), "elsewhere");
    }
    assert!(
        begin.elapsed() < Duration::from_secs(7),
        "lease + 5 s: {:?}",
        begin.elapsed()
    );
    assert_eq!(alive.total(), 4);
}

/// A worker that was away for longer than its lease obeys: what it did in the meantime counts for nothing, and it goes
/// on with a new session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_comes_back_too_late_starts_over() {
    let config = WorkersConfig {
        lease: Duration::from_secs(2),
        ..WorkersConfig::default()
    };
    let replica = Replica::start_with(&Ground::default(), config).await;
    let tally = Tally::default();
    let (proxy, worker) = behind(&replica, &tally, 4).await;
    let id = replica.submit("count", 3_500).await;
    until("it runs", async || (tally.total() == 1).then_some(())).await;
    let before = replica.engine.store.sessions().await.expect("sessions");
    proxy.refuse(true);
    until("its session ends", async || {
        let sessions = replica.engine.store.sessions().await.expect("sessions");
        sessions.is_empty().then_some(())
    })
    .await;
    proxy.refuse(false);
    let task = replica.settled(id).await;
    assert_eq!(output::<u64>(&task), 7_000);
    let after = replica.engine.store.sessions().await.expect("sessions");
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before[0].id, after[0].id);
    assert_eq!(before[0].worker, after[0].worker, "the same worker");
    worker.stop(Duration::from_secs(5)).await.expect("a worker that stops");
}

/// Proxies that do not let WebSockets through.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_web_sockets_workers_ask() {
    use poem::{Endpoint, EndpointExt, Route, http::StatusCode};

    let replica = Replica::start(&Ground::default()).await;
    let workers = orchestrator_server::workers::Workers::new(replica.engine.clone(), WorkersConfig::default());
    let listens = workers.clone();
    tokio::spawn(async move { listens.listen().await });
    let routes = orchestrator_server::routes::worker::routes().around(|routes, request| async move {
        if request.header("upgrade").is_some() {
            return Err(poem::Error::from_status(StatusCode::BAD_REQUEST));
        }
        routes.call(request).await
    });
    let app = Route::new().nest("/api/v1/worker", routes).data(workers);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let acceptor = poem::listener::TcpAcceptor::from_tokio(listener).expect("an acceptor");
    tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(app));
    let tally = Tally::default();
    let _worker = work(remote(&url, Way::Auto), registry(&tally), 2);
    let tasks = submit(&replica, 10, 1).await;
    all_done_once(&replica, &tally, tasks).await;
}
