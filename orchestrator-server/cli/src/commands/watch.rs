//! `orchestrator watch`.

use std::time::Duration;

use orchestrator_core::{Orchestrator, protocol::TaskId};
use orchestrator_signals::Signals;

use super::follow::{self, Ended, Runner};
use crate::{
    args::Which,
    exit::{Exit, Failure},
    jobs,
    output::Output,
    place::{self, Place},
    view::Audience,
};

/// Follows a task that runs in another process. For programs: every event, a line each.
pub async fn watch(which: &Which, place: &Place, output: Output) -> Result<Exit, Failure> {
    let orchestrator = place.open_to_look().await?;
    let id = place::find(orchestrator.engine(), which.word()).await?;
    let mut signals = Signals::listen().map_err(|error| Failure::deaf(&error))?;
    let ended = if output.is_json() {
        tokio::select! {
            ended = stream(&orchestrator, id, output) => ended?,
            () = signals.next() => Ended::Interrupted,
        }
    } else {
        let mut view = follow::view(&orchestrator, id, Audience::Late, output);
        follow::follow(&orchestrator, id, Runner::Elsewhere, &mut signals, &mut view).await?
    };
    match ended {
        Ended::Task(ended) => {
            let task = &ended.task;
            if !output.is_json() {
                output.text(&format!("{} {}", task.id, task.state));
                if !task.state.is_terminal() {
                    output.remark(&jobs::ending(&ended));
                }
            }
            Ok(Exit::of(task.state))
        }
        Ended::Interrupted => Ok(Exit::Cancelled),
        Ended::Deserted => Err(Failure::unavailable(format!(
            "no process runs task {id}; `orchestrator retry {id}` goes on with what was finished"
        ))),
    }
}

/// Prints every event of a tree until its end.
async fn stream(orchestrator: &Orchestrator, id: TaskId, output: Output) -> Result<Ended, Failure> {
    let engine = orchestrator.engine();
    let mut live = engine.live(follow::of_tree(id)).await?;
    loop {
        tokio::select! {
            biased;
            event = live.next() => output.json(&event?),
            () = tokio::time::sleep(follow::LOOK) => {}
        }
        if !live.is_caught_up() {
            continue;
        }
        // Looked at only when everything that was there has been told.
        let seen = engine.result_or_attention(id, Duration::ZERO).await?;
        if seen.has_stopped() && live.is_caught_up() {
            while let Ok(event) = tokio::time::timeout(follow::FRAME, live.next()).await {
                output.json(&event?);
            }
            return Ok(Ended::Task(Box::new(seen)));
        }
        if place::is_deserted(engine, &seen.task).await? {
            return Ok(Ended::Deserted);
        }
    }
}
