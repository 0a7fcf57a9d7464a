//! One task with everything below it.

use std::collections::{BTreeMap, BTreeSet};

use orchestrator_protocol::{
    Edge, Event, EventType, Placement, Task, TaskError, TaskId, TaskState, Timestamp, Tree, Why, WorkerId,
};

use crate::{format::first_line, graph::Node, subject::subject};

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
    /// What depends on what.
    pub edges: Vec<Edge>,
    /// The durable history, in order.
    pub history: Vec<Event>,
    /// Counts what changes the shape of the graph: a layout of another number is old.
    pub shape: u64,
    stale: Stale,
}

/// What events have made old.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stale {
    /// Tasks have come: the tree must be asked for.
    pub tree: bool,
    /// These have ended or spent something: each must be asked for.
    pub tasks: BTreeSet<TaskId>,
}

/// One start of a task's agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Which, from 1.
    pub number: u32,
    /// When it was started.
    pub from: Timestamp,
    /// When it ended; none while it goes on.
    pub to: Option<Timestamp>,
    /// On which worker, last.
    pub worker: Option<WorkerId>,
    /// Why on that one, where it was chosen.
    pub placement: Option<Placement>,
    /// The state that it ended in.
    pub state: TaskState,
    /// Why it failed.
    pub error: Option<TaskError>,
}

impl TaskTree {
    /// A task of which nothing is known yet.
    pub fn new(id: TaskId) -> Self {
        Self {
            id,
            tasks: BTreeMap::new(),
            edges: Vec::new(),
            history: Vec::new(),
            shape: 0,
            stale: Stale::default(),
        }
    }

    /// A connection has opened.
    pub fn open(&mut self, snapshot: Snapshot) {
        self.replace(snapshot.tree);
        self.history = snapshot.history;
        self.stale = Stale::default();
    }

    /// The tree has come again.
    pub fn replace(&mut self, tree: Tree) {
        let tasks: BTreeMap<TaskId, Task> = tree.tasks.into_iter().map(|task| (task.id, task)).collect();
        if self.edges != tree.edges || !self.tasks.keys().eq(tasks.keys()) {
            self.shape += 1;
        }
        self.tasks = tasks;
        self.edges = tree.edges;
    }

    /// A task of it has come again.
    pub fn refresh(&mut self, task: Task) {
        if let Some(known) = self.tasks.get_mut(&task.id) {
            *known = task;
        }
    }

    /// The task that was opened.
    pub fn task(&self) -> Option<&Task> {
        self.tasks.get(&self.id)
    }

    /// Something happened.
    pub fn happen(&mut self, event: &Event) {
        if event.kind.is_durable() {
            // What the snapshot had already comes again.
            if self.history.last().is_some_and(|last| last.seq >= event.seq) {
                return;
            }
            self.history.push(event.clone());
        }
        let Some(id) = event.task_id else { return };
        let task = self.tasks.get_mut(&id);
        match (event.kind, task) {
            (EventType::TaskCreated, None) => self.stale.tree = true,
            (EventType::TaskState, Some(task)) => {
                task.state = event.body.state.unwrap_or(task.state);
                task.attempt = event.body.attempt.unwrap_or(task.attempt);
                task.worker_id = event.body.worker_id.or(task.worker_id);
                if task.state == TaskState::Running && task.started_at.is_none() {
                    task.started_at = Some(event.at);
                }
                if event.body.error.is_some() {
                    task.error.clone_from(&event.body.error);
                }
                if task.state.is_terminal() {
                    task.finished_at = Some(event.at);
                    self.stale.tasks.insert(id);
                } else {
                    task.finished_at = None;
                }
            }
            (EventType::TaskProgress, Some(task)) => task.progress = event.body.progress.or(task.progress),
            (EventType::TaskUsage, Some(_)) => {
                self.stale.tasks.insert(id);
                // It counts for every task above it too.
                self.stale.tasks.insert(self.id);
            }
            _ => {}
        }
    }

    /// What should be asked for again; it counts as asked for.
    pub fn take_stale(&mut self) -> Stale {
        std::mem::take(&mut self.stale)
    }

    /// What the graph is made of.
    pub fn nodes(&self) -> Vec<Node> {
        let mut before: BTreeMap<TaskId, Vec<TaskId>> = BTreeMap::new();
        for edge in &self.edges {
            before.entry(edge.to).or_default().push(edge.from);
        }
        let mut after = self.steps();
        let node = |task: &Task| Node {
            id: task.id,
            parent: task.parent_id,
            depends_on: before.get(&task.id).cloned().unwrap_or_default(),
            after: after.remove(&task.id).unwrap_or_default(),
        };
        self.tasks.values().map(node).collect()
    }

