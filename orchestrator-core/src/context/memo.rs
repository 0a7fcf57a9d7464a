//! What is known of a task's steps and children.

use std::{collections::HashMap, sync::Arc};

use orchestrator_protocol::{Json, NewTask, TaskError, TaskId, TaskState};

use crate::store::{ChildRef, ChildSpec, History, Settled};

/// What is known of a task's steps and children. Only ever looked up by key: its order means nothing.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    steps: HashMap<String, Json>,
    names: HashMap<String, TaskId>,
    children: HashMap<TaskId, ChildRecord>,
}

/// What is known of a child.
#[derive(Debug, Clone)]
pub(crate) struct ChildRecord {
    pub(crate) id: TaskId,
    pub(crate) name: String,
    pub(crate) state: TaskState,
    pub(crate) output: Option<Json>,
    pub(crate) error: Option<TaskError>,
    pub(crate) spec: Arc<NewTask>,
}

impl Memo {
    pub(crate) fn learn(&mut self, history: History) {
        self.steps.extend(history.steps.into_iter().map(|s| (s.name, s.output)));
        self.settle(history.children);
    }

    /// Takes in where children are. What is settled stays settled.
    pub(crate) fn settle(&mut self, children: Vec<Settled>) {
        for child in children {
            if self.is_settled(child.id) {
                continue;
            }
            let known = self.children.get(&child.id).map(|c| c.name.clone());
            let Some(name) = child.step.or(known) else { continue };
            self.names.insert(name.clone(), child.id);
            self.children.insert(
                child.id,
                ChildRecord {
                    id: child.id,
                    name,
                    state: child.state,
                    output: child.output,
                    error: child.error,
                    spec: child.spec,
                },
            );
        }
    }

    /// Takes in the answer to a request for children. Their results are not known by it, so they count as unsettled.
    pub(crate) fn spawned(&mut self, specs: Vec<ChildSpec>, refs: &[ChildRef]) {
        for (spec, child) in specs.into_iter().zip(refs) {
            self.names.insert(spec.step.clone(), child.id);
            self.children.entry(child.id).or_insert_with(|| ChildRecord {
                id: child.id,
                name: spec.step,
                state: TaskState::Ready,
                output: None,
                error: None,
                spec: spec.task,
            });
        }
    }

    pub(crate) fn record(&mut self, step: String, output: Json) {
        self.steps.insert(step, output);
    }

    pub(crate) fn step(&self, name: &str) -> Option<&Json> {
        self.steps.get(name)
    }

    pub(crate) fn child(&self, id: TaskId) -> Option<&ChildRecord> {
        self.children.get(&id)
    }

    pub(crate) fn child_named(&self, name: &str) -> Option<&ChildRecord> {
        self.names.get(name).and_then(|id| self.children.get(id))
    }

    pub(crate) fn is_settled(&self, id: TaskId) -> bool {
        self.children.get(&id).is_some_and(|c| c.state.is_terminal())
    }

    pub(crate) fn has_succeeded(&self, id: TaskId) -> bool {
        self.children.get(&id).is_some_and(|c| c.state == TaskState::Succeeded)
    }
}
