//! What is known of a tree, from its events.

use std::collections::BTreeMap;

use orchestrator_core::protocol::{Event, EventType, TaskId, TaskState, Timestamp};

/// A tree as its events tell it.
#[derive(Debug)]
pub struct Model {
    root: TaskId,
    nodes: BTreeMap<TaskId, Node>,
}

/// A task of the tree.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its id.
    pub id: TaskId,
    /// Its name in its parent, or its type.
    pub name: String,
    /// Its type.
    pub task_type: String,
    /// Where it is.
    pub state: TaskState,
    /// Which attempt.
    pub attempt: u32,
    /// When it was first started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// From 0 to 1.
    pub progress: Option<f64>,
    /// What it wrote last.
    pub line: Option<String>,
    /// Why it failed last.
    pub error: Option<String>,
    /// What is below it, in order of creation.
    pub children: Vec<TaskId>,
}

impl Node {
    /// For `name[3]`, the `name` of the fan-out that it is a part of.
    pub fn fan_out(&self) -> Option<&str> {
        let (name, number) = self.name.strip_suffix(']')?.rsplit_once('[')?;
        number.parse::<u64>().is_ok().then_some(name)
    }
}

impl Model {
    /// A tree that nothing is known of.
    pub fn new(root: TaskId) -> Self {
        Self {
            root,
            nodes: BTreeMap::new(),
        }
    }

    /// How many tasks there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The topmost task.
    pub fn root(&self) -> Option<&Node> {
        self.nodes.get(&self.root)
    }

    /// A task.
    pub fn node(&self, id: TaskId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    /// What is below a task.
    pub fn children(&self, node: &Node) -> impl Iterator<Item = &Node> {
        node.children.iter().filter_map(|id| self.nodes.get(id))
    }

    /// Whether a clock on the picture runs.
    pub fn is_moving(&self) -> bool {
        self.root().is_some_and(|root| !root.state.is_terminal())
    }

    /// Takes in what happened.
    pub fn apply(&mut self, event: &Event) {
        let Some(id) = event.task_id else { return };
        let body = &event.body;
        if event.kind == EventType::TaskCreated {
            let task_type = body.task_type.clone().unwrap_or_default();
            let node = Node {
                id,
                name: body.step.clone().unwrap_or_else(|| task_type.clone()),
                task_type,
                state: body.state.unwrap_or(TaskState::Ready),
                attempt: 0,
                started: None,
                ended: None,
                progress: None,
                line: None,
                error: None,
                children: Vec::new(),
            };
            self.nodes.insert(id, node);
            if let Some(parent) = body.parent_id.and_then(|p| self.nodes.get_mut(&p)) {
                parent.children.push(id);
            }
            return;
        }
        let Some(node) = self.nodes.get_mut(&id) else { return };
        match event.kind {
            EventType::TaskState => {
                if let Some(state) = body.state {
                    node.state = state;
                    node.ended = state.is_terminal().then_some(event.at);
                }
                if node.state == TaskState::Running {
                    node.started.get_or_insert(event.at);
                }
                node.attempt = body.attempt.unwrap_or(node.attempt);
                node.error = body.error.as_ref().map(|e| e.message.clone());
            }
            EventType::TaskProgress => node.progress = body.progress,
            EventType::TaskLog => node.line.clone_from(&body.text),
            _ => {}
        }
    }
}
