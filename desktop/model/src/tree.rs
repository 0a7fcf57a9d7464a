//! One task with everything below it.

use std::collections::BTreeMap;

use orchestrator_protocol::{Event, EventType, Task, TaskId, Tree, Why};

/// A task and all below it as they are when a connection opens.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The tasks and what depends on what.
    pub tree: Tree,
    /// The durable history of all of them.
    pub history: Vec<Event>,
    /// Why the task is where it is.
    pub why: Why,
}

/// A task and all below it, kept up to date by events.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskTree {
    /// The task that was opened.
    pub id: TaskId,
    /// The tasks by id.
    pub tasks: BTreeMap<TaskId, Task>,
    /// The durable history, in order.
    pub history: Vec<Event>,
    /// Why the task is where it is.
    pub why: Option<Why>,
}

impl TaskTree {
    /// A task of which nothing is known yet.
    pub fn new(id: TaskId) -> Self {
        Self {
            id,
            tasks: BTreeMap::new(),
            history: Vec::new(),
            why: None,
        }
    }

    /// A connection has opened.
    pub fn open(&mut self, snapshot: Snapshot) {
        self.tasks = snapshot.tree.tasks.into_iter().map(|task| (task.id, task)).collect();
        self.history = snapshot.history;
        self.why = Some(snapshot.why);
    }

    /// The task that was opened.
    pub fn task(&self) -> Option<&Task> {
        self.tasks.get(&self.id)
    }

    /// Something happened.
    pub fn happen(&mut self, event: &Event) {
        if event.kind.is_durable() && self.history.last().is_none_or(|last| last.seq < event.seq) {
            self.history.push(event.clone());
        }
        let task = event.task_id.and_then(|id| self.tasks.get_mut(&id));
        match (event.kind, task) {
            (EventType::TaskState, Some(task)) => {
                task.state = event.body.state.unwrap_or(task.state);
                task.attempt = event.body.attempt.unwrap_or(task.attempt);
                task.worker_id = event.body.worker_id.or(task.worker_id);
            }
            (EventType::TaskProgress, Some(task)) => task.progress = event.body.progress.or(task.progress),
            _ => {}
        }
    }
}
