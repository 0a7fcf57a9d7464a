use std::collections::BTreeSet;

use orchestrator_protocol::{
    Budget, Json, LimitRule, NewTask, Privacy, SessionId, TaskError, TaskId, TaskState, Timestamp, Usage, WorkerId,
};
use uuid::Uuid;

use super::*;
use crate::store::{LimitUse, SessionView};

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn id(number: u128) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(number))
}

/// A task of the type `digest` in a state.
fn task(number: u128, state: TaskState) -> Task {
    let new = NewTask::new("digest", Json::NULL);
    let id = id(number);
    Task {
        id,
        task_type: new.task_type,
        description: new.description,
        input: new.input,
        queue: new.queue,
        requires: vec![],
        prefers: vec![],
        depends_on: vec![],
        join: new.join,
        on_dependency_failure: new.on_dependency_failure,
        parent_id: None,
        root_id: id,
        step: None,
        priority: 5,
        run_at: None,
        deadline: None,
        timeout_s: None,
        silence_timeout_s: None,
        retry: new.retry,
        side_effects: new.side_effects,
        idempotency_key: None,
        limits: vec![],
        budget: None,
        privacy: Privacy::Normal,
        checkpoint_frequency: new.checkpoint_frequency,
        labels: new.labels,
        state,
        attempt: 0,
        worker_id: None,
        progress: None,
        output: None,
        error: None,
        usage: Usage::default(),
        tree_usage: Usage::default(),
        created_at: NOW,
        started_at: None,
        finished_at: None,
    }
}

fn facts(state: TaskState) -> Facts {
    Facts {
        task: task(1, state),
        held: None,
        wake_at: None,
        waits_for: vec![],
        waits_for_count: 0,
        group_size: None,
        queue_paused: false,
        ready_at: None,
        kept_by: None,
        limits: vec![],
        sessions: vec![],
        ahead: 0,
        spent_by: None,
    }
}

fn session(name: &str, labels: &[&str], task_types: &[&str], running: u32) -> SessionView {
    let set = |items: &[&str]| -> BTreeSet<String> { items.iter().map(|item| (*item).to_owned()).collect() };
    SessionView {
        id: SessionId::from_uuid(Uuid::from_u128(9)),
        worker: WorkerId::from_uuid(Uuid::from_u128(9)),
        name: name.to_owned(),
        labels: set(labels),
        task_types: set(task_types),
        slots: 2,
        running,
        owner: None,
        seen_at: NOW,
        load: orchestrator_protocol::Load::default(),
        record: std::sync::Arc::default(),
        draining: false,
        expires_at: NOW.plus(Duration::from_secs(15)),
    }
}

/// The codes and sentences of facts that were changed.
fn why(state: TaskState, change: impl FnOnce(&mut Facts, &mut Background)) -> Vec<(String, String)> {
    let (mut facts, mut background) = (facts(state), Background::default());
    change(&mut facts, &mut background);
    let why = explain_with(&facts, &background, NOW);
    assert_eq!(why.state, state);
    why.reasons.into_iter().map(|r| (r.code, r.message)).collect()
}

#[track_caller]
fn says(reasons: &[(String, String)], expected: &[(&str, &str)]) {
    let reasons: Vec<(&str, &str)> = reasons.iter().map(|(c, m)| (c.as_str(), m.as_str())).collect();
    assert_eq!(reasons, expected);
}

#[test]
fn every_state_has_a_reason() {
    for state in TaskState::ALL {
        assert!(!why(state, |_, _| {}).is_empty(), "{state}");
    }
}

#[test]
fn blocked_names_what_it_waits_for() {
    let reasons = why(TaskState::Blocked, |f, _| {
        f.waits_for = (2..9)
            .map(|n| (id(n), format!("part[{n}]"), TaskState::Running))
            .collect();
        f.waits_for_count = 9;
    });
    says(
        &reasons,
        &[(
            "dependency",
            "it waits for 9 tasks: `part[2]` (running), `part[3]` (running), `part[4]` (running), `part[5]` (running), \
             `part[6]` (running) and 4 more",
        )],
    );
    let reasons = why(TaskState::Blocked, |f, _| f.group_size = Some(4));
    says(
        &reasons,
        &[(
            "group",
            "all 4 places of its parallel siblings are taken; it starts when one of them ends",
        )],
    );
}

