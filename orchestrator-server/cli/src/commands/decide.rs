//! `orchestrator decide`.

use orchestrator_core::protocol::Decision;

use crate::{
    args::{Decide, Settings},
    exit::{Exit, Failure},
    output::Output,
    place,
};

/// Answers a checkpoint. A process that waits for it goes on within a second or so.
pub async fn decide(decide: &Decide, settings: &Settings, output: Output) -> Result<Exit, Failure> {
    let orchestrator = place::open_to_look(&settings.database).await?;
    let id = place::find_checkpoint(&orchestrator, &decide.task).await?;
    let decision = Decision {
        decision: decide.decision.into(),
        feedback: decide.feedback.clone(),
    };
    let task = orchestrator.engine().decide(id, &decision).await?;
    output.result(&task, || format!("{id} is decided"));
    Ok(Exit::Success)
}
