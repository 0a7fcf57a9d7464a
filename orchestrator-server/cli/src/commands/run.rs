//! `orchestrator run`.

use orchestrator_core::{Config, NewTask, protocol::TaskState};

use super::follow::{self, Ended};
use crate::{
    agents,
    args::{Run, Settings},
    exit::{Exit, Failure},
    jobs,
    output::Output,
    place,
};

/// Runs a task here, to its end.
pub async fn run(run: Run, settings: &Settings, output: Output) -> Result<Exit, Failure> {
    let orchestrator = place::open_to_run(&settings.database, here(settings)).await?;
    agents::register(&orchestrator, settings)?;
    agents::check_type(&orchestrator, &run.task_type)?;
    let mut task = NewTask::new(run.task_type.clone(), jobs::input(&run)?);
    jobs::prepare(run.out.as_deref())?;
    task.description = run.description.clone().unwrap_or_else(|| describe(&run));
    task.idempotency_key.clone_from(&run.idempotency_key);
    let handle = orchestrator.submit(task).await?;
    finish(&orchestrator, handle.id(), run.out.as_deref(), output).await
}

/// Follows a task that runs here to its end and delivers what it gave.
pub(super) async fn finish(
    orchestrator: &orchestrator_core::Orchestrator,
    id: orchestrator_core::protocol::TaskId,
    out: Option<&std::path::Path>,
    output: Output,
) -> Result<Exit, Failure> {
    match follow::to_the_end(orchestrator, id, output, follow::OnInterrupt::Cancel).await? {
        Ended::Abandoned => {
            orchestrator.abort();
            Ok(Exit::Cancelled)
        }
        Ended::Task(task) => {
            let exit = Exit::of(task.state);
            if task.state == TaskState::Succeeded {
                jobs::deliver(&task, out, output)?;
            } else {
                if output.is_json() {
                    output.json(&*task);
                }
                let why = task
                    .error
                    .as_ref()
                    .map_or_else(|| task.state.to_string(), |e| e.message.clone());
                output.remark(&match task.state {
                    TaskState::Cancelled => {
                        format!("cancelled; `orchestrator retry {id}` goes on with what was finished")
                    }
                    TaskState::NeedsAttention => {
                        format!("needs a decision: {why}; `orchestrator retry {id}` tries again")
                    }
                    _ => format!("failed: {why}; `orchestrator retry {id}` goes on with what was finished"),
                });
            }
            orchestrator.shutdown(std::time::Duration::from_secs(5)).await;
            Ok(exit)
        }
    }
}

/// This process as a worker.
pub(super) fn here(settings: &Settings) -> Config {
    let mut config = Config::default();
    config.worker.slots = settings.slots;
    config.worker.name = format!("orchestrator run (process {})", std::process::id());
    config.worker.labels = orchestrator_worker::builtin::labels();
    config
}

fn describe(run: &Run) -> String {
    match &run.repo {
        Some(repo) => format!("{} of {}", run.task_type, repo.display()),
        None => run.task_type.clone(),
    }
}
