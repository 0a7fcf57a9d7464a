//! A task that splits its work: at most three children at a time, and what failed does not fail the rest.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use orchestrator_core::{AgentError, Orchestrator, TaskContext, TaskError, agent};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let orchestrator = Orchestrator::open("memory:").await?;
    orchestrator.register(agent("half", |_: TaskContext, n: u32| async move {
        if n.is_multiple_of(2) {
            Ok(n / 2)
        } else {
            Err(TaskError::terminal(format!("{n} is odd")))
        }
    }))?;
    orchestrator.register(agent("halves", |ctx: TaskContext, numbers: Vec<u32>| async move {
        let outcomes = ctx.map::<_, u32>("half", "half", numbers, 3).await?;
        let lines = outcomes.into_iter().map(|outcome| match outcome {
            Ok(half) => half.to_string(),
            Err(error) => error.message,
        });
        Ok::<_, AgentError>(lines.collect::<Vec<_>>())
    }))?;
    let lines: Vec<String> = orchestrator.run("halves", &[2, 4, 5, 100]).await?;
    println!("{}", lines.join("\n"));
    Ok(())
}
