//! Following a task on a server.

use std::{collections::BTreeSet, path::Path, time::Duration};

use orchestrator_client::{Client, Events, EventsQuery, transport};
use orchestrator_core::{
    clock::{Clock, SystemClock},
    protocol::{Attention, Event, Need, Seq, TaskId, TaskResult, TaskState},
};
use orchestrator_signals::Signals;

use crate::{
    exit::{Exit, Failure},
    jobs,
    output::Output,
    view::{Audience, View},
};

/// How often a live view is drawn at most.
const FRAME: Duration = Duration::from_millis(100);

/// How long events may be behind the answer that the task has ended.
const LATE: Duration = Duration::from_secs(3);

/// How long the server is asked at a time whether the task has ended.
const ASKED: Duration = Duration::from_mins(1);

/// How the following ended.
enum Ended {
    Task(Box<TaskResult>),
    Interrupted,
}

/// Follows a task and says how it ended. For programs: every event, a line each.
pub(super) async fn watch(client: &Client, id: TaskId, output: Output) -> Result<Exit, Failure> {
    let after = output.is_json().then_some(Seq(0));
    match follow(client, id, after, output).await? {
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
    }
}

/// Follows a task and hands over what it gave.
pub(super) async fn to_the_end(
    client: &Client,
    id: TaskId,
    out: Option<&Path>,
    output: Output,
) -> Result<Exit, Failure> {
    let quiet = output.is_json();
    let ended = if quiet {
        Ended::Task(Box::new(settled(client, id, output).await?))
    } else {
        follow(client, id, Some(Seq(0)), output).await?
    };
    let Ended::Task(ended) = ended else {
        output.remark(&format!(
            "it goes on without us; `orchestrator watch {id}` follows it again"
        ));
        return Ok(Exit::Cancelled);
    };
    jobs::hand_over(&ended, out, output)
}

/// Waits until a task has ended, needs a person or has stopped over a spent budget. What needs somebody below it is told
/// once; the rest of it goes on.
async fn settled(client: &Client, id: TaskId, output: Output) -> Result<TaskResult, Failure> {
    // Whoever waits knows that it is there: a restart of the server is felt as a pause.
    let mut waiting = client.enduring().wait_for(id);
    let mut told = BTreeSet::new();
    loop {
        let found = waiting.next(ASKED).await?;
        if found.has_stopped() {
            return Ok(found);
        }
        for attention in found.attention {
            if told.insert(attention.task_id) {
                output.remark(&needed(&attention));
            }
        }
    }
}

fn needed(attention: &Attention) -> String {
    let Attention {
        need,
        task_id,
        task_type,
        message,
    } = attention;
    match need {
        Need::NeedsAttention => format!(
            "{task_type} {task_id} needs a person: {message}\n\
             `orchestrator retry {task_id}` runs it again, `orchestrator cancel {task_id}` ends it; until then this waits"
        ),
        Need::BudgetExhausted => format!(
            "{task_type} {task_id} has stopped: {message}\n\
             `orchestrator retry {task_id}` lets it go on regardless, `orchestrator cancel {task_id}` ends it; until then this waits"
        ),
    }
}

async fn follow(client: &Client, id: TaskId, after: Option<Seq>, output: Output) -> Result<Ended, Failure> {
    // That there is such a task is said at once.
    client.task(id).await?;
    let query = EventsQuery {
        task_id: Some(id),
        tree: true,
        after: after.or(Some(Seq(0))),
        ..EventsQuery::default()
    };
    let mut events = Events::new(transport::native(), client.address().clone(), query);
    let audience = if after.is_some() {
        Audience::Early
    } else {
        Audience::Late
    };
    let mut view = View::new(id, audience, SystemClock.now(), output);
    let mut signals = Signals::listen().map_err(|error| Failure::deaf(&error))?;
    let settled = settled(client, id, output);
    tokio::pin!(settled);
    // The state that events have told of so far.
    let mut state = None;
    let take = |event: &Event, view: &mut View, state: &mut Option<TaskState>| {
        if event.task_id == Some(id) {
            *state = event.body.state.or(*state);
        }
        if output.is_json() {
            output.json(event);
        } else {
            view.apply(event, true);
        }
    };
    let mut frames = tokio::time::interval(FRAME);
    frames.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let ended = loop {
        tokio::select! {
            biased;
            () = signals.next() => {
                view.end();
                return Ok(Ended::Interrupted);
            }
            event = events.next() => take(&event.map_err(|error| refused(&error))?, &mut view, &mut state),
            ended = &mut settled => break ended?,
            _ = frames.tick() => {}
        }
        view.draw(SystemClock.now());
    };
    // What was told before the end belongs into the last picture; the end itself may still be on its way.
    let patience = |state| if state == Some(ended.task.state) { FRAME } else { LATE };
    while let Ok(Ok(event)) = tokio::time::timeout(patience(state), events.next()).await {
        take(&event, &mut view, &mut state);
    }
    view.draw(SystemClock.now());
    view.finish(&ended.task);
    Ok(Ended::Task(Box::new(ended)))
}

fn refused(error: &orchestrator_client::events::EventsError) -> Failure {
    Failure::usage(error.to_string())
}
