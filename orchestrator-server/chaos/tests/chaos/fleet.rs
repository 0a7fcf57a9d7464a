//! A fleet on this machine: a PostgreSQL and a Redis of its own, servers, workers, and a network that breaks when told to.

mod postgres;
mod process;
mod redis;
mod undertaker;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use orchestrator_client::{Client, ServerAddress, api::PageQuery};
use orchestrator_protocol::{WorkerId, WorkerState};
use orchestrator_testkit::proxy::Proxy;
use tempfile::TempDir;

pub use self::postgres::Postgres;
use self::{process::Process, redis::Redis, undertaker::Undertaker};
use crate::{time::until, witness};

/// Whether the servers are given a Redis.
const WITH_REDIS: bool = true;

/// How a fleet is set up.
#[derive(Debug, Clone)]
pub struct Plan {
    pub servers: usize,
    pub workers: usize,
    pub slots: u32,
    /// None: what the server does when nothing is said.
    pub lease: Option<Duration>,
    /// How many connections PostgreSQL takes, beside a few for its owner.
    pub connections: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            servers: 2,
            workers: 3,
            slots: 8,
            lease: Some(Duration::from_secs(3)),
            connections: 60,
        }
    }
}

impl Plan {
    /// How long a worker may be silent.
    pub fn lease(&self) -> Duration {
        self.lease.unwrap_or(Duration::from_secs(15))
    }
}

/// A fleet. Nothing of it is left when it is dropped, or when the process that has it is gone.
pub struct Fleet {
    pub plan: Plan,
    pub postgres: Postgres,
    pub redis: Option<Redis>,
    /// Between the servers and PostgreSQL.
    pub database: Proxy,
    pub servers: Vec<Server>,
    pub workers: Vec<Worker>,
    // Last, so that everything else is gone before.
    undertaker: Undertaker,
    folder: TempDir,
}

/// A server, and the network before it.
pub struct Server {
    pub process: Process,
    address: SocketAddr,
    /// Between the server and everyone who calls it.
    pub proxy: Proxy,
}

/// A worker.
pub struct Worker {
    pub name: String,
    pub process: Process,
}

impl Fleet {
    pub async fn start(plan: Plan) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("orchestrator-chaos.")
            .tempdir()
            .expect("a folder");
        for name in ["home", "witness", "bin"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        witness::install(folder.path());
        let undertaker = Undertaker::call(folder.path());
        let postgres = Postgres::create(folder.path(), plan.connections).await;
        let redis = if WITH_REDIS {
            Some(Redis::start(folder.path()).await)
        } else {
            None
        };
        let database = Proxy::before(postgres.address()).await;
        let mut fleet = Self {
            plan,
            postgres,
            redis,
            database,
            servers: Vec::new(),
            workers: Vec::new(),
            undertaker,
            folder,
        };
        for number in 0..fleet.plan.servers {
            fleet.add_server(number).await;
        }
        for number in 0..fleet.plan.workers {
            let worker = Worker {
                name: format!("worker-{number}"),
                process: fleet.worker_process(number, 0),
            };
            fleet.workers.push(worker);
        }
        fleet.all_online().await;
        fleet
    }

