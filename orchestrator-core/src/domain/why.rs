//! Why a task is where it is, in words.

mod ready;

use std::time::Duration;

use orchestrator_protocol::{Placement, Reason, Task, TaskId, TaskState, Timestamp, Why};

use super::{
    budget,
    placement::{self, Policy},
};
use crate::store::{Facts, row::Hold};

/// How many tasks or workers a sentence names; the others are counted.
const NAMED: usize = 5;

/// What else is known where the facts alone do not tell.
#[derive(Debug, Clone, Default)]
pub struct Background {
    /// Running tasks that count against the task's full limits.
    pub holders: Vec<Task>,
    /// The task whose budget is spent, which is this one or one above it.
    pub spender: Option<Task>,
    /// What was said when the task came into its state.
    pub last_words: Option<String>,
    /// Why the worker that runs it was chosen.
    pub placement: Option<Placement>,
    /// How workers are compared.
    pub policy: Policy,
}

/// The reasons for a task's state, the most telling first. There is at least one.
pub fn explain(facts: &Facts, now: Timestamp) -> Why {
    explain_with(facts, &Background::default(), now)
}

/// As [`explain`], with what else is known.
pub fn explain_with(facts: &Facts, background: &Background, now: Timestamp) -> Why {
    let task = &facts.task;
    let reasons = match task.state {
        TaskState::Blocked => blocked(facts),
        TaskState::Scheduled => vec![scheduled(facts, now)],
        TaskState::Ready => ready::reasons(facts, background, now),
        TaskState::Running => running(facts, background, now),
        TaskState::Waiting => waiting(facts, now),
        TaskState::Paused => vec![paused(facts, background)],
        TaskState::NeedsAttention => vec![Reason::new(
            "needs_attention",
            format!("a person must decide (retry or cancel): {}", last_error(task)),
        )],
        TaskState::Succeeded => vec![Reason::new("succeeded", "it has succeeded")],
        TaskState::Failed => {
            let message = match task.attempt {
                0 => format!("it has failed before it was started: {}", last_error(task)),
                attempts => format!(
                    "it has failed after {}: {}",
                    count(attempts, "attempt"),
                    last_error(task)
                ),
            };
            vec![Reason::new("failed", message)]
        }
        TaskState::Cancelled => {
            let why = background.last_words.iter().map(|why| format!(": {why}"));
            vec![Reason::new(
                "cancelled",
                format!("it was cancelled{}", why.collect::<String>()),
            )]
        }
    };
    Why {
        state: task.state,
        reasons,
    }
}

fn last_error(task: &Task) -> &str {
    let error = task.error.as_ref();
    error.map_or("no reason was recorded", |error| error.message.as_str())
}

fn running(facts: &Facts, background: &Background, now: Timestamp) -> Vec<Reason> {
    let task = &facts.task;
    let session = facts.sessions.iter().find(|s| Some(s.worker) == task.worker_id);
    let worker = match (session, task.worker_id) {
        (Some(session), _) => format!("worker `{}`", session.name),
        (None, Some(id)) => format!("worker {id}, which is not connected any more"),
        (None, None) => "a worker".to_owned(),
    };
    // When its first attempt began is all that is kept.
    let first = if task.attempt > 1 { "first " } else { "" };
    let since = task
        .started_at
        .map(|at| format!(", {first}started {} ago", in_words(now.since(at))));
    let message = format!(
        "it runs on {worker}, attempt {}{}",
        task.attempt,
        since.unwrap_or_default()
    );
    let mut reasons = vec![Reason::new("running", message)];
    if let Some(placement) = &background.placement {
        let name = |id| facts.sessions.iter().find(|s| s.worker == id).map(|s| s.name.clone());
        let message = format!("why there: {}", placement::words(placement, name));
        reasons.push(Reason::new("placement", message));
    }
    reasons
}

fn blocked(facts: &Facts) -> Vec<Reason> {
    let mut reasons = Vec::from_iter(waits_for(facts, "dependency"));
    if let Some(size) = facts.group_size {
        let message = format!("all {size} places of its parallel siblings are taken; it starts when one of them ends");
        reasons.push(Reason::new("group", message));
    }
    if reasons.is_empty() {
        reasons.push(Reason::new("dependency", "it waits for the tasks that it depends on"));
    }
    reasons
}

