//! Following a task to its end, with a view, and what an interrupt does meanwhile.

use std::time::Duration;

use orchestrator_core::{
    Orchestrator,
    protocol::{Event, TaskId, TaskResult},
    service::{Engine, Live, Trouble},
    store::{EventQuery, EventScope, StoreError},
};
use orchestrator_signals::Signals;

use super::peek::Peek;
use crate::{
    exit::Failure,
    output::Output,
    place,
    view::{Audience, View},
};

/// Who runs the task that is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// This process: an interrupt cancels it.
    Here,
    /// Another one: an interrupt only ends the following.
    Elsewhere,
}

/// How the following ended.
pub enum Ended {
    /// The task has ended, needs a person or has stopped over a spent budget.
    Task(Box<TaskResult>),
    /// It was interrupted: for good, by who runs the task, or once, by who only looks.
    Interrupted,
    /// Nobody runs the task any more.
    Deserted,
}

/// How often a live view is drawn at most, and how long the last events are waited for.
pub const FRAME: Duration = Duration::from_millis(100);

/// How often another process's tasks are looked at for what is not among the events.
pub const LOOK: Duration = Duration::from_secs(1);

/// Follows a task until it has ended.
pub async fn follow(
    orchestrator: &Orchestrator,
    id: TaskId,
    runner: Runner,
    signals: &mut Signals,
    view: &mut View,
) -> Result<Ended, Failure> {
    let engine = orchestrator.engine();
    let mut live = engine.live(of_tree(id)).await?;
    let mut frames = tokio::time::interval(FRAME);
    frames.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut peek = Peek::default();
    let settled = engine.settled(id);
    tokio::pin!(settled);
    // Beside everything else: a large tree takes a while to cancel and a locked store for ever, and neither may keep a
    // second interrupt from being heard.
    let cancel = engine.cancel(id, "interrupted");
    tokio::pin!(cancel);
    let (mut interrupted, mut cancelled) = (false, false);
    let mut drawn = engine.now();
    let ended = loop {
        tokio::select! {
            biased;
            () = signals.next() => {
                if interrupted || runner == Runner::Elsewhere {
                    view.end();
                    return Ok(Ended::Interrupted);
                }
                interrupted = true;
                view.remark("cancelling; interrupt once more to stop at once");
            }
            done = &mut cancel, if interrupted && !cancelled => {
                done?;
                cancelled = true;
            }
            ended = &mut settled => break ended?,
            event = live.next() => view.apply(&event?, live.is_caught_up()),
            _ = looks.tick(), if runner == Runner::Elsewhere => {
                peek.look(engine, view).await?;
                let task = engine.get(id).await?;
                if place::is_deserted(engine, &task).await? {
                    view.end();
                    return Ok(Ended::Deserted);
                }
            }
            _ = frames.tick() => {}
        }
        // Here and not in a branch: neither may a flood of events keep the picture from being drawn, nor a slow terminal
        // the events from being heard.
        let now = engine.now();
        if now.since(drawn) >= FRAME {
            if runner == Runner::Here {
                give_up_on_trouble(engine, id)?;
            }
            view.draw(now);
            drawn = engine.now();
        }
    };
    see_it_out(&mut live, view).await;
    view.draw(engine.now());
    view.finish(&ended.task);
    Ok(Ended::Task(Box::new(ended)))
}

/// How long a full disk may stay full, and a store locked or out of reach, before the run is broken off. What could not be
/// recorded until then is done again by a retry.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_mins(1));

/// Fails when nothing that is done here has been recorded for too long.
fn give_up_on_trouble(engine: &Engine, id: TaskId) -> Result<(), Failure> {
    let Some(Trouble { since, error }) = engine.trouble() else {
        return Ok(());
    };
    let (patience, remedy) = match error {
        StoreError::Full(_) => (PATIENCE.0, "make room, then"),
        _ => (PATIENCE.1, "when it can be written again,"),
    };
    if engine.now().since(since) < patience {
        return Ok(());
    }
    let mut failure = Failure::from(error);
    failure.message = format!(
        "{}; broken off: {remedy} `orchestrator retry {id}` goes on with what was finished",
        failure.message
    );
    Err(failure)
}

/// Every event of a tree, from its beginning.
pub fn of_tree(id: TaskId) -> EventQuery {
    EventQuery {
        scope: EventScope::Tree(id),
        ..EventQuery::default()
    }
}

/// Takes in what was told before the end: it belongs into the last picture.
async fn see_it_out(live: &mut Live, view: &mut View) {
    while let Ok(Ok(event)) = tokio::time::timeout(FRAME, live.next()).await {
        let is_end = is_end_of(&event, view.root());
        view.apply(&event, live.is_caught_up());
        if is_end && live.is_caught_up() {
            break;
        }
    }
}

fn is_end_of(event: &Event, root: TaskId) -> bool {
    event.task_id == Some(root)
        && event
            .body
            .state
            .is_some_and(orchestrator_core::protocol::TaskState::is_terminal)
}

/// A view for whoever follows a task.
pub fn view(orchestrator: &Orchestrator, id: TaskId, audience: Audience, output: Output) -> View {
    View::new(id, audience, orchestrator.engine().now(), output)
}
