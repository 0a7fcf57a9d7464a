//! A real server with the app, and a worker with agents, for one test.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use orchestrator_client::{Client, RemoteConfig, RemoteSource, ServerAddress, transport};
use orchestrator_core::{
    clock::Sources,
    protocol::{Task, TaskId, TaskState},
    worker::{Worker, WorkerConfig, WorkerHandle},
};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    agents,
    process::{self, Process},
};

/// Where the programs are that are tried.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Programs {
    /// The program `orchestrator-server`
    #[arg(long, value_name = "FILE")]
    pub(crate) server: PathBuf,
    /// The folder that `make web` made
    #[arg(long, value_name = "DIR")]
    pub(crate) dashboard: PathBuf,
    /// The program `orchestrator-desktop`; without it the app is tried in a browser only
    #[arg(long, value_name = "FILE")]
    pub(crate) desktop: Option<PathBuf>,
}

/// A server, and the workers that were started.
pub(crate) struct Stage {
    pub(crate) url: String,
    pub(crate) client: Client,
    /// Where everything of this test is.
    pub(crate) folder: TempDir,
    server: Option<Process>,
    workers: Vec<WorkerHandle>,
    programs: Programs,
    token: Option<String>,
}

impl Stage {
    /// Starts a server, which asks for this token if there is one.
    pub(crate) async fn start(programs: &Programs, token: Option<&str>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (server, url) = serve(programs, token, folder.path(), "127.0.0.1:0").await?;
        let address = ServerAddress::parse(&url, token.map(str::to_owned))?;
        Ok(Self {
            client: Client::new(address)?,
            url,
            folder,
            server: Some(server),
            workers: Vec::new(),
            programs: programs.clone(),
            token: token.map(str::to_owned),
        })
    }

    /// Starts a worker with all agents of the tests.
    pub(crate) fn work(&mut self, name: &str, slots: u32) -> Result<()> {
        self.join(WorkerConfig {
            name: name.to_owned(),
            slots,
            labels: ["os:linux", "tool:command"].map(str::to_owned).into(),
            ..WorkerConfig::default()
        })
    }

    /// Starts such a worker.
    pub(crate) fn join(&mut self, worker: WorkerConfig) -> Result<()> {
        let address = ServerAddress::parse(&self.url, self.token.clone())?;
        let source = Arc::new(RemoteSource::new(RemoteConfig::new(address, transport::native())));
        let agents = agents::registry()?;
        let config = WorkerConfig {
            grace: Duration::from_millis(200),
            ..worker
        };
        self.workers
            .push(Worker::new(config, source, agents, Sources::default())?.start());
        Ok(())
    }

    /// Kills the server, as a machine that fails does.
    pub(crate) async fn kill_server(&mut self) -> Result<()> {
        self.server.as_mut().context("a server")?.kill().await?;
        self.server = None;
        Ok(())
    }

    /// Starts it again where it was, with what it had.
    pub(crate) async fn restart_server(&mut self) -> Result<()> {
        let listen = self.url.trim_start_matches("http://").to_owned();
        let (server, _) = serve(&self.programs, self.token.as_deref(), self.folder.path(), &listen).await?;
        self.server = Some(server);
        Ok(())
    }

    /// Waits until a task is in this state.
    pub(crate) async fn reached(&self, id: TaskId, state: TaskState) -> Result<Task> {
        process::until(&format!("task {id} {state}"), async || {
            let task = self.client.task(id).await?;
            Ok((task.state == state).then_some(task))
        })
        .await
    }

    /// Ends everything in order.
    pub(crate) async fn end(mut self) {
        let stopped = self
            .workers
            .drain(..)
            .map(|worker| worker.stop(Duration::from_millis(500)));
        futures::future::join_all(stopped).await;
    }
}

async fn serve(programs: &Programs, token: Option<&str>, folder: &Path, listen: &str) -> Result<(Process, String)> {
    let mut command = Command::new(&programs.server);
    command
        .args(["--listen", listen])
        .arg("--database")
        .arg(format!("sqlite:{}", folder.join("tasks.db").display()))
        .arg("--dashboard")
        .arg(&programs.dashboard);
    // What is set for whoever runs the tests is not for their servers.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ORCHESTRATOR_")) {
        command.env_remove(name);
    }
    if let Some(token) = token {
        command.env("ORCHESTRATOR_ADMIN_TOKEN", token);
    }
    let mut server = Process::start("server", &mut command, folder)?;
    let url = server
        .until("the server's start", |said| {
            let line = said.lines().find(|line| line.contains("listens on"))?;
            line.rsplit(' ').next().map(str::to_owned)
        })
        .await?;
    Ok((server, url))
}
