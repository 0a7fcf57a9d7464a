//! Following a task to its end, with a live view, and what an interrupt does meanwhile.

use std::time::Duration;

use orchestrator_core::{
    Orchestrator,
    protocol::{Event, EventType, Task, TaskId},
    store::{EventQuery, EventScope},
};
use tokio::signal::unix::{SignalKind, signal};

use crate::{exit::Failure, output::Output, view::View};

/// What the first interrupt does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInterrupt {
    /// Cancels the task and waits until it has stopped.
    Cancel,
    /// Only stops looking.
    Leave,
}

/// How the following ended.
pub enum Ended {
    /// The task has ended, or needs a person.
    Task(Box<Task>),
    /// A second interrupt: stop at once. Or the first one, for who only looks.
    Abandoned,
}

/// How often a live view is drawn at most.
const FRAME: Duration = Duration::from_millis(100);

/// Follows a task until it has ended.
pub async fn to_the_end(
    orchestrator: &Orchestrator,
    id: TaskId,
    output: Output,
    on_interrupt: OnInterrupt,
) -> Result<Ended, Failure> {
    let engine = orchestrator.engine();
    let query = EventQuery {
        scope: EventScope::Tree(id),
        ..EventQuery::default()
    };
    let mut live = engine.live(query).await?;
    let mut view = View::new(id, output);
    let mut interrupts = signal(SignalKind::interrupt()).map_err(|e| Failure::unavailable(e.to_string()))?;
    let mut terminations = signal(SignalKind::terminate()).map_err(|e| Failure::unavailable(e.to_string()))?;
    let mut frames = tokio::time::interval(FRAME);
    frames.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let settled = engine.settled(id);
    tokio::pin!(settled);
    let mut interrupted = false;
    let task = loop {
        tokio::select! {
            biased;
            interrupt = async { tokio::select! { i = interrupts.recv() => i, t = terminations.recv() => t } } => {
                if interrupt.is_none() || interrupted || on_interrupt == OnInterrupt::Leave {
                    view.end();
                    return Ok(Ended::Abandoned);
                }
                interrupted = true;
                view.remark("cancelling; interrupt once more to stop at once");
                engine.cancel(id, "interrupted").await?;
            }
            event = live.next() => {
                let event = event?;
                explain_checkpoint(&mut view, &event);
                view.apply(&event);
            }
            _ = frames.tick() => view.draw(engine.now()),
            task = &mut settled => break task?,
        }
    };
    // What was told before the end belongs into the last picture.
    while let Ok(Ok(event)) = tokio::time::timeout(Duration::from_millis(20), live.next()).await {
        view.apply(&event);
        if live.is_caught_up() {
            break;
        }
    }
    view.draw(engine.now());
    view.finish(&task);
    Ok(Ended::Task(Box::new(task)))
}

/// Says how to answer a question that has just been asked.
fn explain_checkpoint(view: &mut View, event: &Event) {
    if let (EventType::CheckpointOpened, Some(id)) = (event.kind, event.task_id) {
        let question = event
            .body
            .data
            .as_ref()
            .and_then(|d| d.get("question")?.as_str())
            .unwrap_or("a decision");
        view.remark(&format!(
            "asks: {question}\n  answer with: orchestrator decide {id} accept|correct|reject"
        ));
    }
}