    /// For each task its siblings of the step before: those that had all come to an end when it was made. An agent that
    /// goes step by step says so in no other way.
    fn steps(&self) -> BTreeMap<TaskId, Vec<TaskId>> {
        let mut siblings: BTreeMap<TaskId, Vec<&Task>> = BTreeMap::new();
        for task in self.tasks.values() {
            if let Some(parent) = task.parent_id {
                siblings.entry(parent).or_default().push(task);
            }
        }
        let mut after = BTreeMap::new();
        for siblings in siblings.into_values() {
            let (mut step, mut last): (Vec<&Task>, Vec<TaskId>) = (Vec::new(), Vec::new());
            for task in siblings {
                let ended = |other: &&Task| other.finished_at.is_some_and(|at| at <= task.created_at);
                if !step.is_empty() && step.iter().all(ended) {
                    last = step.drain(..).map(|task| task.id).collect();
                }
                step.push(task);
                after.insert(task.id, last.clone());
            }
        }
        after
    }

    /// The tasks as a walk through the tree: parents before their children, those by their creation. With how deep each
    /// stands.
    pub fn walk(&self) -> Vec<(usize, &Task)> {
        let mut children: BTreeMap<Option<TaskId>, Vec<&Task>> = BTreeMap::new();
        for task in self.tasks.values().rev() {
            let parent = task
                .parent_id
                .filter(|id| self.tasks.contains_key(id) && *id != task.id);
            children.entry(parent).or_default().push(task);
        }
        let mut walk = Vec::with_capacity(self.tasks.len());
        let mut open: Vec<(usize, &Task)> = children
            .remove(&None)
            .into_iter()
            .flatten()
            .map(|task| (0, task))
            .collect();
        while let Some((depth, task)) = open.pop() {
            walk.push((depth, task));
            let below = children.remove(&Some(task.id)).into_iter().flatten();
            open.extend(below.map(|task| (depth + 1, task)));
        }
        walk
    }

    /// How many tasks of it are in each state.
    pub fn counts(&self) -> BTreeMap<TaskState, usize> {
        let mut counts = BTreeMap::new();
        for task in self.tasks.values() {
            *counts.entry(task.state).or_default() += 1;
        }
        counts
    }

    /// The attempts of a task, the first one first.
    pub fn attempts(&self, id: TaskId) -> Vec<Attempt> {
        let mut attempts: Vec<Attempt> = Vec::new();
        let states = self
            .history
            .iter()
            .filter(|event| event.task_id == Some(id) && event.kind == EventType::TaskState);
        for event in states {
            let Some(state) = event.body.state else { continue };
            let number = event.body.attempt.unwrap_or(0);
            if state == TaskState::Running {
                match attempts.last_mut().filter(|last| last.number == number) {
                    // It goes on after a wait, and may have been kept waiting elsewhere.
                    Some(last) => {
                        last.worker = event.body.worker_id.or(last.worker);
                        (last.state, last.to) = (state, None);
                    }
                    None => attempts.push(Attempt {
                        number,
                        from: event.at,
                        to: None,
                        worker: event.body.worker_id,
                        placement: event.body.placement.as_deref().cloned(),
                        state,
                        error: None,
                    }),
                }
            } else if let Some(last) = attempts.last_mut().filter(|last| last.to.is_none()) {
                last.state = state;
                last.error.clone_from(&event.body.error);
                if !matches!(state, TaskState::Waiting | TaskState::Paused) {
                    last.to = Some(event.at);
                }
            }
        }
        attempts
    }
}

/// How long a task has run or ran, from its first start to its end.
pub fn took(task: &Task, now: Timestamp) -> Option<std::time::Duration> {
    let from = task.started_at?;
    Some(task.finished_at.unwrap_or(now).since(from))
}

/// How a task is called: its step in its parent, else the first line of its description or what its input is about, else
/// its type. One of many (`file[3]`) is called by the latter, which tell more.
pub fn name(task: &Task) -> String {
    let line = about(task, 80);
    let step = task
        .step
        .as_deref()
        .filter(|step| line.is_empty() || !step.ends_with(']'))
        .unwrap_or_default();
    match (step.is_empty(), line.is_empty()) {
        (false, _) => step.to_owned(),
        (true, false) => line,
        (true, true) => task.task_type.clone(),
    }
}

/// What a task is about, in a line: its description, or else what its input begins with. Empty where neither says.
pub fn about(task: &Task, most: usize) -> String {
    let line = first_line(&task.description, most);
    if line.is_empty() {
        subject(&task.input, most)
    } else {
        line
    }
}

