//! Other people's queues on PostgreSQL, in JavaScript: Graphile Worker and pg-boss, each as it is set up by default and as
//! its documentation makes it fastest.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use async_trait::async_trait;
use serde_json::Value;

use crate::{
    process,
    queue::{Opening, Queue},
    scenario::Bench,
};

/// A queue and how it is set up.
pub struct Peer {
    pub name: &'static str,
    script: &'static str,
    setup: &'static str,
    /// By how much fewer jobs it drains than others.
    pub fewer: usize,
}

/// All of them.
pub const PEERS: &[Peer] = &[
    Peer {
        name: "Graphile Worker, default",
        script: "graphile_worker.mjs",
        setup: "default",
        fewer: 10,
    },
    Peer {
        name: "Graphile Worker, local queue and batches",
        script: "graphile_worker.mjs",
        setup: "best",
        fewer: 1,
    },
    Peer {
        name: "pg-boss, default",
        script: "pg_boss.mjs",
        setup: "default",
        fewer: 100,
    },
    Peer {
        name: "pg-boss, batches of 500",
        script: "pg_boss.mjs",
        setup: "best",
        fewer: 1,
    },
];

/// A Node and the packages that it finds.
#[derive(Clone)]
pub struct Node {
    program: PathBuf,
    folder: PathBuf,
}

impl Node {
    /// Installs packages, once, into a folder of the benchmark's, with a Node that is new enough for all of them.
    ///
    /// # Errors
    ///
    /// npm is missing, or cannot install them.
    pub async fn install(folder: &Path, packages: &[&str]) -> anyhow::Result<Self> {
        let folder = folder.join("node");
        let package = format!(
            "node-linux-{}",
            if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" }
        );
        let program = folder.join("node_modules").join(&package).join("bin/node");
        std::fs::create_dir_all(&folder)?;
        let manifest = folder.join("package.json");
        if !manifest.exists() {
            std::fs::write(&manifest, r#"{"private": true, "type": "module"}"#)?;
        }
        let mut wanted: Vec<String> = packages.iter().map(|&package| package.to_owned()).collect();
        wanted.push(format!("{package}@24"));
        // With its version: npm would take an older one that suits the system's Node.
        let mark = |package: &String| folder.join(format!("{}.installed", package.replace('/', "_")));
        wanted.retain(|package| !mark(package).exists());
        if !wanted.is_empty() {
            let mut args = vec!["install", "--silent", "--no-fund", "--no-audit", "--prefix"];
            args.push(folder.to_str().context("a folder with a plain name")?);
            args.extend(wanted.iter().map(String::as_str));
            process::output_of(Path::new("npm"), &args, &[])
                .await
                .with_context(|| format!("npm cannot install {}", wanted.join(", ")))?;
            for package in &wanted {
                std::fs::write(mark(package), "")?;
            }
        }
        Ok(Self { program, folder })
    }

    /// A script of ours as a command, with the packages in reach.
    pub fn script(&self, name: &str) -> anyhow::Result<PathBuf> {
        // A script finds packages beside itself.
        for file in ["peer.mjs", name] {
            std::fs::copy(Bench::peers_source().join(file), self.folder.join(file))
                .with_context(|| format!("{file} is missing"))?;
        }
        Ok(self.folder.join(name))
    }

    /// The interpreter.
    pub fn program(&self) -> &Path {
        &self.program
    }
}

/// A queue that one process after the other drives.
struct NodeQueue {
    node: Node,
    url: String,
    peer: &'static Peer,
}

/// Opens one of them.
pub fn open<'a>(url: &'a str, node: Node, peer: &'static Peer) -> Opening<'a> {
    Box::pin(async move {
        let queue = NodeQueue {
            node,
            url: url.to_owned(),
            peer,
        };
        queue.ask("install", 0, 0).await?;
        Ok(Box::new(queue) as Box<dyn Queue>)
    })
}

impl NodeQueue {
    /// What the script says to one order: a line of JSON.
    async fn ask(&self, order: &str, jobs: usize, width: usize) -> anyhow::Result<Value> {
        let script = self.node.script(self.peer.script)?;
        let (jobs, width) = (jobs.to_string(), width.to_string());
        let script = script.to_str().context("a plain name")?;
        let args = [script, order, self.peer.setup, jobs.as_str(), width.as_str()];
        let envs = [("DATABASE_URL", self.url.as_str()), ("NODE_ENV", "production")];
        let answer = process::output_of(&self.node.program, &args, &envs).await?;
        let line = answer.lines().last().context("the script said nothing")?;
        Ok(serde_json::from_str(line)?)
    }

    async fn seconds(&self, order: &str, jobs: usize, width: usize) -> anyhow::Result<Duration> {
        let answer = self.ask(order, jobs, width).await?;
        let seconds = answer["seconds"].as_f64().context("the script measured nothing")?;
        Ok(Duration::from_secs_f64(seconds))
    }
}

#[async_trait]
impl Queue for NodeQueue {
    async fn submit_singly(&mut self, jobs: usize, producers: usize) -> anyhow::Result<Duration> {
        // A few are enough where each commit is alone.
        let few = (jobs / 5).max(1);
        Ok(self
            .seconds("singly", few, producers)
            .await?
            .mul_f64(jobs as f64 / few as f64))
    }

    async fn submit_in_batches(&mut self, jobs: usize) -> anyhow::Result<Duration> {
        self.seconds("batches", jobs, 1000).await
    }

    async fn drain(&mut self, jobs: usize) -> anyhow::Result<Duration> {
        self.seconds("drain", jobs, 16).await
    }

    async fn starts(&mut self, samples: usize) -> anyhow::Result<Option<Vec<f64>>> {
        let answer = self.ask("starts", samples, 16).await?;
        let samples = answer["ms"].as_array().context("the script measured nothing")?;
        Ok(Some(samples.iter().filter_map(Value::as_f64).collect()))
    }
}
