//! A server and workers as processes of their own.

use std::time::{Duration, Instant};

use anyhow::Context;
use orchestrator_client::{Client, ServerAddress, api::PageQuery};
use orchestrator_protocol::{TaskState, WorkerState};
use tokio::process::Command;

use crate::process::{Running, sibling};

/// A server that runs, and its workers.
pub struct Fleet {
    pub server: Running,
    pub workers: Vec<Running>,
    pub url: String,
    pub client: Client,
}

impl Fleet {
    /// Starts a server on a database, with nobody to work for it.
    pub async fn start(database: &str, redis: Option<&str>) -> anyhow::Result<Self> {
        let mut command = Command::new(sibling("orchestrator-server")?);
        command
            .args(["--listen", "127.0.0.1:0", "--database", database])
            .env("RUST_LOG", "warn");
        if let Some(redis) = redis {
            command.args(["--redis", redis]);
        }
        let (server, url) = Running::start_and_hear(&mut command, "orchestrator-server listens on ").await?;
        let client = Client::new(ServerAddress::parse(&url, None)?)?;
        Ok(Self {
            server,
            workers: Vec::new(),
            url,
            client,
        })
    }

    /// Adds a process with so many workers of so many slots each, and waits until all of them are connected.
    pub async fn add_workers(&mut self, workers: usize, slots: usize) -> anyhow::Result<()> {
        let mut command = Command::new(sibling("orchestrator-bench-worker")?);
        command.args([&self.url, &workers.to_string(), &slots.to_string()]);
        let before = self.online().await?;
        let (worker, _) = Running::start_and_hear(&mut command, "working for ").await?;
        self.workers.push(worker);
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.online().await? < before + workers {
            anyhow::ensure!(Instant::now() < deadline, "the workers do not connect");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn online(&self) -> anyhow::Result<usize> {
        // All on one page.
        let page = PageQuery {
            limit: Some(500),
            ..PageQuery::default()
        };
        let workers = self.client.workers(&page).await?.items;
        Ok(workers
            .iter()
            .filter(|worker| worker.state == WorkerState::Online)
            .count())
    }

    /// Waits until so many tasks have succeeded.
    pub async fn until_succeeded(&self, tasks: usize) -> anyhow::Result<()> {
        loop {
            let stats = self.client.stats().await.context("the server does not answer")?;
            let count = |state| stats.by_state.get(&state).copied().unwrap_or(0) as usize;
            anyhow::ensure!(count(TaskState::Failed) == 0, "tasks have failed");
            if count(TaskState::Succeeded) >= tasks {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends all of it, workers first.
    pub async fn stop(self) {
        for worker in self.workers {
            worker.stop().await;
        }
        self.server.stop().await;
    }
}