/// What of a budget is spent, from 0 to more than 1: the larger of tokens and money. None without a budget.
pub fn spent(task: &Task) -> Option<f64> {
    let budget = task.budget.as_ref()?;
    let part = |spent: f64, most: f64| if most > 0.0 { spent / most } else { 1.0 };
    let tokens = budget
        .tokens
        .map(|most| part(task.tree_usage.tokens() as f64, most as f64));
    let money = budget
        .cost_usd
        .map(|most| part(task.tree_usage.cost_usd.as_dollars(), most.as_dollars()));
    tokens.into_iter().chain(money).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::EventBody;

    use super::*;
    use crate::testing::{at, event, id, state, task};

    fn opened() -> TaskTree {
        let mut tree = TaskTree::new(id(1));
        tree.open(Snapshot {
            tree: Tree {
                tasks: vec![
                    task(1, None, TaskState::Running),
                    task(2, Some(1), TaskState::Ready),
                    task(3, Some(1), TaskState::Ready),
                ],
                edges: vec![Edge { from: id(2), to: id(3) }],
            },
            history: vec![state(5, 0.0, 2, TaskState::Ready, 0)],
            why: Why {
                state: TaskState::Running,
                reasons: Vec::new(),
            },
        });
        tree
    }

    #[test]
    fn events_bring_it_up_to_date_and_say_what_is_old() {
        let mut tree = opened();
        tree.happen(&state(5, 0.0, 2, TaskState::Failed, 1));
        assert_eq!(
            tree.tasks[&id(2)].state,
            TaskState::Ready,
            "the snapshot had that already"
        );
        tree.happen(&state(6, 1.0, 2, TaskState::Running, 1));
        tree.happen(&state(7, 3.0, 2, TaskState::Succeeded, 1));
        assert_eq!(
            took(&tree.tasks[&id(2)], at(9.0)),
            Some(std::time::Duration::from_secs(2))
        );
        assert_eq!(tree.take_stale().tasks, BTreeSet::from([id(2)]));
        assert_eq!(tree.take_stale(), Stale::default());
        let shape = tree.shape;
        tree.happen(&event(8, 4.0, EventType::TaskCreated, 4, EventBody::default()));
        assert!(tree.take_stale().tree);
        let mut tasks: Vec<Task> = tree.tasks.values().cloned().collect();
        tree.replace(Tree {
            tasks: tasks.clone(),
            edges: tree.edges.clone(),
        });
        assert_eq!(tree.shape, shape, "nothing came");
        tasks.push(task(4, Some(2), TaskState::Ready));
        tree.replace(Tree {
            tasks,
            edges: tree.edges.clone(),
        });
        assert_eq!(tree.shape, shape + 1);
        let walk: Vec<_> = tree.walk().into_iter().map(|(depth, task)| (depth, task.id)).collect();
        assert_eq!(walk, [(0, id(1)), (1, id(2)), (2, id(4)), (1, id(3))]);
        assert_eq!(tree.nodes()[2].depends_on, [id(2)]);
    }

    #[test]
    fn an_attempt_goes_on_after_a_wait() {
        let mut tree = opened();
        for (seq, of, attempt) in [
            (6, TaskState::Running, 1),
            (7, TaskState::Waiting, 1),
            (8, TaskState::Ready, 1),
            (9, TaskState::Running, 1),
            (10, TaskState::Scheduled, 1),
            (11, TaskState::Running, 2),
        ] {
            tree.happen(&state(seq, seq as f64, 2, of, attempt));
        }
        let told: Vec<_> = tree
            .attempts(id(2))
            .into_iter()
            .map(|a| (a.number, a.from, a.to, a.state))
            .collect();
        assert_eq!(
            told,
            [
                (1, at(6.0), Some(at(10.0)), TaskState::Scheduled),
                (2, at(11.0), None, TaskState::Running)
            ]
        );
    }

    #[test]
    fn steps_are_told_by_when_they_were_made() {
        let mut tree = TaskTree::new(id(1));
        let ended = |n, from, to| {
            let mut task = task(n, Some(1), TaskState::Succeeded);
            (task.created_at, task.finished_at) = (at(from), Some(at(to)));
            task
        };
        let tasks = vec![
            task(1, None, TaskState::Running),
            ended(2, 0.0, 3.0),
            ended(3, 1.0, 2.0),
            ended(4, 3.0, 5.0),
        ];
        tree.replace(Tree {
            tasks,
            edges: Vec::new(),
        });
        let after: Vec<_> = tree.nodes().into_iter().map(|node| node.after).collect();
        assert_eq!(after, [vec![], vec![], vec![], vec![id(2), id(3)]]);
    }

    #[test]
    fn names_and_budgets() {
        let mut one = task(1, None, TaskState::Ready);
        assert_eq!((name(&one).as_str(), spent(&one)), ("Task 1", None));
        one.description = String::new();
        one.budget = serde_json::from_value(serde_json::json!({"tokens": 100, "cost_usd": 1.0})).ok();
        one.tree_usage.input_tokens = 50;
        one.tree_usage.cost_usd = orchestrator_protocol::Usd::from_dollars(2.0);
        assert_eq!((name(&one).as_str(), spent(&one)), ("test", Some(2.0)));
        one.input = orchestrator_protocol::Json::from(serde_json::json!({"path": "src/a.rs"}));
        assert_eq!(name(&one), "src/a.rs");
        one.step = Some("file[3]".to_owned());
        assert_eq!(name(&one), "src/a.rs");
        one.step = Some("plan".to_owned());
        assert_eq!(name(&one), "plan");
    }
}
