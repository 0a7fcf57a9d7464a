//! Why a ready task is not started.

use orchestrator_protocol::{Reason, Timestamp};

use super::{Background, NAMED, count, listed, named};
use crate::{
    domain::placement,
    store::{Facts, SessionView, row::Lane},
};

/// What keeps a ready task from being started, the most telling first.
pub(super) fn reasons(facts: &Facts, background: &Background, now: Timestamp) -> Vec<Reason> {
    let task = &facts.task;
    let mut reasons = Vec::new();
    if facts.queue_paused {
        let message = format!("the queue `{}` is paused; resume it", task.queue);
        reasons.push(Reason::new("queue_paused", message));
    }
    let live: Vec<&SessionView> = facts.sessions.iter().filter(|s| s.expires_at > now).collect();
    let lane = lane(facts);
    let able: Vec<&&SessionView> = live
        .iter()
        .filter(|s| !s.draining && placement::may_run(&lane, &s.labels, &s.task_types))
        .collect();
    if able.is_empty() {
        reasons.push(nobody(&lane, &live));
    }
    reasons.extend(full_limits(facts, background));
    if !able.is_empty() && able.iter().all(|s| s.running >= s.slots) {
        let slots: u64 = able.iter().map(|s| u64::from(s.slots)).sum();
        let message = format!(
            "all {} of the {} that may run it are taken",
            count(slots, "slot"),
            count(able.len(), "worker")
        );
        reasons.push(Reason::new("no_slot", message));
    }
    if facts.ahead > 0 {
        reasons.push(behind(facts.ahead));
    }
    let blocked = reasons.iter().any(|reason| reason.code != "queue");
    if !blocked {
        reasons.splice(0..0, rate_limits(facts));
    }
    if reasons.is_empty() {
        reasons.push(Reason::new("next", "a worker is about to take it"));
    }
    reasons
}

fn lane(facts: &Facts) -> Lane {
    let task = &facts.task;
    Lane {
        queue: task.queue.clone(),
        task_type: task.task_type.clone(),
        requires: task.requires.clone(),
        prefers: task.prefers.clone(),
        limits: task.limits.clone(),
        privacy: task.privacy,
    }
}

/// No worker may run it: what the nearest ones lack.
fn nobody(lane: &Lane, live: &[&SessionView]) -> Reason {
    if live.is_empty() {
        return Reason::new("no_worker", "no worker is connected");
    }
    let mut misses: Vec<(usize, String)> = live
        .iter()
        .map(|s| {
            let mut lacking = placement::obstacles(lane, &s.labels, &s.task_types);
            if s.draining {
                lacking.push("is draining".to_owned());
            }
            (lacking.len(), format!("`{}` {}", s.name, lacking.join(" and ")))
        })
        .collect();
    misses.sort();
    let shown: Vec<String> = misses.into_iter().take(NAMED).map(|(_, miss)| miss).collect();
    let message = format!("no connected worker may run it: {}", listed(&shown, live.len()));
    Reason::new("no_worker", message)
}

/// The limits that are full, and who fills them.
fn full_limits<'f>(facts: &'f Facts, background: &'f Background) -> impl Iterator<Item = Reason> + 'f {
    facts.limits.iter().filter_map(|(key, rule, running)| {
        let max = rule.max_running.filter(|max| running >= max)?;
        if max == 0 {
            return Some(Reason::new("limit", format!("the limit `{key}` lets nothing run")));
        }
        let holders = background.holders.iter().filter(|task| task.limits.contains(key));
        let (names, tasks) = named(&holders.collect::<Vec<_>>());
        let names = Some(names)
            .filter(|names| !names.is_empty())
            .map(|names| format!(": {names}"));
        let message = format!(
            "the limit `{key}` allows {max} at once, and {running} run{}",
            names.unwrap_or_default()
        );
        Some(Reason {
            tasks,
            ..Reason::new("limit", message)
        })
    })
}

/// Limits of a pace: whether they are reached is not among the facts, but nothing else explains the wait.
fn rate_limits(facts: &Facts) -> impl Iterator<Item = Reason> {
    facts.limits.iter().filter_map(|(key, rule, _)| {
        let starts = rule.starts_per_minute?;
        let message = format!(
            "the limit `{key}` allows {} a minute, which may be used up",
            count(starts, "start")
        );
        Some(Reason::new("rate_limit", message))
    })
}

fn behind(ahead: usize) -> Reason {
    let ahead = match ahead {
        1 => "1 task of its kind is".to_owned(),
        1000.. => "1000 or more tasks of its kind are".to_owned(),
        n => format!("{n} tasks of its kind are"),
    };
    Reason::new("queue", format!("{ahead} before it in the queue"))
}
