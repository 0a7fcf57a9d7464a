//! `orchestrator show`.

use serde_json::json;

use super::texts;
use crate::{
    args::Which,
    exit::{Exit, Failure},
    output::Output,
    place::{self, Place},
};

/// Shows a task and what is below it.
pub async fn show(which: &Which, place: &Place, output: Output) -> Result<Exit, Failure> {
    let orchestrator = place.open_to_look().await?;
    let id = place::find(orchestrator.engine(), which.word()).await?;
    let tree = orchestrator.engine().tree(id).await?;
    let task = tree
        .tasks
        .first()
        .cloned()
        .ok_or_else(|| Failure::usage(format!("there is no task {id}")))?;
    let placement = orchestrator.engine().placement(id).await?;
    let shown = json!({"task": task, "tree": tree, "placement": placement});
    output.result(&shown, || texts::show(&task, &tree.tasks, placement.as_ref()));
    Ok(Exit::Success)
}
