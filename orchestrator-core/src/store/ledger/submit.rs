//! Submitting batches of tasks.

use std::{collections::HashMap, sync::Arc};

use orchestrator_protocol::{NewTask, TaskId, TaskRef};

use super::{
    birth::{Birth, inherit},
    work::Work,
};
use crate::{
    domain::{graph, spec},
    store::{
        Committed, Submission, Submit, SubmittedTask,
        error::StoreError,
        row::{Key, Lane, LaneId, TaskRow},
        tx::Tx,
    },
};

/// Stores batches of tasks, each all or nothing.
///
/// # Errors
///
/// The outer error means that the storage failed; the inner ones say why a batch was refused.
pub async fn submit<T: Tx>(
    tx: &mut T,
    batches: Vec<Submit>,
) -> Result<Vec<Result<Committed<Vec<SubmittedTask>>, StoreError>>, StoreError> {
    let Some(first) = batches.first() else {
        return Ok(Vec::new());
    };
    let mut work = Work::new(tx, first.now);
    work.reserve(batches.iter().map(|b| b.tasks.len()).sum());
    let mut known = load(&mut work, &batches).await?;
    let mut answers = Vec::with_capacity(batches.len());
    for batch in batches {
        work.now = batch.now;
        let plan = match Plan::of(&work, &known, &batch.tasks) {
            Ok(plan) => plan,
            Err(refused) => {
                answers.push(Err(refused));
                continue;
            }
        };
        let keys = store(&mut work, &mut known, plan).await?;
        if !work.ended.is_empty() {
            work.follow().await?;
        }
        let tasks = keys
            .into_iter()
            .map(|(key, created)| SubmittedTask {
                row: work.shared(key),
                created,
            })
            .collect();
        answers.push(Ok(work.part(tasks)));
    }
    work.finish(answers).await
}

/// Idempotency keys that are in use.
pub(super) type Known = HashMap<String, Key>;

/// Loads everything that the batches name: idempotency keys, dependencies and parents.
pub(super) async fn load<T: Tx>(work: &mut Work<'_, T>, batches: &[Submit]) -> Result<Known, StoreError> {
    let tasks = || batches.iter().flat_map(|b| &b.tasks).map(|s| &s.task);
    let mut keys: Vec<String> = tasks().filter_map(|t| t.idempotency_key.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut known = Known::new();
    if !keys.is_empty() {
        let rows = work.tx.tasks_by_idempotency_key(&keys).await?;
        for key in work.adopt(rows) {
            known.extend(work.row(key).spec.idempotency_key.clone().map(|k| (k, key)));
        }
    }
    let mut named: Vec<TaskId> = tasks().filter_map(|t| t.parent_id).collect();
    named.extend(tasks().flat_map(|t| &t.depends_on).filter_map(|r| match r {
        TaskRef::Id(id) => Some(*id),
        TaskRef::Local(_) => None,
    }));
    named.sort_unstable();
    named.dedup();
    work.load(&named).await?;
    Ok(known)
}

/// The name of a field in an error about a batch.
fn field(tasks: &[Submission], i: usize, name: &str) -> String {
    if tasks.len() == 1 {
        name.to_owned()
    } else {
        format!("tasks[{i}].{name}")
    }
}

/// Where the tasks of a batch are that others of it name.
#[derive(Debug, Default)]
pub struct Places<'s> {
    by_ref: HashMap<&'s str, usize>,
    by_id: HashMap<TaskId, usize>,
}

impl<'s> Places<'s> {
    fn of(tasks: &'s [Submission]) -> Result<Self, StoreError> {
        let names = tasks
            .iter()
            .enumerate()
            .filter_map(|(i, s)| Some((i, s.task.local_ref.as_deref()?)));
        let by_ref = graph::index(names)
            .map_err(|name| StoreError::invalid("ref", format!("two tasks of the batch have the ref `{name}`")))?;
        let by_id = if tasks.iter().any(|s| s.task.depends_on.iter().any(is_id)) {
            tasks.iter().enumerate().map(|(i, s)| (s.id, i)).collect()
        } else {
            HashMap::new()
        };
        Ok(Self { by_ref, by_id })
    }

    /// Where in the batch a task is; none: elsewhere, or nowhere.
    pub fn find(&self, task: &TaskRef) -> Option<usize> {
        match task {
            TaskRef::Local(name) => self.by_ref.get(name.as_str()),
            TaskRef::Id(id) => self.by_id.get(id),
        }
        .copied()
    }
}

fn is_id(task: &TaskRef) -> bool {
    matches!(task, TaskRef::Id(_))
}

