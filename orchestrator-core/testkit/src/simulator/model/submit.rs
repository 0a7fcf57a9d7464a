//! Submitting.

use std::{collections::BTreeMap, sync::Arc};

use orchestrator_core::store::{Committed, StoreError, Submit, SubmittedTask};
use orchestrator_protocol::{NewTask, TaskId, TaskRef};

use super::{Model, Turn, Wrong, turn::Birth};

impl Model {
    /// A batch was submitted.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn submitted(
        &mut self,
        submit: &Submit,
        answer: &Result<Committed<Vec<SubmittedTask>>, StoreError>,
    ) -> Result<(), Wrong> {
        let committed = match answer {
            Ok(committed) => committed,
            Err(error) => return refusal_of(self, submit, error),
        };
        if committed.value.len() != submit.tasks.len() {
            return Err("a batch was answered with another number of tasks".to_owned());
        }
        let mut turn = Turn::new(submit.now);
        let mut local: BTreeMap<&str, TaskId> = BTreeMap::new();
        let mut keys: BTreeMap<&str, TaskId> = BTreeMap::new();
        for (asked, given) in submit.tasks.iter().zip(&committed.value) {
            let key = asked.task.idempotency_key.as_deref();
            let first = key.and_then(|k| self.keys.get(k).or_else(|| keys.get(k)).copied());
            let expected = first.unwrap_or(asked.id);
            if given.id() != expected || given.created != first.is_none() {
                return Err(format!(
                    "a submission with the key {key:?} is {} (new: {}), which should be {expected}",
                    given.id(),
                    given.created
                ));
            }
            keys.extend(key.map(|k| (k, expected)));
            local.extend(asked.task.local_ref.as_deref().map(|name| (name, expected)));
        }
        for (asked, given) in submit.tasks.iter().zip(&committed.value) {
            if given.created {
                let birth = birth(&asked.task, &local)?;
                turn.births.insert(asked.id, birth);
            }
        }
        self.take(&mut turn, &committed.events)
    }
}

fn birth(task: &Arc<NewTask>, local: &BTreeMap<&str, TaskId>) -> Result<Birth, Wrong> {
    let mut depends_on: Vec<TaskId> = Vec::new();
    for reference in &task.depends_on {
        let id = match reference {
            TaskRef::Id(id) => *id,
            TaskRef::Local(name) => *local.get(name.as_str()).ok_or("an unknown ref was taken")?,
        };
        if !depends_on.contains(&id) {
            depends_on.push(id);
        }
    }
    Ok(Birth {
        spec: task.clone(),
        parent: task.parent_id,
        step: None,
        group: None,
        depends_on,
    })
}

/// Whether a batch may be refused like this. The simulation submits what breaks no rule, except where it says so by
/// depending on itself.
fn refusal_of(model: &Model, submit: &Submit, error: &StoreError) -> Result<(), Wrong> {
    let unknown = |id: &TaskId| !model.tasks.contains_key(id);
    let names_unknown = submit.tasks.iter().any(|s| {
        s.task
            .depends_on
            .iter()
            .any(|r| matches!(r, TaskRef::Id(id) if unknown(id)))
    });
    match error {
        StoreError::TaskNotFound(_) if names_unknown => Ok(()),
        StoreError::Cycle { .. } if submit.tasks.iter().any(|s| depends_on_itself(&s.task)) => Ok(()),
        StoreError::IdempotencyConflict { task, .. } if model.tasks.contains_key(task) => Ok(()),
        StoreError::StateConflict { task, .. } if model.task(*task)?.takes_no_children() => Ok(()),
        error => Err(format!("a batch that breaks no rule was refused: {error}")),
    }
}

fn depends_on_itself(task: &NewTask) -> bool {
    task.local_ref
        .as_ref()
        .is_some_and(|name| task.depends_on.contains(&TaskRef::Local(name.clone())))
}
