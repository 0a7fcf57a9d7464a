//! `orchestrator decide`.

use orchestrator_core::protocol::Decision;

use crate::{
    args::Decide,
    exit::{Exit, Failure},
    output::Output,
    place::{self, Place},
};

/// Answers a checkpoint. A process that waits for it goes on within a second or so.
pub async fn decide(decide: &Decide, place: &Place, output: Output) -> Result<Exit, Failure> {
    let orchestrator = place.open_to_look().await?;
    let engine = orchestrator.engine();
    let id = place::find_checkpoint(engine, &decide.task).await?;
    let decision = Decision {
        decision: decide.decision.into(),
        feedback: decide.feedback.clone(),
    };
    let task = engine.decide(id, &decision).await?;
    output.result(&task, || format!("{id} is decided"));
    let root = engine.get(task.root_id).await?;
    if !root.state.is_terminal() && place::is_deserted(engine, &root).await? {
        output.remark(&format!(
            "no process runs its task at the moment; `orchestrator retry {}` goes on with it",
            root.id
        ));
    }
    Ok(Exit::Success)
}
