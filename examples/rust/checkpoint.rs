//! An agent that asks a person. Here the person is the same program; usually it is `orchestrator decide`.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use orchestrator_core::{
    AgentError, Orchestrator, TaskContext, agent,
    protocol::{Decision, EventType, Json, NewTask, Verdict},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let orchestrator = Orchestrator::open("memory:").await?;
    orchestrator.register(agent("publish", |ctx: TaskContext, text: String| async move {
        let answer = ctx.checkpoint("Publish this?", &text).await?;
        Ok::<_, AgentError>(match answer.decision {
            Verdict::Accept => format!("published: {text}"),
            Verdict::Correct => format!("published: {}", answer.feedback),
            Verdict::Reject => "kept in the drawer".to_owned(),
        })
    }))?;
    let task = orchestrator
        .submit(NewTask::new("publish", Json::of("helo world")?))
        .await?;
    let mut events = task.events().await?;
    let checkpoint = loop {
        let event = events.next().await?;
        if let (EventType::CheckpointOpened, Some(id)) = (event.kind, event.task_id) {
            break id;
        }
    };
    let decision = Decision {
        decision: Verdict::Correct,
        feedback: "hello world".to_owned(),
    };
    orchestrator.engine().decide(checkpoint, &decision).await?;
    println!("{}", task.output::<String>().await?);
    Ok(())
}