#[test]
fn scheduled_says_when_and_whether_it_failed_before() {
    let at = Some(NOW.plus(Duration::from_secs(90)));
    says(
        &why(TaskState::Scheduled, |f, _| f.wake_at = at),
        &[("not_yet", "it starts in 90 s, at 2026-01-01T00:01:30Z")],
    );
    let reasons = why(TaskState::Scheduled, |f, _| {
        f.wake_at = at;
        f.task.attempt = 2;
        f.task.error = Some(TaskError::retryable("no route to host"));
    });
    says(
        &reasons,
        &[(
            "backoff",
            "its attempt 2 failed (no route to host); the next one starts in 90 s, at 2026-01-01T00:01:30Z",
        )],
    );
}

#[test]
fn a_draining_worker_takes_nothing() {
    let reasons = why(TaskState::Ready, |f, _| {
        let mut draining = session("old", &[], &["digest"], 0);
        draining.draining = true;
        f.sessions = vec![draining];
    });
    says(
        &reasons,
        &[("no_worker", "no connected worker may run it: `old` is draining")],
    );
}

#[test]
fn without_a_worker_it_says_what_the_nearest_lack() {
    says(
        &why(TaskState::Ready, |_, _| {}),
        &[("no_worker", "no worker is connected")],
    );
    let reasons = why(TaskState::Ready, |f, _| {
        f.task.requires = vec!["gpu".into(), "memory_gb>=16".into()];
        f.task.privacy = Privacy::Sensitive;
        f.sessions = vec![
            session("far", &[], &["other"], 0),
            session("near", &["memory_gb=32", "local"], &["digest"], 0),
        ];
    });
    says(
        &reasons,
        &[(
            "no_worker",
            "no connected worker may run it: `near` does not offer `gpu`, `far` does not have the agent `digest` and is \
             not marked `local`, which sensitive tasks need and does not offer `gpu` and does not offer `memory_gb>=16`",
        )],
    );
    let reasons = why(TaskState::Ready, |f, _| {
        let mut gone = session("gone", &[], &["digest"], 0);
        gone.expires_at = NOW;
        f.sessions = vec![gone];
    });
    says(&reasons, &[("no_worker", "no worker is connected")]);
}

#[test]
fn a_full_limit_says_who_fills_it() {
    let reasons = why(TaskState::Ready, |f, b| {
        f.sessions = vec![session("w", &[], &["digest"], 2)];
        let rule = LimitRule {
            max_running: Some(1),
            ..LimitRule::default()
        };
        f.limits = vec![LimitUse {
            key: "provider:x".into(),
            rule,
            running: 1,
            started: 1,
            tokens: 0,
        }];
        let mut holder = task(7, TaskState::Running);
        holder.limits = vec!["provider:x".into()];
        holder.step = Some("review".into());
        b.holders = vec![holder, task(8, TaskState::Running)];
        f.ahead = 3;
    });
    says(
        &reasons,
        &[
            (
                "limit",
                "the limit `provider:x` allows 1 at once, and 1 run: `review` (00000000-0000-0000-0000-000000000007)",
            ),
            ("no_slot", "all 2 slots of the 1 worker that may run it are taken"),
            ("queue", "3 tasks of its kind are before it in the queue"),
        ],
    );
}

#[test]
fn a_pace_is_named_when_it_is_used_up() {
    let rule = LimitRule {
        starts_per_minute: Some(50),
        tokens_per_minute: Some(1000),
        ..LimitRule::default()
    };
    let used = |started: u32, tokens: u64| LimitUse {
        key: "tenant:a".to_owned(),
        rule: rule.clone(),
        running: 0,
        started,
        tokens,
    };
    let said = |started, tokens| {
        why(TaskState::Ready, |f, b| {
            f.sessions = vec![session("w", &[], &["digest"], 0)];
            f.limits = vec![used(started, tokens)];
            f.ahead = 1;
            let mut holder = task(7, TaskState::Running);
            holder.limits = vec!["tenant:a".into()];
            b.holders = vec![holder];
        })
    };
    let queue = ("queue", "1 task of its kind is before it in the queue");
    let starts = (
        "rate_limit",
        "the limit `tenant:a` allows 50 starts a minute, and 50 were made within the last one",
    );
    let tokens = (
        "token_limit",
        "the limit `tenant:a` allows 1000 tokens a minute, and 1200 were spent within the last one; under it run \
         `digest` (00000000-0000-0000-0000-000000000007)",
    );
    says(&said(49, 999), &[queue]);
    says(&said(50, 0), &[starts, queue]);
    says(&said(0, 1200), &[tokens, queue]);
    let reasons = why(TaskState::Ready, |f, _| f.queue_paused = true);
    says(
        &reasons,
        &[
            ("queue_paused", "the queue `default` is paused; resume it"),
            ("no_worker", "no worker is connected"),
        ],
    );
    let reasons = why(TaskState::Ready, |f, _| {
        f.sessions = vec![session("w", &[], &["digest"], 0)];
    });
    says(&reasons, &[("next", "a worker is about to take it")]);
}

