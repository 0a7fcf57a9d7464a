//! What is written for a batch, given what is known of its idempotency keys.

use std::collections::HashMap;

use orchestrator_core::store::{StoreError, Submission, ledger::Places};
use orchestrator_protocol::{NewTask, TaskId, TaskRef};

/// The first task with an idempotency key.
#[derive(Debug, Clone)]
pub(super) struct First {
    pub(super) id: TaskId,
    pub(super) task: NewTask,
}

/// What is written, and what is answered.
#[derive(Debug)]
pub(super) struct Plan {
    /// The id of each task of the batch, or that of the first one with its key.
    pub(super) ids: Vec<TaskId>,
    pub(super) rows: Vec<Left>,
}

/// A row of the outbox.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) id: TaskId,
    pub(super) key: Option<String>,
    pub(super) body: String,
}

impl Plan {
    /// Refs become ids; tasks whose key is known are left out.
    pub(super) fn of(
        tasks: &[Submission],
        places: &Places<'_>,
        known: &HashMap<String, First>,
    ) -> Result<Self, StoreError> {
        let mut earlier: HashMap<&str, usize> = HashMap::new();
        let mut ids = Vec::with_capacity(tasks.len());
        for (i, submission) in tasks.iter().enumerate() {
            let Some(key) = submission.task.idempotency_key.as_deref() else {
                ids.push(submission.id);
                continue;
            };
            let first = *earlier.entry(key).or_insert(i);
            ids.push(match known.get(key) {
                Some(first) => first.id,
                None => tasks[first].id,
            });
        }
        let mut seen: HashMap<&str, NewTask> = HashMap::new();
        let mut rows = Vec::with_capacity(tasks.len());
        for (submission, id) in tasks.iter().zip(&ids) {
            let task = resolved(&submission.task, places, &ids);
            let key = submission.task.idempotency_key.as_deref();
            let first = key.and_then(|key| known.get(key).map(|first| &first.task).or_else(|| seen.get(key)));
            if let (Some(key), Some(first)) = (key, first) {
                if task != *first {
                    return Err(StoreError::IdempotencyConflict {
                        key: key.to_owned(),
                        task: *id,
                    });
                }
                continue;
            }
            let body = serde_json::to_string(&task).map_err(|e| StoreError::invalid("task", e.to_string()))?;
            rows.push(Left {
                id: *id,
                key: key.map(str::to_owned),
                body,
            });
            if let Some(key) = key {
                seen.insert(key, task);
            }
        }
        Ok(Self { ids, rows })
    }
}

/// The task with its dependencies as ids, each once: as the store keeps it, so that the two can be compared.
fn resolved(task: &NewTask, places: &Places<'_>, ids: &[TaskId]) -> NewTask {
    let mut depends_on: Vec<TaskRef> = Vec::with_capacity(task.depends_on.len());
    for reference in &task.depends_on {
        let id = places
            .find(reference)
            .map_or_else(|| reference.clone(), |place| TaskRef::Id(ids[place]));
        if !depends_on.contains(&id) {
            depends_on.push(id);
        }
    }
    NewTask {
        depends_on,
        local_ref: None,
        ..task.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use orchestrator_core::store::ledger::check;
    use orchestrator_protocol::Json;
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> TaskId {
        TaskId::from_uuid(Uuid::from_u128(n))
    }

    fn task(name: &str, key: Option<&str>, after: &[&str]) -> NewTask {
        NewTask {
            local_ref: Some(name.to_owned()),
            idempotency_key: key.map(str::to_owned),
            depends_on: after.iter().map(|name| TaskRef::Local((*name).to_owned())).collect(),
            ..NewTask::new("noop", Json::NULL)
        }
    }

    fn plan(tasks: Vec<NewTask>, known: &[(&str, u128, NewTask)]) -> Result<Plan, StoreError> {
        let numbered = tasks.into_iter().zip(1..).map(|(task, n)| Submission {
            id: id(n),
            task: Arc::new(task),
        });
        let tasks: Vec<Submission> = numbered.collect();
        let places = check(&tasks).expect("a batch that makes sense");
        let known = known.iter().map(|(key, n, task)| {
            let first = First {
                id: id(*n),
                task: task.clone(),
            };
            ((*key).to_owned(), first)
        });
        Plan::of(&tasks, &places, &known.collect())
    }

    fn written(plan: &Plan) -> Vec<(TaskId, Vec<TaskRef>)> {
        let row = |left: &Left| {
            let task: NewTask = serde_json::from_str(&left.body).expect("a task");
            assert_eq!(task.local_ref, None);
            (left.id, task.depends_on)
        };
        plan.rows.iter().map(row).collect()
    }

    #[test]
    fn refs_become_ids() {
        let tasks = vec![task("b", None, &["a", "a"]), task("a", None, &[])];
        let plan = plan(tasks, &[]).expect("a plan");
        assert_eq!(plan.ids, [id(1), id(2)]);
        assert_eq!(written(&plan), [(id(1), vec![TaskRef::Id(id(2))]), (id(2), vec![])]);
    }

    #[test]
    fn known_keys_are_answered_with_the_first_task_and_others_depend_on_that() {
        let first = NewTask {
            local_ref: None,
            ..task("a", Some("k"), &[])
        };
        let tasks = vec![task("a", Some("k"), &[]), task("b", None, &["a"])];
        let plan = plan(tasks, &[("k", 9, first)]).expect("a plan");
        assert_eq!(plan.ids, [id(9), id(2)]);
        assert_eq!(written(&plan), [(id(2), vec![TaskRef::Id(id(9))])]);
    }

    #[test]
    fn a_key_that_stands_twice_is_one_task() {
        let same = || NewTask {
            local_ref: None,
            ..task("a", Some("k"), &[])
        };
        let both = plan(vec![same(), same()], &[]).expect("a plan");
        assert_eq!((both.ids.as_slice(), both.rows.len()), ([id(1), id(1)].as_slice(), 1));
        let other = NewTask { priority: 1, ..same() };
        let conflict =
            |error| matches!(error, StoreError::IdempotencyConflict { key, task } if key == "k" && task == id(1));
        assert!(plan(vec![same(), other.clone()], &[]).is_err_and(conflict));
        let conflict = |error| matches!(error, StoreError::IdempotencyConflict { task, .. } if task == id(9));
        assert!(plan(vec![other], &[("k", 9, same())]).is_err_and(conflict));
    }
}
