//! `orchestrator cancel`.

use std::time::Duration;

use crate::{
    args::Cancel,
    exit::{Exit, Failure},
    output::Output,
    place::{self, Place},
};

/// How long agents get to stop before this command leaves them to it: a little more than their grace period.
const PATIENCE: Duration = Duration::from_secs(12);

/// Cancels a task and everything below it, and waits until it has stopped.
pub async fn cancel(cancel: &Cancel, place: &Place, output: Output) -> Result<Exit, Failure> {
    let orchestrator = place.open_to_look().await?;
    let engine = orchestrator.engine();
    let id = place::find(engine, cancel.which.word()).await?;
    let before = engine.get(id).await?;
    if before.state.is_terminal() {
        output.result(&before, || format!("{id} had {} already", place::ended(before.state)));
        return Ok(Exit::Success);
    }
    engine.cancel(id, &cancel.reason).await?;
    let task = engine.result(id, PATIENCE).await?;
    output.result(&task, || {
        if task.state.is_terminal() {
            format!("{id} is {}", task.state)
        } else {
            format!("{id} was told to stop; `orchestrator watch {id}` shows when it has")
        }
    });
    Ok(Exit::Success)
}