#[test]
fn running_says_where() {
    let reasons = why(TaskState::Running, |f, _| {
        f.sessions = vec![session("laptop", &[], &["digest"], 1)];
        f.task.worker_id = Some(f.sessions[0].worker);
        f.task.attempt = 2;
        f.task.started_at = Some(NOW.minus(Duration::from_mins(5)));
    });
    says(
        &reasons,
        &[(
            "running",
            "it runs on worker `laptop`, attempt 2, first started 5 min ago",
        )],
    );
}

#[test]
fn waiting_says_for_what() {
    let reasons = why(TaskState::Waiting, |f, _| {
        f.waits_for = vec![(id(2), "review".into(), TaskState::Ready)];
        f.waits_for_count = 1;
        f.wake_at = Some(NOW.plus(Duration::from_hours(3)));
    });
    says(
        &reasons,
        &[
            ("children", "it waits for 1 task: `review` (ready)"),
            ("timer", "it goes on in any case in 3 h, at 2026-01-01T03:00:00Z"),
        ],
    );
    let reasons = why(TaskState::Waiting, |f, _| {
        f.task.task_type = "checkpoint".into();
        f.task.description = "Publish?".into();
        f.task.deadline = Some(NOW);
    });
    says(
        &reasons,
        &[(
            "checkpoint",
            "it waits for a person to accept, correct or reject, until 2026-01-01T00:00:00Z: Publish?",
        )],
    );
    let reasons = why(TaskState::Waiting, |f, _| f.task.task_type = "external".into());
    says(
        &reasons,
        &[("external", "it waits for an outside system to complete it")],
    );
}

#[test]
fn a_pause_says_whose() {
    let reasons = why(TaskState::Paused, |f, _| f.held = Some(Hold::Operator));
    assert_eq!(reasons[0].0, "paused");
    let reasons = why(TaskState::Paused, |f, b| {
        f.held = Some(Hold::Budget);
        f.spent_by = Some(id(5));
        let mut spender = task(5, TaskState::Paused);
        spender.budget = Some(Budget {
            tokens: Some(100),
            ..Budget::default()
        });
        spender.tree_usage.input_tokens = 120;
        b.spender = Some(spender);
    });
    says(
        &reasons,
        &[(
            "budget",
            "the budget of task 00000000-0000-0000-0000-000000000005 above it is spent (120 of 100 tokens); resume it to go \
             on regardless",
        )],
    );
}

#[test]
fn ends_say_how() {
    let failed = |attempt| {
        why(TaskState::Failed, |f, _| {
            f.task.attempt = attempt;
            f.task.error = Some(TaskError::terminal("no such file"));
        })
    };
    says(&failed(1), &[("failed", "it has failed after 1 attempt: no such file")]);
    says(
        &failed(0),
        &[("failed", "it has failed before it was started: no such file")],
    );
    let reasons = why(TaskState::Cancelled, |_, b| {
        b.last_words = Some("changed my mind".into());
    });
    says(&reasons, &[("cancelled", "it was cancelled: changed my mind")]);
    let reasons = why(TaskState::NeedsAttention, |f, _| {
        f.task.error = Some(TaskError::terminal("lost"));
    });
    says(
        &reasons,
        &[("needs_attention", "a person must decide (retry or cancel): lost")],
    );
    says(
        &why(TaskState::Succeeded, |_, _| {}),
        &[("succeeded", "it has succeeded")],
    );
}