/// What can be judged of a batch without knowing anything else: each task makes sense, refs are there and distinct, and
/// there is no circle. Says where each task is that another one names.
///
/// # Errors
///
/// [`StoreError::Invalid`], [`StoreError::Cycle`].
pub fn check(tasks: &[Submission]) -> Result<Places<'_>, StoreError> {
    for (i, submission) in tasks.iter().enumerate() {
        spec::check(&submission.task).map_err(|f| StoreError::invalid(field(tasks, i, f.field), f.message))?;
    }
    let places = Places::of(tasks)?;
    if tasks.iter().all(|s| s.task.depends_on.is_empty()) {
        return Ok(places);
    }
    let mut edges = vec![Vec::new(); tasks.len()];
    for (i, submission) in tasks.iter().enumerate() {
        for reference in &submission.task.depends_on {
            match (places.find(reference), reference) {
                (Some(place), _) => edges[i].push(place),
                (None, TaskRef::Id(_)) => {}
                (None, TaskRef::Local(name)) => {
                    let message = format!("`{name}` is neither a task's id nor the ref of a task in this batch");
                    return Err(StoreError::invalid(field(tasks, i, "depends_on"), message));
                }
            }
        }
    }
    if let Some(cycle) = graph::find_cycle(&edges) {
        let name = |i: usize| tasks[i].task.local_ref.clone().unwrap_or_else(|| format!("tasks[{i}]"));
        return Err(StoreError::Cycle {
            path: cycle.into_iter().map(name).collect(),
        });
    }
    Ok(places)
}

/// A batch that breaks no rule.
pub(super) struct Plan {
    tasks: Vec<Planned>,
}

enum Planned {
    /// Its idempotency key is known.
    Existing(Key),
    /// The same idempotency key stands earlier in the batch.
    Repeat(usize),
    New {
        id: TaskId,
        spec: Arc<NewTask>,
        parent: Option<Key>,
        local: Vec<usize>,
    },
}

impl Plan {
    pub(super) fn of<T: Tx>(work: &Work<'_, T>, known: &Known, tasks: &[Submission]) -> Result<Self, StoreError> {
        let places = check(tasks)?;
        let field = |i: usize, name: &str| field(tasks, i, name);
        let mut effective = Vec::with_capacity(tasks.len());
        let mut first_with: HashMap<&str, usize> = HashMap::new();
        for (i, submission) in tasks.iter().enumerate() {
            let key = submission.task.idempotency_key.as_deref();
            let existing = key.and_then(|k| known.get(k)).map(|key| work.row(*key));
            let repeat = key.and_then(|k| first_with.get(k).copied());
            effective.push(match (existing, repeat) {
                (Some(row), _) => (row.id, Some(Planned::Existing(row.key))),
                (None, Some(earlier)) => (tasks[earlier].id, Some(Planned::Repeat(earlier))),
                (None, None) => (submission.id, None),
            });
            if let Some(key) = key {
                first_with.entry(key).or_insert(i);
            }
        }
        let mut resolved: Vec<(Arc<NewTask>, Vec<usize>)> = Vec::with_capacity(tasks.len());
        for submission in tasks {
            resolved.push(resolve(work, &submission.task, &places, &effective)?);
        }
        let mut plan = Vec::with_capacity(tasks.len());
        for (i, ((spec, local), (id, found))) in resolved.iter().zip(effective).enumerate() {
            plan.push(match found {
                Some(Planned::Existing(key)) => {
                    same_body(spec, &work.row(key).spec, id)?;
                    Planned::Existing(key)
                }
                Some(Planned::Repeat(earlier)) => {
                    same_body(spec, &resolved[earlier].0, id)?;
                    Planned::Repeat(earlier)
                }
                _ => {
                    let parent = parent_of(work, spec, &field(i, "parent_id"))?;
                    let spec = parent.map_or_else(|| spec.clone(), |p| inherit(p, spec));
                    Planned::New {
                        id,
                        spec,
                        parent: parent.map(|p| p.key),
                        local: local.clone(),
                    }
                }
            });
        }
        Ok(Self { tasks: plan })
    }
}

/// The task with its dependencies as ids, and those within the batch as places.
fn resolve<T: Tx>(
    work: &Work<'_, T>,
    task: &Arc<NewTask>,
    places: &Places<'_>,
    effective: &[(TaskId, Option<Planned>)],
) -> Result<(Arc<NewTask>, Vec<usize>), StoreError> {
    if task.depends_on.is_empty() && task.local_ref.is_none() {
        return Ok((task.clone(), Vec::new()));
    }
    let mut ids = Vec::with_capacity(task.depends_on.len());
    let mut local = Vec::new();
    for reference in &task.depends_on {
        let id = match (places.find(reference), reference) {
            (Some(place), _) => {
                local.push(place);
                effective[place].0
            }
            (None, TaskRef::Id(id)) if work.by_id(*id).is_some() => *id,
            (None, TaskRef::Id(id)) => return Err(StoreError::TaskNotFound(*id)),
            (None, TaskRef::Local(name)) => {
                return Err(StoreError::invalid("depends_on", format!("there is no task `{name}`")));
            }
        };
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let mut spec = NewTask::clone(task);
    spec.local_ref = None;
    spec.depends_on = ids.into_iter().map(TaskRef::Id).collect();
    Ok((Arc::new(spec), local))
}

fn same_body(new: &NewTask, first: &NewTask, task: TaskId) -> Result<(), StoreError> {
    if new == first {
        return Ok(());
    }
    Err(StoreError::IdempotencyConflict {
        key: first.idempotency_key.clone().unwrap_or_default(),
        task,
    })
}

fn parent_of<'w, T: Tx>(
    work: &'w Work<'_, T>,
    spec: &NewTask,
    _field: &str,
) -> Result<Option<&'w TaskRow>, StoreError> {
    let Some(id) = spec.parent_id else { return Ok(None) };
    let row = work.by_id(id).ok_or(StoreError::TaskNotFound(id))?;
    if row.state.is_terminal() || row.cancel.is_some() {
        return Err(StoreError::StateConflict {
            task: id,
            state: row.state,
            wanted: "given children".to_owned(),
        });
    }
    Ok(Some(row))
}

