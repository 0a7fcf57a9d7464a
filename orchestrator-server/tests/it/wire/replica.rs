//! A server in the test's hand: an engine behind real sockets.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use orchestrator_client::{RemoteConfig, RemoteSource, ServerAddress, Way, transport};
use orchestrator_core::{
    agent::Registry,
    bus::{Bus, local::LocalBus},
    clock::Sources,
    maintain::timer,
    protocol::{Json, NewTask, Task, TaskId, TaskState},
    service::Engine,
    store::{Store, memory::MemoryStore},
    worker::{Worker, WorkerConfig, WorkerHandle, source::SharedSource},
};
use orchestrator_server::{
    listener::TcpAcceptor,
    live::Viewers,
    routes::{events, worker},
    workers::{Workers, WorkersConfig},
};
use poem::{EndpointExt, Route, Server, get};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// What a test waits for at most. Machines that are busy are slow.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The durable half and the bus, which replicas share.
#[derive(Clone)]
pub struct Ground {
    pub store: Arc<dyn Store>,
    pub bus: Arc<dyn Bus>,
}

impl Default for Ground {
    fn default() -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            bus: Arc::new(LocalBus::new()),
        }
    }
}

/// A server.
pub struct Replica {
    pub address: SocketAddr,
    pub engine: Engine,
    workers: Arc<Workers>,
    viewers: Arc<Viewers>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Replica {
    pub async fn start(ground: &Ground) -> Self {
        Self::start_with(ground, WorkersConfig::default()).await
    }

    pub async fn start_with(ground: &Ground, config: WorkersConfig) -> Self {
        let engine = Engine::new(ground.store.clone(), ground.bus.clone(), Sources::default());
        let workers = Workers::new(engine.clone(), config);
        let viewers = Viewers::new(engine.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = Route::new()
            .nest("/api/v1/worker", worker::routes())
            .at("/api/v1/events", get(events::events))
            .data(workers.clone())
            .data(viewers.clone());
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let server = Server::new_with_acceptor(TcpAcceptor::new(listener).expect("an acceptor"));
        let stopped = stop.clone().cancelled_owned();
        tasks.spawn(async move {
            let served = server.run_with_graceful_shutdown(app, stopped, Some(PATIENCE)).await;
            served.expect("it serves");
        });
        let listens = workers.clone();
        tasks.spawn(async move { listens.listen().await });
        tasks.spawn(timer::run(engine.clone()));
        Self {
            address,
            engine,
            workers,
            viewers,
            stop,
            tasks,
        }
    }

    /// Ends it as an operator would: connections are closed in order, sessions live on.
    pub async fn stop(mut self) {
        self.workers.close();
        self.viewers.close();
        self.stop.cancel();
        self.tasks.join_next().await;
        self.tasks.shutdown().await;
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub async fn submit(&self, task_type: &str, input: impl serde::Serialize) -> TaskId {
        let task = NewTask::new(task_type, Json::of(&input).expect("JSON"));
        self.engine.submit_one(task).await.expect("a task").id()
    }

    pub async fn settled(&self, task: TaskId) -> Task {
        settled(&self.engine, task).await
    }
}

/// The task once it has ended; fails when that takes too long.
pub async fn settled(engine: &Engine, task: TaskId) -> Task {
    let settled = tokio::time::timeout(PATIENCE, engine.settled(task)).await;
    let Ok(settled) = settled else {
        panic!("it did not end: {:#?}", engine.get(task).await);
    };
    settled.expect("a task").task
}

/// What a task gave.
#[track_caller]
pub fn output<T: serde::de::DeserializeOwned>(task: &Task) -> T {
    assert_eq!(task.state, TaskState::Succeeded, "{:?}", task.error);
    task.output.clone().expect("an output").to().expect("the output's type")
}

/// A source over a URL.
pub fn remote(url: &str, way: Way) -> SharedSource {
    let address = ServerAddress::parse(url, None).expect("a URL");
    let mut config = RemoteConfig::new(address, transport::native());
    config.way = way;
    Arc::new(RemoteSource::new(config))
}

/// A worker over a source.
pub fn work(source: SharedSource, agents: Registry, slots: u32) -> WorkerHandle {
    let config = WorkerConfig {
        slots,
        grace: Duration::from_millis(500),
        ..WorkerConfig::default()
    };
    Worker::new(config, source, agents, Sources::default())
        .expect("a worker")
        .start()
}

/// Returns once a condition holds; fails when that takes too long.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| panic!("it never came to be that {what}"))
}
