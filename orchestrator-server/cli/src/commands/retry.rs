//! `orchestrator retry`.

use orchestrator_core::protocol::TaskState;

use super::run::{finish, here};
use crate::{
    agents,
    args::{Retry, Settings},
    exit::{Exit, Failure},
    jobs,
    output::Output,
    place,
};

/// Runs a task again from what it has finished: one that ended badly, or one whose process was killed.
pub async fn retry(retry: Retry, settings: &Settings, output: Output) -> Result<Exit, Failure> {
    place::open_to_look(&settings.database)
        .await?
        .shutdown(std::time::Duration::ZERO)
        .await;
    let orchestrator = place::open_to_run(&settings.database, here(settings)).await?;
    agents::register(&orchestrator, settings)?;
    let id = place::find(&orchestrator, &retry.task).await?;
    let task = orchestrator.engine().get(id).await?;
    agents::check_type(&orchestrator, &task.task_type)?;
    jobs::prepare(retry.out.as_deref())?;
    match task.state {
        TaskState::Succeeded => {
            output.remark(&format!(
                "task {id} has succeeded; there is nothing to retry, and this is its result"
            ));
            jobs::deliver(&task, retry.out.as_deref(), output)?;
            return Ok(Exit::Success);
        }
        TaskState::Failed | TaskState::Cancelled | TaskState::NeedsAttention => {
            orchestrator.engine().retry(id).await?;
        }
        TaskState::Running if is_held_elsewhere(&orchestrator, &task).await? => {
            output.remark("another process is running it; following it");
        }
        _ => output.remark("going on with what was finished"),
    }
    orchestrator.start()?;
    finish(&orchestrator, id, retry.out.as_deref(), output).await
}

/// Whether a living session of another process holds the task.
async fn is_held_elsewhere(
    orchestrator: &orchestrator_core::Orchestrator,
    task: &orchestrator_core::protocol::Task,
) -> Result<bool, Failure> {
    let workers = orchestrator.engine().workers().await?;
    Ok(workers.iter().any(|worker| Some(worker.id) == task.worker_id))
}
