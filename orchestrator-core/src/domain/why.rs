//! Why a task is where it is, in words.

use std::time::Duration;

use orchestrator_protocol::{Reason, TaskState, Timestamp, Why};

use super::placement;
use crate::store::{
    Facts,
    row::{Hold, Lane},
};

/// The reasons for a task's state, the most telling first.
pub fn explain(facts: &Facts, now: Timestamp) -> Why {
    let task = &facts.task;
    let mut reasons = Vec::new();
    match task.state {
        TaskState::Blocked => blocked(facts, &mut reasons),
        TaskState::Scheduled => reasons.push(scheduled(facts, now)),
        TaskState::Ready => ready(facts, &mut reasons),
        TaskState::Running => {
            let worker = task
                .worker_id
                .map_or_else(|| "a worker".to_owned(), |w| worker_name(facts, &w.to_string()));
            reasons.push(Reason::new(
                "running",
                format!("it runs on {worker}, attempt {}", task.attempt),
            ));
        }
        TaskState::Waiting => waiting(facts, now, &mut reasons),
        TaskState::Paused => reasons.push(paused(facts)),
        TaskState::NeedsAttention => {
            let error = task
                .error
                .as_ref()
                .map_or("no reason was recorded", |e| e.message.as_str());
            reasons.push(Reason::new(
                "needs_attention",
                format!("a person must decide (retry or cancel): {error}"),
            ));
        }
        TaskState::Succeeded => reasons.push(Reason::new("succeeded", "it has succeeded")),
        TaskState::Failed => {
            let error = task
                .error
                .as_ref()
                .map_or("no reason was recorded", |e| e.message.as_str());
            reasons.push(Reason::new(
                "failed",
                format!("it has failed after {} attempt(s): {error}", task.attempt),
            ));
        }
        TaskState::Cancelled => reasons.push(Reason::new("cancelled", "it was cancelled")),
    }
    Why {
        state: task.state,
        reasons,
    }
}

fn worker_name(facts: &Facts, id: &str) -> String {
    let found = facts.sessions.iter().find(|s| s.worker.to_string() == id);
    found.map_or_else(|| format!("worker {id}"), |s| format!("worker `{}`", s.name))
}

fn dependencies(facts: &Facts, code: &str) -> Option<Reason> {
    if facts.waits_for_count == 0 {
        return None;
    }
    let shown: Vec<String> = facts
        .waits_for
        .iter()
        .take(5)
        .map(|(_, name, state)| format!("`{name}` ({state})"))
        .collect();
    let more = facts.waits_for_count.saturating_sub(shown.len());
    let mut message = format!("it waits for {} task(s): {}", facts.waits_for_count, shown.join(", "));
    if more > 0 {
        message = format!("{message} and {more} more");
    }
    let tasks = facts.waits_for.iter().map(|(id, ..)| *id).collect();
    Some(Reason {
        tasks,
        ..Reason::new(code, message)
    })
}

fn blocked(facts: &Facts, reasons: &mut Vec<Reason>) {
    reasons.extend(dependencies(facts, "dependency"));
    if let Some(size) = facts.group_size {
        let message = format!("all {size} places of its parallel siblings are taken; it starts when one ends");
        reasons.push(Reason::new("group", message));
    }
    if reasons.is_empty() {
        reasons.push(Reason::new("dependency", "it waits for the tasks that it depends on"));
    }
}

fn scheduled(facts: &Facts, now: Timestamp) -> Reason {
    let Some(at) = facts.wake_at else {
        return Reason::new("not_yet", "it starts later");
    };
    let left = in_words(at.since(now));
    match &facts.task.error {
        Some(error) => {
            let message = format!(
                "its last attempt failed ({}); the next one starts in {left}, at {at}",
                error.message
            );
            Reason::new("backoff", message)
        }
        None => Reason::new("not_yet", format!("it starts in {left}, at {at}")),
    }
}

