//! A server in the test's process, and workers in processes of their own.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use orchestrator_core::{
    bus::{Bus, local::LocalBus},
    clock::Sources,
    maintain::timer,
    protocol::{Json, NewTask, Task, TaskId},
    service::Engine,
    store::{Store, memory::MemoryStore},
};
use orchestrator_server::{
    listener::TcpAcceptor,
    routes::worker,
    workers::{Workers, WorkersConfig},
};
use poem::{EndpointExt, Route};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// What a test waits for at most. Machines that are busy are slow.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A server.
pub struct Server {
    pub engine: Engine,
    store: Arc<dyn Store>,
    address: SocketAddr,
    workers: Arc<Workers>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// A server that was stopped, and may start again where it was.
pub struct Stopped {
    store: Arc<dyn Store>,
    address: SocketAddr,
}

impl Server {
    pub async fn start() -> Self {
        let stopped = Stopped {
            store: Arc::new(MemoryStore::new()),
            address: ([127, 0, 0, 1], 0).into(),
        };
        stopped.start().await
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub async fn stop(mut self) -> Stopped {
        self.workers.close();
        self.stop.cancel();
        self.tasks.join_next().await;
        self.tasks.shutdown().await;
        Stopped {
            store: self.store,
            address: self.address,
        }
    }

    pub async fn restart(self) -> Self {
        self.stop().await.start().await
    }

    /// Submits a task that runs a program.
    pub async fn command(&self, argv: &[&str]) -> TaskId {
        let input = Json::from(serde_json::json!({ "argv": argv }));
        let submitted = self.engine.submit_one(NewTask::new("command", input)).await;
        submitted.expect("a task").id()
    }

    pub async fn settled(&self, id: TaskId) -> Task {
        let Ok(settled) = tokio::time::timeout(PATIENCE, self.engine.settled(id)).await else {
            panic!("it did not end: {:#?}", self.engine.get(id).await);
        };
        settled.expect("a task").task
    }
}

impl Stopped {
    pub async fn start(self) -> Server {
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::new());
        let engine = Engine::new(self.store.clone(), bus, Sources::default());
        let config = WorkersConfig {
            lease: Duration::from_secs(3),
            ..WorkersConfig::default()
        };
        let workers = Workers::new(engine.clone(), config);
        let listener = TcpListener::bind(self.address).await.expect("the port");
        let address = listener.local_addr().expect("an address");
        let app = Route::new()
            .nest("/api/v1/worker", worker::routes())
            .data(workers.clone());
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let mut tasks = JoinSet::new();
        let acceptor = TcpAcceptor::new(listener).expect("an acceptor");
        tasks.spawn(async move {
            let server = poem::Server::new_with_acceptor(acceptor);
            let served = server.run_with_graceful_shutdown(app, stopped, Some(PATIENCE)).await;
            served.expect("it serves");
        });
        let listens = workers.clone();
        tasks.spawn(async move { listens.listen().await });
        tasks.spawn(timer::run(engine.clone()));
        Server {
            engine,
            store: self.store,
            address,
            workers,
            stop,
            tasks,
        }
    }
}

/// A machine: a home for workers' ids, and a folder for files.
pub struct Place {
    folder: TempDir,
}

/// A worker in a process of its own, killed when it is dropped.
pub struct Process {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn worker(&self, url: &str, flags: &[&str]) -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_orchestrator-worker"))
            .args(["--server", url])
            .args(flags)
            .env("XDG_STATE_HOME", self.folder.path())
            .env_remove("ORCHESTRATOR_CONFIG")
            .env_remove("ORCHESTRATOR_TOKEN")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let said = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().expect("its words")).lines();
        let heard = said.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut said = heard.lock().expect("words");
                said.push_str(&line);
                said.push('\n');
            }
        });
        Process { child, said }
    }
}

impl Process {
    pub fn said(&self) -> String {
        self.said.lock().expect("words").clone()
    }

    pub async fn wait_for_words(&self, words: &str) {
        until(words, async || self.said().contains(words).then_some(())).await;
    }

    /// Ends it without a warning.
    pub fn kill(&mut self) {
        self.child.start_kill().expect("a process");
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().expect("a process").to_string();
        let sent = std::process::Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.expect("kill").success());
    }

    /// Asks it to stop. Gives its exit status.
    pub async fn stop(self) -> Option<i32> {
        self.signal("TERM");
        self.ended().await
    }

    /// Its exit status.
    pub async fn ended(mut self) -> Option<i32> {
        let Ok(ended) = tokio::time::timeout(PATIENCE, self.child.wait()).await else {
            panic!("it does not end; it said {}", self.said());
        };
        ended.expect("a status").code()
    }

    /// Its exit status and what it said.
    pub async fn output(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().await.expect("a status").code();
        until("it said why", async || (!self.said().is_empty()).then_some(())).await;
        (status, self.said())
    }
}

/// Returns once a condition holds; fails when that takes too long.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| panic!("it never came to be that {what}"))
}