fn scheduled(facts: &Facts, now: Timestamp) -> Reason {
    let when = facts.wake_at.map_or_else(|| "later".to_owned(), |at| at_time(at, now));
    match &facts.task.error {
        Some(error) => {
            let message = format!(
                "its attempt {} failed ({}); the next one starts {when}",
                facts.task.attempt, error.message
            );
            Reason::new("backoff", message)
        }
        None => Reason::new("not_yet", format!("it starts {when}")),
    }
}

fn waiting(facts: &Facts, now: Timestamp) -> Vec<Reason> {
    let task = &facts.task;
    let until = task.deadline.map(|at| format!(", until {at}")).unwrap_or_default();
    match task.task_type.as_str() {
        "checkpoint" => {
            let asked = Some(task.description.as_str()).filter(|d| !d.is_empty());
            let asked = asked.map(|question| format!(": {question}")).unwrap_or_default();
            let message = format!("it waits for a person to accept, correct or reject{until}{asked}");
            vec![Reason::new("checkpoint", message)]
        }
        "external" => {
            let message = format!("it waits for an outside system to complete it{until}");
            vec![Reason::new("external", message)]
        }
        _ => {
            let mut reasons = Vec::from_iter(waits_for(facts, "children"));
            if let Some(at) = facts.wake_at {
                let or = if reasons.is_empty() { "" } else { "in any case " };
                reasons.push(Reason::new("timer", format!("it goes on {or}{}", at_time(at, now))));
            }
            if reasons.is_empty() {
                reasons.push(Reason::new("children", "it waits for what it has asked for"));
            }
            reasons
        }
    }
}

/// The tasks that it waits for, by name and state.
fn waits_for(facts: &Facts, code: &str) -> Option<Reason> {
    let total = facts.waits_for_count;
    if total == 0 {
        return None;
    }
    let shown = facts.waits_for.iter().take(NAMED);
    let names = shown.map(|(_, name, state)| format!("`{name}` ({state})"));
    let names = listed(&names.collect::<Vec<_>>(), total);
    Some(Reason {
        tasks: facts.waits_for.iter().map(|(id, ..)| *id).collect(),
        ..Reason::new(code, format!("it waits for {}: {names}", count(total, "task")))
    })
}

fn paused(facts: &Facts, background: &Background) -> Reason {
    if facts.held != Some(Hold::Budget) {
        return Reason::new(
            "paused",
            "an operator has paused it, or what is above it; resume it to go on",
        );
    }
    let whose = match facts.spent_by {
        Some(id) if id == facts.task.id => "its budget".to_owned(),
        Some(id) => format!("the budget of task {id} above it"),
        None => "the budget".to_owned(),
    };
    let numbers = background.spender.as_ref().and_then(|spender| {
        let budget = spender.budget.as_ref()?;
        Some(format!(" ({})", budget::in_words(budget, &spender.tree_usage)))
    });
    let message = format!(
        "{whose} is spent{}; resume it to go on regardless",
        numbers.unwrap_or_default()
    );
    Reason {
        tasks: facts.spent_by.into_iter().collect(),
        ..Reason::new("budget", message)
    }
}

/// A moment to come, as people say it.
fn at_time(at: Timestamp, now: Timestamp) -> String {
    format!("in {}, at {at}", in_words(at.since(now)))
}

/// A duration as people say it.
fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => "less than a second".to_owned(),
        1..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// So many of something.
fn count(number: impl TryInto<u64>, what: &str) -> String {
    match number.try_into() {
        Ok(1) => format!("1 {what}"),
        Ok(number) => format!("{number} {what}s"),
        Err(_) => format!("many {what}s"),
    }
}

/// Names in a row, and how many there are beyond them.
fn listed(names: &[String], total: usize) -> String {
    let more = total.saturating_sub(names.len());
    let names = names.join(", ");
    if more > 0 {
        format!("{names} and {more} more")
    } else {
        names
    }
}

/// Tasks as a sentence names them.
fn named(tasks: &[&Task]) -> (String, Vec<TaskId>) {
    let names = tasks.iter().take(NAMED).map(|task| {
        let name = task.step.as_ref().unwrap_or(&task.task_type);
        format!("`{name}` ({})", task.id)
    });
    (
        listed(&names.collect::<Vec<_>>(), tasks.len()),
        tasks.iter().map(|task| task.id).collect(),
    )
}

#[cfg(test)]
mod tests;
