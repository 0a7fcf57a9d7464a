//! `orchestrator cancel`.

use crate::{
    args::{Cancel, Settings},
    exit::{Exit, Failure},
    output::Output,
    place,
};

/// Cancels a task and everything below it. A process that runs it hears of it within a second or so.
pub async fn cancel(cancel: &Cancel, settings: &Settings, output: Output) -> Result<Exit, Failure> {
    let orchestrator = place::open_to_look(&settings.database).await?;
    let id = place::find(&orchestrator, &cancel.task).await?;
    let task = orchestrator.engine().cancel(id, &cancel.reason).await?;
    output.result(&task, || {
        if task.state.is_terminal() {
            format!("{id} is {}", task.state)
        } else {
            format!("{id} was told to stop")
        }
    });
    Ok(Exit::Success)
}
