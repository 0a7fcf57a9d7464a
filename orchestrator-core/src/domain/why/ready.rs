//! Why a ready task is not started.

use orchestrator_protocol::{Reason, Timestamp};

use super::{Background, NAMED, count, listed, named};
use crate::{
    domain::placement::{
        self, Policy,
        decision::{self, Candidate},
        record::WORKSPACE,
    },
    store::{Facts, LimitUse, SessionView, row::Lane},
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
    if reasons.is_empty() {
        reasons.extend(left_for(facts, &lane, &able, &background.policy, now));
    }
    if facts.ahead > 0 {
        reasons.push(behind(facts.ahead));
    }
    if reasons.is_empty() {
        reasons.push(Reason::new("next", "a worker is about to take it"));
    }
    reasons
}

/// The worker that a task which has just become ready is left for, if there is one that suits it clearly best.
fn left_for(facts: &Facts, lane: &Lane, able: &[&&SessionView], policy: &Policy, now: Timestamp) -> Option<Reason> {
    let until = decision::head_start_ends(facts.ready_at?, now, policy)?;
    let workspace = facts.task.labels.get(WORKSPACE);
    let candidate = |session: &&&SessionView| {
        let standing = session.standing();
        let tools = placement::score(lane, &session.labels);
        let keeps = workspace.is_some_and(|workspace| standing.record.keeps(workspace));
        Candidate {
            home: facts.kept_by == Some(standing.worker) || keeps,
            ..Candidate::of(&standing, tools, &lane.task_type)
        }
    };
    let candidates: Vec<Candidate> = able.iter().map(candidate).collect();
    let (place, placement) = decision::favourite(&candidates, now, policy)?;
    let name = |id| able.iter().find(|s| s.worker == id).map(|s| s.name.clone());
    let message = format!(
        "it is left for worker `{}` until {until}, after which whoever has room takes it: {}",
        able[place].name,
        placement::words(&placement, name)
    );
    Some(Reason::new("placement", message))
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
    facts.limits.iter().flat_map(|limit| {
        let paces = [starts(limit), tokens(limit, background)];
        at_once(limit, background)
            .into_iter()
            .chain(paces.into_iter().flatten())
    })
}

/// More than so many must not run at once.
fn at_once(limit: &LimitUse, background: &Background) -> Option<Reason> {
    let LimitUse { key, rule, running, .. } = limit;
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
}

/// So many may be started in a minute.
fn starts(limit: &LimitUse) -> Option<Reason> {
    let LimitUse { key, rule, started, .. } = limit;
    let max = rule.starts_per_minute.filter(|max| started >= max)?;
    let message = format!(
        "the limit `{key}` allows {} a minute, and {started} were made within the last one",
        count(max, "start")
    );
    Some(Reason::new("rate_limit", message))
}

/// So many tokens may be spent in a minute.
fn tokens(limit: &LimitUse, background: &Background) -> Option<Reason> {
    let LimitUse { key, rule, tokens, .. } = limit;
    let max = rule.tokens_per_minute.filter(|max| tokens >= max)?;
    let holders = background.holders.iter().filter(|task| task.limits.contains(key));
    let (names, tasks) = named(&holders.collect::<Vec<_>>());
    let runs = Some(names).filter(|names| !names.is_empty());
    let runs = runs.map(|names| format!("; under it run {names}")).unwrap_or_default();
    let message = format!(
        "the limit `{key}` allows {} a minute, and {tokens} were spent within the last one{runs}",
        count(max, "token")
    );
    Some(Reason {
        tasks,
        ..Reason::new("token_limit", message)
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