/// Stores the new tasks of a plan and says every task's key and whether it is new.
pub(super) async fn store<T: Tx>(
    work: &mut Work<'_, T>,
    known: &mut Known,
    plan: Plan,
) -> Result<Vec<(Key, bool)>, StoreError> {
    let count = plan.tasks.iter().filter(|p| matches!(p, Planned::New { .. })).count();
    let mut next = work.tx.next_keys(count).0;
    let mut keys: Vec<(Key, bool)> = Vec::with_capacity(plan.tasks.len());
    for planned in &plan.tasks {
        keys.push(match planned {
            Planned::Existing(key) => (*key, false),
            Planned::Repeat(earlier) => (keys[*earlier].0, false),
            Planned::New { .. } => {
                next += 1;
                (Key(next - 1), true)
            }
        });
    }
    let mut births: Vec<Option<Birth>> = Vec::with_capacity(plan.tasks.len());
    let mut lanes: HashMap<Lane, LaneId> = HashMap::new();
    let mut last: Option<(Arc<NewTask>, LaneId)> = None;
    let mut locals = Vec::with_capacity(plan.tasks.len());
    for (planned, (key, _)) in plan.tasks.into_iter().zip(&keys) {
        let Planned::New {
            id,
            spec,
            parent,
            local,
        } = planned
        else {
            births.push(None);
            locals.push(Vec::new());
            continue;
        };
        let lane = match &last {
            Some((before, lane)) if alike(before, &spec) => *lane,
            _ => lane_of(work, &mut lanes, &spec).await?,
        };
        last = Some((spec.clone(), lane));
        known.extend(spec.idempotency_key.clone().map(|k| (k, *key)));
        let depends_on = spec
            .depends_on
            .iter()
            .filter_map(|r| match r {
                TaskRef::Id(id) => work.key(*id),
                TaskRef::Local(_) => None,
            })
            .collect();
        locals.push(local);
        births.push(Some(Birth {
            key: *key,
            id,
            spec,
            lane,
            parent,
            step: None,
            group: None,
            queued: false,
            depends_on,
        }));
    }
    bear_in_order(work, births, &locals, &keys)?;
    Ok(keys)
}

/// Dependencies are born before what depends on them; the batch has no circle.
fn bear_in_order<T: Tx>(
    work: &mut Work<'_, T>,
    mut births: Vec<Option<Birth>>,
    locals: &[Vec<usize>],
    keys: &[(Key, bool)],
) -> Result<(), StoreError> {
    let mut stack: Vec<usize> = Vec::new();
    for start in 0..births.len() {
        stack.push(start);
        while let Some(&at) = stack.last() {
            if births[at].is_none() {
                stack.pop();
            } else if let Some(&first) = locals[at].iter().find(|l| births[**l].is_some()) {
                stack.push(first);
            } else {
                stack.pop();
                if let Some(mut birth) = births[at].take() {
                    for local in &locals[at] {
                        let key = keys[*local].0;
                        if !birth.depends_on.contains(&key) {
                            birth.depends_on.push(key);
                        }
                    }
                    work.bear(birth)?;
                }
            }
        }
    }
    Ok(())
}

/// Whether two tasks are in the same lane by their looks: spares building the lane for a batch of equals.
fn alike(a: &NewTask, b: &NewTask) -> bool {
    a.task_type == b.task_type
        && a.queue == b.queue
        && a.requires == b.requires
        && a.prefers == b.prefers
        && a.limits == b.limits
        && a.privacy == b.privacy
}

/// The number of a task's lane.
pub(super) async fn lane_of<T: Tx>(
    work: &mut Work<'_, T>,
    lanes: &mut HashMap<Lane, LaneId>,
    spec: &NewTask,
) -> Result<LaneId, StoreError> {
    let lane = Lane::of(spec);
    if let Some(id) = lanes.get(&lane) {
        return Ok(*id);
    }
    let id = work.tx.lane(&lane).await?;
    lanes.insert(lane, id);
    Ok(id)
}
