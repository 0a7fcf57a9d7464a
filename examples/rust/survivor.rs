//! Two agents, one calling the other. Kill the program after "counted" and start it again: it goes on from there.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::time::Duration;

use orchestrator_core::{AgentError, Json, NewTask, Orchestrator, TaskContext, agent};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "survivor.db".to_owned());
    let orchestrator = Orchestrator::open(&format!("sqlite:{file}")).await?;
    orchestrator.register(agent("count_words", |_: TaskContext, text: String| async move {
        println!("counting");
        Ok::<_, AgentError>(text.split_whitespace().count())
    }))?;
    orchestrator.register(agent("report", |ctx: TaskContext, text: String| async move {
        let words: usize = ctx.call("words", NewTask::new("count_words", Json::of(&text)?)).await?;
        println!("counted");
        ctx.sleep("a pause to be killed in", Duration::from_secs(3)).await?;
        Ok::<_, AgentError>(format!("{words} words"))
    }))?;
    let mut task = NewTask::new("report", Json::of("to be or not to be")?);
    task.idempotency_key = Some("the report".to_owned()); // the same task when the program starts again
    let report: String = orchestrator.submit(task).await?.output().await?;
    println!("{report}");
    orchestrator.shutdown(Duration::from_secs(5)).await;
    Ok(())
}
