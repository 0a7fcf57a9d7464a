//! `orchestrator why`.

use crate::{
    args::Which,
    exit::{Exit, Failure},
    output::Output,
    place::{self, Place},
};

/// Says why a task is where it is.
pub async fn why(which: &Which, place: &Place, output: Output) -> Result<Exit, Failure> {
    let orchestrator = place.open_to_look().await?;
    let engine = orchestrator.engine();
    let id = place::find(engine, which.word()).await?;
    let why = engine.why(id).await?;
    let task = engine.get(id).await?;
    let deserted = !task.state.is_terminal() && place::is_deserted(engine, &task).await?;
    output.result(&why, || {
        let mut lines = vec![format!("{id} is {}:", why.state)];
        lines.extend(why.reasons.iter().map(|reason| format!("  {}", reason.message)));
        if deserted {
            let root = task.root_id;
            lines.push(format!(
                "  the process that ran it has ended; `orchestrator retry {root}` goes on with what was finished"
            ));
        }
        lines.join("\n")
    });
    Ok(Exit::Success)
}