    async fn add_server(&mut self, number: usize) {
        let process = self.server_process(number, "127.0.0.1:0", 0);
        let address = listens(&process).await;
        let proxy = Proxy::before(address).await;
        self.servers.push(Server {
            process,
            address,
            proxy,
        });
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn witness(&self) -> PathBuf {
        self.folder.path().join("witness")
    }

    /// The servers' addresses as a worker or a client is told them: through the network.
    pub fn urls(&self) -> String {
        let urls: Vec<String> = self.servers.iter().map(|server| server.proxy.url()).collect();
        urls.join(",")
    }

    /// The servers' addresses, the one of this number first.
    pub fn urls_from(&self, number: usize) -> String {
        let count = self.servers.len();
        let urls = (0..count).map(|n| self.servers[(number + n) % count].proxy.url());
        urls.collect::<Vec<_>>().join(",")
    }

    /// A client of all servers.
    pub fn client(&self) -> Client {
        client(&self.urls())
    }

    fn server_process(&self, number: usize, listen: &str, generation: usize) -> Process {
        let mut args = vec![
            "server".to_owned(),
            "--listen".to_owned(),
            listen.to_owned(),
            "--database".to_owned(),
            postgres::url(self.database.address),
        ];
        if let Some(lease) = self.plan.lease {
            args.extend(["--lease-s".to_owned(), lease.as_secs_f64().to_string()]);
        }
        if let Some(redis) = &self.redis {
            args.extend(["--redis".to_owned(), redis.url()]);
        }
        Process::start(self.folder(), &format!("server-{number}.{generation}"), &args)
    }

    fn worker_process(&self, number: usize, generation: usize) -> Process {
        let state = self.folder().join(format!("worker-{number}.json"));
        let args = [
            "worker".to_owned(),
            "--server".to_owned(),
            self.urls_from(number),
            "--name".to_owned(),
            format!("worker-{number}"),
            "--slots".to_owned(),
            self.plan.slots.to_string(),
            "--state".to_owned(),
            state.display().to_string(),
            "--no-discovery".to_owned(),
            "--local".to_owned(),
            "--grace-s".to_owned(),
            "2".to_owned(),
        ];
        Process::start(self.folder(), &format!("worker-{number}.{generation}"), &args)
    }

    /// Starts a server again where it was, after it was killed.
    pub async fn restart_server(&mut self, number: usize) {
        let (listen, generation) = {
            let server = &self.servers[number];
            (server.address.to_string(), server.process.generation + 1)
        };
        let mut process = self.server_process(number, &listen, generation);
        process.generation = generation;
        listens(&process).await;
        self.servers[number].process = process;
    }

    /// Starts a worker again, after it was killed: the same one, by its id.
    pub fn restart_worker(&mut self, number: usize) {
        let generation = self.workers[number].process.generation + 1;
        let mut process = self.worker_process(number, generation);
        process.generation = generation;
        self.workers[number].process = process;
    }

    /// Who a worker is, which it stays when it is started again.
    pub async fn worker_id(&self, number: usize) -> WorkerId {
        let (client, name) = (self.client(), &self.workers[number].name);
        until("a worker is known", async || {
            let workers = client.workers(&PageQuery::default()).await.ok()?;
            let worker = workers.items.iter().find(|worker| worker.name == *name)?;
            Some(worker.id)
        })
        .await
    }

    /// Returns once every worker is connected.
    pub async fn all_online(&self) {
        let client = self.client();
        let count = self.workers.len();
        until("all workers are online", async || {
            let workers = client.workers(&PageQuery::default()).await.ok()?;
            let online = workers.items.iter().filter(|worker| {
                worker.state == WorkerState::Online && self.workers.iter().any(|known| known.name == worker.name)
            });
            (online.count() == count).then_some(())
        })
        .await;
    }

    /// Fails when a server or a worker has ended by itself.
    pub fn check(&self) {
        self.servers.iter().for_each(|server| server.process.check());
        self.workers.iter().for_each(|worker| worker.process.check());
    }

    /// What servers and workers said, for the one who looks into a failure.
    pub fn logs(&self) -> String {
        let mut names: Vec<PathBuf> = std::fs::read_dir(self.folder())
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .collect();
        names.sort();
        let tail = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let last = lines[lines.len().saturating_sub(60)..].join("\n");
            format!("--- {}\n{last}\n", path.file_name().unwrap_or_default().display())
        };
        names.iter().map(tail).collect()
    }

    /// Keeps the folder, with the logs and the witness, for the one who looks into a failure.
    pub fn keep_folder(&mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.undertaker.spare_folder();
        self.folder.path().to_owned()
    }
}

/// A client of servers.
pub fn client(urls: &str) -> Client {
    Client::new(ServerAddress::parse(urls, None).expect("a URL")).expect("a client")
}

/// Where a server says that it listens.
async fn listens(process: &Process) -> SocketAddr {
    until("a server listens", async || {
        process.check();
        let said = process.said();
        let (_, address) = said.rsplit_once("http://")?;
        address.lines().next()?.trim().parse().ok()
    })
    .await
}
