//! A worker of a server: agents in Rust beside those of other programs, which call each other by name.
//!
//! ```sh
//! orchestrator-server &
//! remote_worker http://127.0.0.1:8080
//! ```
//!
//! `examples/python/both_ways.py` has the other side of the conversation, in Python.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use orchestrator_client::{RemoteConfig, RemoteSource, ServerAddress, transport};
use orchestrator_core::{
    AgentError, Json, TaskContext,
    agent::{Registry, agent},
    clock::Sources,
    worker::{Worker, WorkerConfig},
};
use serde::Deserialize;

/// What `each` is to do: whose work it is, and with what. Who has the agent, and in which language, is not its business.
#[derive(Deserialize)]
struct Each {
    agent: String,
    inputs: Vec<Json>,
}

fn agents() -> anyhow::Result<Registry> {
    let mut agents = Registry::new();
    agents.add(agent("count_words", |_: TaskContext, text: String| async move {
        Ok::<_, AgentError>(text.split_whitespace().count())
    }))?;
    agents.add(agent("each", |ctx: TaskContext, each: Each| async move {
        let outcomes = ctx.map::<_, Json>("each", &each.agent, each.inputs, 4).await?;
        let outputs: Vec<Json> = outcomes.into_iter().collect::<Result<_, _>>()?;
        Ok::<_, AgentError>(outputs)
    }))?;
    Ok(agents)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args()
        .nth(1)
        .context("usage: remote_worker URL-OF-THE-SERVER")?;
    let address = ServerAddress::parse(&url, std::env::var("ORCHESTRATOR_TOKEN").ok())?;
    let source = RemoteSource::new(RemoteConfig::new(address, transport::native()));
    let config = WorkerConfig {
        name: "rust".to_owned(),
        ..WorkerConfig::default()
    };
    let mut worker = Worker::new(config, Arc::new(source), agents()?, Sources::default())?.start();
    println!("working for {url}, until Ctrl-C");
    tokio::select! {
        ended = worker.ended() => ended?, // the server refused it
        _ = tokio::signal::ctrl_c() => worker.stop(Duration::from_secs(30)).await?,
    }
    Ok(())
}
