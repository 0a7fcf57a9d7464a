//! What tests build with: ids, tasks and events.

use orchestrator_protocol::{Event, EventBody, EventType, Seq, Task, TaskId, TaskState, Timestamp, Worker};

/// The id of a number; larger numbers are later.
///
/// # Panics
///
/// Never.
pub fn id(n: u64) -> TaskId {
    format!("01900000-0000-7000-8000-{n:012x}").parse().expect("an id")
}

/// So many seconds after the tests began.
pub fn at(seconds: f64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + (seconds * 1e6) as i64)
}

/// A task of the type `test`.
///
/// # Panics
///
/// Never.
pub fn task(n: u64, parent: Option<u64>, state: TaskState) -> Task {
    let text = serde_json::json!({
        "id": id(n), "task_type": "test", "description": format!("Task {n}"), "input": {"n": n}, "queue": "default",
        "requires": [], "prefers": [], "depends_on": [], "join": "all", "on_dependency_failure": "cancel",
        "parent_id": parent.map(id), "root_id": id(parent.unwrap_or(n)), "step": null, "priority": 5, "run_at": null,
        "deadline": null, "timeout_s": null, "silence_timeout_s": null, "retry": {}, "side_effects": "idempotent",
        "idempotency_key": null, "limits": [], "budget": null, "privacy": "normal", "checkpoint_frequency": "medium",
        "labels": {}, "state": state, "attempt": 1, "worker_id": null, "progress": null, "output": null, "error": null,
        "usage": {}, "tree_usage": {}, "created_at": at(0.0), "started_at": null, "finished_at": null
    });
    serde_json::from_str(&text.to_string()).expect("a task")
}

/// Something that happened to a task.
pub fn event(seq: i64, seconds: f64, kind: EventType, task: u64, body: EventBody) -> Event {
    Event {
        seq: Seq(seq),
        at: at(seconds),
        kind,
        task_id: Some(id(task)),
        root_id: None,
        body,
    }
}

/// A task that came into a state.
pub fn state(seq: i64, seconds: f64, task: u64, state: TaskState, attempt: u32) -> Event {
    let body = EventBody {
        state: Some(state),
        attempt: Some(attempt),
        ..EventBody::default()
    };
    event(seq, seconds, EventType::TaskState, task, body)
}

/// A worker with four slots of which one is taken.
///
/// # Panics
///
/// Never.
pub fn worker(n: u64, name: &str) -> Worker {
    let text = serde_json::json!({
        "id": id(n), "name": name, "state": "online", "labels": ["os:linux", "tool:ruff"],
        "task_types": ["review", "write"], "slots": 4, "running": 1, "cpu_percent": 42.0, "memory_percent": 61.5,
        "disk_percent": null, "last_seen_at": at(0.0)
    });
    serde_json::from_str(&text.to_string()).expect("a worker")
}