fn waiting(facts: &Facts, now: Timestamp, reasons: &mut Vec<Reason>) {
    match facts.task.task_type.as_str() {
        "checkpoint" => reasons.push(Reason::new(
            "checkpoint",
            "it waits for a person to accept, correct or reject",
        )),
        "external" => reasons.push(Reason::new("external", "it waits for an outside system to complete it")),
        _ => {
            reasons.extend(dependencies(facts, "children"));
            if let Some(at) = facts.wake_at {
                reasons.push(Reason::new(
                    "timer",
                    format!("it goes on in {}, at {at}", in_words(at.since(now))),
                ));
            }
        }
    }
}

fn paused(facts: &Facts) -> Reason {
    match facts.held {
        Some(Hold::Budget) => {
            let whose = match facts.spent_by {
                Some(id) if id == facts.task.id => "its budget".to_owned(),
                Some(id) => format!("the budget of task {id} above it"),
                None => "the budget".to_owned(),
            };
            let message = format!("{whose} is spent; resume it to go on regardless");
            Reason {
                tasks: facts.spent_by.into_iter().collect(),
                ..Reason::new("budget", message)
            }
        }
        _ => Reason::new("paused", "an operator has paused it; resume it to go on"),
    }
}

fn ready(facts: &Facts, reasons: &mut Vec<Reason>) {
    let task = &facts.task;
    if facts.queue_paused {
        reasons.push(Reason::new(
            "queue_paused",
            format!("the queue `{}` is paused", task.queue),
        ));
    }
    for (key, rule, running) in &facts.limits {
        if rule.max_running.is_some_and(|max| *running >= max) {
            let message = format!(
                "the limit `{key}` allows {} at once, and {running} run",
                rule.max_running.unwrap_or(0)
            );
            reasons.push(Reason::new("limit", message));
        } else if let Some(starts) = rule.starts_per_minute {
            let message = format!("the limit `{key}` allows {starts} starts a minute");
            reasons.push(Reason::new("rate_limit", message));
        }
    }
    match workers(facts) {
        Workers::None(reason) => reasons.push(reason),
        Workers::Full(count) => {
            let message = format!("all slots of the {count} worker(s) that may run it are taken");
            reasons.push(Reason::new("no_slot", message));
        }
        Workers::Free if reasons.is_empty() => reasons.push(Reason::new("next", "a worker is about to take it")),
        Workers::Free => {}
    }
    if facts.ahead > 0 {
        let count = if facts.ahead >= 1000 {
            "1,000 or more".to_owned()
        } else {
            facts.ahead.to_string()
        };
        reasons.push(Reason::new(
            "queue",
            format!("{count} task(s) of its kind are before it"),
        ));
    }
}

enum Workers {
    None(Reason),
    Full(usize),
    Free,
}

/// Whether a worker could run the task; where none can, what the nearest one lacks.
fn workers(facts: &Facts) -> Workers {
    let task = &facts.task;
    let lane = Lane {
        queue: task.queue.clone(),
        task_type: task.task_type.clone(),
        requires: task.requires.clone(),
        prefers: task.prefers.clone(),
        limits: task.limits.clone(),
        privacy: task.privacy,
    };
    if facts.sessions.is_empty() {
        return Workers::None(Reason::new("no_worker", "no worker is connected"));
    }
    let able: Vec<_> = facts
        .sessions
        .iter()
        .filter(|s| placement::may_run(&lane, &s.labels, &s.task_types))
        .collect();
    if able.is_empty() {
        let misses = facts
            .sessions
            .iter()
            .map(|s| (placement::obstacles(&lane, &s.labels, &s.task_types), &s.name));
        let nearest = misses.min_by_key(|(lacking, name)| (lacking.len(), (*name).clone()));
        let message = nearest.map_or_else(String::new, |(lacking, name)| {
            format!(
                "none of the {} connected worker(s) may run it; the nearest, `{name}`, {}",
                facts.sessions.len(),
                lacking.join(" and ")
            )
        });
        return Workers::None(Reason::new("no_worker", message));
    }
    if able.iter().all(|s| s.running >= s.slots) {
        Workers::Full(able.len())
    } else {
        Workers::Free
    }
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
