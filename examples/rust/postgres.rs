//! The whole system inside one program, on PostgreSQL: `postgres URL`. Start it as often as you like, all are one fleet.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::time::Duration;

use anyhow::Context as _;
use orchestrator_core::{AgentError, Json, NewTask, TaskContext, agent};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1).context("usage: postgres URL")?;
    let orchestrator = orchestrator_postgres::open(&url).await?;
    orchestrator.register(agent("half", |_: TaskContext, n: u64| async move {
        Ok::<_, AgentError>(n / 2)
    }))?;
    orchestrator.register(agent("shrink", |ctx: TaskContext, mut n: u64| async move {
        let mut steps = 0;
        while n > 1 {
            n = ctx
                .call(format!("half {steps}"), NewTask::new("half", Json::of(&n)?))
                .await?;
            steps += 1;
        }
        Ok::<_, AgentError>(steps)
    }))?;
    let steps: u64 = orchestrator.run("shrink", &1000).await?;
    println!("{steps} steps");
    orchestrator.shutdown(Duration::from_secs(10)).await;
    Ok(())
}
