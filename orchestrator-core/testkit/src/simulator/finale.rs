//! What must hold when everything has come to rest.

use std::collections::BTreeMap;

use orchestrator_core::store::{EventQuery, EventScope, ListQuery, LogQuery, StoreError};
use orchestrator_protocol::{Event, Seq, Task, TaskId, TaskState, Timestamp};

use super::{
    model::{Known, Wrong},
    world::World,
};
use crate::agents::Script;

/// How many are read at once: few, so that paging is part of it.
const PAGE: usize = 50;

/// Compares everything that the store holds with what it should.
///
/// # Errors
///
/// What is wrong.
pub async fn judge(world: &World) -> Result<(), Wrong> {
    let tasks = all_tasks(world).await.map_err(unreadable)?;
    compare_tasks(world, &tasks)?;
    compare_events(world).await?;
    for task in tasks.values() {
        compare_one(world, task).await?;
    }
    let held: u32 = world
        .store
        .sessions()
        .await
        .map_err(unreadable)?
        .iter()
        .map(|session| session.running)
        .sum();
    if held > 0 {
        return Err(format!("{held} leases are held although nothing runs"));
    }
    forget(world).await
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err as it is")]
fn unreadable(error: StoreError) -> Wrong {
    format!("the store cannot be read: {error}")
}

async fn all_tasks(world: &World) -> Result<BTreeMap<TaskId, Task>, StoreError> {
    let mut tasks = BTreeMap::new();
    let mut query = ListQuery {
        limit: PAGE,
        ..ListQuery::default()
    };
    loop {
        let page = world.store.list(query.clone()).await?;
        tasks.extend(page.items.into_iter().map(|task| (task.id, task)));
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return Ok(tasks),
        }
    }
}

fn compare_tasks(world: &World, tasks: &BTreeMap<TaskId, Task>) -> Result<(), Wrong> {
    world.referee.model(|model| {
        if !tasks.keys().eq(model.tasks.keys()) {
            return Err(format!("the store has {} tasks of {}", tasks.len(), model.tasks.len()));
        }
        for (id, known) in &model.tasks {
            let task = &tasks[id];
            if task.state != known.state || task.attempt != known.attempt {
                return Err(format!(
                    "{id} is {} in attempt {} and should be {} in attempt {}",
                    task.state, task.attempt, known.state, known.attempt
                ));
            }
            let tree: u64 = model.downwards(*id).iter().map(|id| model.tasks[id].tokens).sum();
            if (task.usage.tokens(), task.tree_usage.tokens()) != (known.tokens, tree) {
                return Err(format!("{id} has spent {:?}, in all {:?}", task.usage, task.tree_usage));
            }
            result_is_right(task, known).map_err(|why| format!("{id}: {why}"))?;
        }
        Ok(())
    })
}

/// Whatever crashed, the outcome is what the script gives.
fn result_is_right(task: &Task, known: &Known) -> Result<(), Wrong> {
    if known.is_external() {
        return Ok(());
    }
    let script: Script = task.input.to().map_err(|error| error.to_string())?;
    let gives = script.gives();
    if task.state == TaskState::Succeeded {
        let gave = task.output.as_ref().and_then(|output| output.to::<u64>().ok());
        if gave != gives {
            return Err(format!("it gave {gave:?}, which should be {gives:?}"));
        }
    }
    let expected = if gives.is_some() {
        TaskState::Succeeded
    } else {
        TaskState::Failed
    };
    if known.parent.is_none() && !known.disturbed && task.state != expected {
        return Err(format!(
            "it is {} ({:?}), which should be {expected}",
            task.state, task.error
        ));
    }
    Ok(())
}

async fn compare_events(world: &World) -> Result<(), Wrong> {
    let stored = all_events(world, EventScope::All).await.map_err(unreadable)?;
    world.referee.model(|model| {
        let differs = stored
            .iter()
            .zip(&model.history)
            .position(|(stored, told)| stored != told);
        match differs {
            Some(at) => Err(format!(
                "the stored event {:?} was told as {:?}",
                stored[at], model.history[at]
            )),
            None if stored.len() != model.history.len() => Err(format!(
                "{} events are stored, and {} were told",
                stored.len(),
                model.history.len()
            )),
            None => Ok(()),
        }
    })
}

async fn all_events(world: &World, scope: EventScope) -> Result<Vec<Event>, StoreError> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let query = EventQuery {
            scope,
            after: events.last().map_or(Seq(0), |event| event.seq),
            types: Vec::new(),
            limit: PAGE,
        };
        let page = world.store.events(query).await?;
        let last = page.len() < PAGE;
        events.extend(page);
        if last {
            return Ok(events);
        }
    }
}

/// A task's own events and lines, and its tree's.
async fn compare_one(world: &World, task: &Task) -> Result<(), Wrong> {
    let id = task.id;
    let own = all_events(world, EventScope::Task(id)).await.map_err(unreadable)?;
    let query = LogQuery {
        task: id,
        after: Seq(0),
        limit: 0,
    };
    let lines = world.store.logs(query).await.map_err(unreadable)?.len();
    let tree = match task.parent_id {
        None => Some(all_events(world, EventScope::Tree(id)).await.map_err(unreadable)?),
        Some(_) => None,
    };
    world.referee.model(|model| {
        let told = model.history.iter().filter(|event| event.task_id == Some(id));
        if !told.eq(own.iter()) {
            return Err(format!("the events of {id} are not those that were told"));
        }
        let told = model.history.iter().filter(|event| event.root_id == Some(id));
        if tree.is_some_and(|tree| !told.eq(tree.iter())) {
            return Err(format!("the events of the tree {id} are not those that were told"));
        }
        let written = model.task(id)?.lines;
        if lines != written {
            return Err(format!("{id} wrote {written} lines, of which the store has {lines}"));
        }
        Ok(())
    })
}

/// Everything has ended, so that everything can be forgotten.
async fn forget(world: &World) -> Result<(), Wrong> {
    while world.store.prune(Timestamp::MAX, 7).await.map_err(unreadable)? > 0 {}
    let left = all_tasks(world).await.map_err(unreadable)?;
    match left.keys().next() {
        Some(id) => Err(format!("{id} was not forgotten with the others")),
        None => Ok(()),
    }
}
