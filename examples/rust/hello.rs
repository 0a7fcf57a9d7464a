//! The smallest program: one agent, one task.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use orchestrator_core::{AgentError, Orchestrator, TaskContext, agent};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let orchestrator = Orchestrator::open("memory:").await?;
    orchestrator.register(agent("hello", |_: TaskContext, name: String| async move {
        Ok::<_, AgentError>(format!("hello {name}"))
    }))?;
    let greeting: String = orchestrator.run("hello", "ada").await?;
    println!("{greeting}");
    Ok(())
}
