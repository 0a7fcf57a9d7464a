//! A graph of tasks submitted as one batch: two sources, and a task that waits for both.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use orchestrator_core::{
    AgentError, Orchestrator, TaskContext, agent,
    protocol::{Json, NewTask, TaskRef},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let orchestrator = Orchestrator::open("memory:").await?;
    orchestrator.register(agent("say", |_: TaskContext, text: String| async move {
        println!("{text}");
        Ok::<_, AgentError>(())
    }))?;
    orchestrator.start()?;
    let task = |name: &str, after: &[&str]| {
        let mut task = NewTask::new("say", Json::of(name).unwrap_or_default());
        task.local_ref = Some(name.to_owned());
        task.depends_on = after.iter().map(|name| TaskRef::Local((*name).to_owned())).collect();
        task
    };
    let batch = vec![
        task("roof", &["walls", "beams"]),
        task("walls", &["floor"]),
        task("beams", &["walls"]),
        task("floor", &[]),
    ];
    let tasks = orchestrator.engine().submit(batch).await?;
    orchestrator.task(tasks[0].id()).output::<()>().await?;
    Ok(())
}
