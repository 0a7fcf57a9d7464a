//! What is known of a tree, from its events.

use std::collections::BTreeMap;

use orchestrator_core::protocol::{Event, EventType, TaskId, TaskState, Timestamp};

/// A tree as its events tell it.
#[derive(Debug)]
pub struct Model {
    root: TaskId,
    nodes: BTreeMap<TaskId, Node>,
    /// The fan-outs, by the task that made them and their name.
    groups: BTreeMap<(TaskId, String), Group>,
}

/// A task of the tree.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its id.
    pub id: TaskId,
    /// What it is a part of.
    pub parent: Option<TaskId>,
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
    /// Why it failed last, or is held.
    pub why: Option<String>,
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

/// The parts of a fan-out, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Group {
    /// How many there are.
    pub all: usize,
    /// How many have ended.
    pub ended: usize,
    /// How many of those have not succeeded.
    pub bad: usize,
}

impl Model {
    /// A tree that nothing is known of.
    pub fn new(root: TaskId) -> Self {
        Self {
            root,
            nodes: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    /// How many tasks there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// How many tasks are in such a state.
    pub fn count(&self, such: impl Fn(TaskState) -> bool) -> usize {
        self.nodes.values().filter(|node| such(node.state)).count()
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

    /// What is above a task, the nearest first.
    pub fn above(&self, node: &Node) -> impl Iterator<Item = &Node> {
        let parent = |node: &Node| self.nodes.get(&node.parent?);
        std::iter::successors(parent(node), move |node| parent(node))
    }

    /// The fan-out of a name below a task.
    pub fn group(&self, parent: TaskId, name: &str) -> Group {
        self.groups.get(&(parent, name.to_owned())).copied().unwrap_or_default()
    }

    /// The tasks that run now.
    pub fn running(&self) -> impl Iterator<Item = TaskId> {
        let running = self.nodes.values().filter(|node| node.state == TaskState::Running);
        running.map(|node| node.id)
    }

    /// Whether a clock on the picture runs.
    pub fn is_moving(&self) -> bool {
        self.root().is_some_and(|root| !root.state.is_terminal())
    }

    /// Takes in what happened.
    pub fn apply(&mut self, event: &Event) {
        let Some(id) = event.task_id else { return };
        if event.kind == EventType::TaskCreated {
            self.create(id, event);
            return;
        }
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let body = &event.body;
        match event.kind {
            EventType::TaskState => {
                let before = node.state;
                let Some(state) = body.state else { return };
                node.state = state;
                node.ended = state.is_terminal().then_some(event.at);
                if state == TaskState::Running {
                    node.started.get_or_insert(event.at);
                }
                node.attempt = body.attempt.unwrap_or(node.attempt);
                let told = body.error.as_ref().map(|e| &e.message);
                let holds = matches!(
                    state,
                    TaskState::Paused | TaskState::NeedsAttention | TaskState::Cancelled
                );
                node.why = told.or(body.text.as_ref().filter(|_| holds)).cloned();
                self.recount(id, before, state);
            }
            EventType::TaskProgress => node.progress = body.progress,
            EventType::TaskLog => node.line.clone_from(&body.text),
            _ => {}
        }
    }

    fn create(&mut self, id: TaskId, event: &Event) {
        let body = &event.body;
        let task_type = body.task_type.clone().unwrap_or_default();
        let node = Node {
            id,
            parent: body.parent_id,
            name: body.step.clone().unwrap_or_else(|| task_type.clone()),
            task_type,
            state: body.state.unwrap_or(TaskState::Ready),
            attempt: 0,
            started: None,
            ended: None,
            progress: None,
            line: None,
            why: None,
            children: Vec::new(),
        };
        if let (Some(parent), Some(name)) = (node.parent, node.fan_out()) {
            self.groups.entry((parent, name.to_owned())).or_default().all += 1;
        }
        if let Some(parent) = node.parent.and_then(|p| self.nodes.get_mut(&p)) {
            parent.children.push(id);
        }
        self.nodes.insert(id, node);
    }

    /// Moves a part of a fan-out from one count to another.
    fn recount(&mut self, id: TaskId, before: TaskState, after: TaskState) {
        let Some(node) = self.nodes.get(&id) else { return };
        let (Some(parent), Some(name)) = (node.parent, node.fan_out()) else {
            return;
        };
        let Some(group) = self.groups.get_mut(&(parent, name.to_owned())) else {
            return;
        };
        for (state, by) in [(before, false), (after, true)] {
            let count = |n: &mut usize| *n = if by { *n + 1 } else { n.saturating_sub(1) };
            if state.is_terminal() {
                count(&mut group.ended);
                if state != TaskState::Succeeded {
                    count(&mut group.bad);
                }
            }
        }
    }
}
