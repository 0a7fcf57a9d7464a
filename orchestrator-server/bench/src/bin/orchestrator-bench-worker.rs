//! Workers for the benchmark, as processes of their own: `orchestrator-bench-worker URL WORKERS SLOTS`. Their agents do
//! nothing, or as little as shows what the orchestrator adds.

#![expect(clippy::print_stdout, reason = "the line that the benchmark waits for")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's own time")]

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use orchestrator_client::{RemoteConfig, RemoteSource, ServerAddress, transport};
use orchestrator_core::{
    Json, TaskContext,
    agent::{AgentError, Registry, agent},
    clock::Sources,
    worker::{Worker, WorkerConfig},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let words: Vec<String> = std::env::args().collect();
    let [_, url, workers, slots] = &words[..] else {
        anyhow::bail!("usage: orchestrator-bench-worker URL WORKERS SLOTS");
    };
    let mut handles = Vec::new();
    for number in 0..workers.parse::<usize>().context("a number of workers")? {
        let source = Arc::new(RemoteSource::new(RemoteConfig::new(
            ServerAddress::parse(url, None)?,
            transport::native(),
        )));
        let config = WorkerConfig {
            name: format!("bench-{number}"),
            slots: slots.parse().context("a number of slots")?,
            ..WorkerConfig::default()
        };
        handles.push(Worker::new(config, source, agents()?, Sources::default())?.start());
    }
    println!("working for {url}");
    tokio::signal::ctrl_c().await?;
    for handle in handles {
        handle.stop(Duration::ZERO).await.ok();
    }
    Ok(())
}

fn agents() -> anyhow::Result<Registry> {
    let mut agents = Registry::new();
    agents.add(agent("noop", |_: TaskContext, _: Json| async {
        Ok::<_, AgentError>(Json::parse(orchestrator_bench::job::OUTPUT)?)
    }))?;
    // Answers with the moment at which it started, which the benchmark compares with its own clock.
    agents.add(agent("clocked", |_: TaskContext, _: Json| async {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Ok::<_, AgentError>(now.unwrap_or_default().as_micros() as u64)
    }))?;
    agents.add(agent("steps", |ctx: TaskContext, _: Json| async move {
        for name in ["one", "two", "three"] {
            ctx.step(name, || async { Ok::<_, AgentError>(1) }).await?;
        }
        Ok::<_, AgentError>(())
    }))?;
    agents.add(agent("fan_out", |ctx: TaskContext, children: u32| async move {
        let inputs = (0..children).map(|_| Json::NULL);
        for outcome in ctx.map::<_, Json>("children", "noop", inputs, 0).await? {
            outcome?;
        }
        Ok::<_, AgentError>(())
    }))?;
    Ok(agents)
}
