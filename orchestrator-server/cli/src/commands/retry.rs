//! `orchestrator retry`.

use std::time::Duration;

use orchestrator_core::{
    Orchestrator,
    protocol::{Task, TaskState},
};

use super::work;
use crate::{
    agents,
    args::Retry,
    exit::{Exit, Failure},
    jobs,
    output::Output,
    place::{self, Place},
    view::Audience,
};

/// Runs a task again from what it has finished: one that ended badly, or one whose process was killed.
pub async fn retry(retry: Retry, place: &Place, output: Output) -> Result<Exit, Failure> {
    let mut retry = retry;
    jobs::prepare(retry.out.as_deref())?;
    let task = look(&retry, place, output).await?;
    if task.state == TaskState::Succeeded {
        output.remark("it has succeeded; there is nothing to retry, and this is its result");
        return jobs::hand_over(&task.into(), retry.out.as_deref(), output);
    }
    agents::recall(&mut retry.here, &task);
    let agents = agents::all(&retry.here)?;
    agents::check_type(&agents, &task.task_type)?;
    let orchestrator = work::open(place, &retry.here, agents, place::label_of(&task)).await?;
    let ended = matches!(
        task.state,
        TaskState::Failed | TaskState::Cancelled | TaskState::NeedsAttention
    );
    let task = if ended {
        orchestrator.engine().retry(task.id).await?
    } else if task.state == TaskState::Paused {
        orchestrator.engine().resume(task.id).await?
    } else {
        task
    };
    revive_below(&orchestrator, &task).await?;
    work::to_the_end(&orchestrator, &task, Audience::Late, retry.out.as_deref(), output).await
}

/// Tasks below that wait for a person's decision get it: this is one. Workers that were killed too often leave such.
async fn revive_below(orchestrator: &Orchestrator, task: &Task) -> Result<(), Failure> {
    let engine = orchestrator.engine();
    for below in engine.tree(task.id).await?.tasks {
        if below.id != task.id && below.state == TaskState::NeedsAttention {
            engine.retry(below.id).await?;
        }
    }
    Ok(())
}

/// The task that is meant: for a part of a tree that has ended, the whole tree, which takes the part along.
async fn look(retry: &Retry, place: &Place, output: Output) -> Result<Task, Failure> {
    let orchestrator = place.open_to_look().await?;
    let engine = orchestrator.engine();
    let id = place::find(engine, retry.which.word()).await?;
    let mut task = engine.get(id).await?;
    if task.root_id != id {
        let root = engine.get(task.root_id).await?;
        output.remark(&format!(
            "task {id} is a part of {} {}, which is retried as a whole; what has succeeded is kept",
            root.task_type, root.id
        ));
        task = root;
    }
    orchestrator.shutdown(Duration::ZERO).await;
    Ok(task)
}
