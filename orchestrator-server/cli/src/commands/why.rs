//! `orchestrator why`.

use crate::{
    args::{Settings, Which},
    exit::{Exit, Failure},
    output::Output,
    place,
};

/// Says why a task is where it is.
pub async fn why(which: &Which, settings: &Settings, output: Output) -> Result<Exit, Failure> {
    let orchestrator = place::open_to_look(&settings.database).await?;
    let id = place::find(&orchestrator, &which.task).await?;
    let why = orchestrator.engine().why(id).await?;
    output.result(&why, || {
        let reasons: Vec<String> = why.reasons.iter().map(|r| format!("  {}", r.message)).collect();
        format!("{id} is {}:\n{}", why.state, reasons.join("\n"))
    });
    Ok(Exit::Success)
}
