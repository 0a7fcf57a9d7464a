//! `orchestrator run`.

use orchestrator_core::NewTask;

use super::work;
use crate::{
    agents,
    args::Run,
    exit::{Exit, Failure},
    jobs,
    output::Output,
    place::{self, Place},
    view::Audience,
};

/// Runs a task here, to its end.
pub async fn run(run: Run, place: &Place, output: Output) -> Result<Exit, Failure> {
    // Everything that can be wrong is looked at before anything is made.
    let agents = agents::all(&run.here)?;
    agents::check_type(&agents, &run.task_type)?;
    let mut task = NewTask::new(run.task_type.clone(), jobs::input(&run)?);
    jobs::prepare(run.out.as_deref())?;
    task.description = run.description.clone().unwrap_or_else(|| describe(&run));
    task.labels = run.label.iter().cloned().collect();
    agents::remember(&run.here, &mut task.labels);
    task.idempotency_key.clone_from(&run.idempotency_key);
    if let Some(attempts) = run.attempts {
        task.retry.max_attempts = attempts;
    }
    let label = place::run_label(run.idempotency_key.as_deref());
    task.requires.push(label.clone());
    let orchestrator = work::open(place, &run.here, agents, Some(&label)).await?;
    let submitted = orchestrator.engine().submit_one(task).await?;
    let (task, audience) = (
        submitted.task(),
        if submitted.created {
            Audience::Early
        } else {
            Audience::Late
        },
    );
    if !submitted.created {
        output.remark(&format!("this was submitted before, as task {}", task.id));
    }
    work::to_the_end(&orchestrator, &task, audience, run.out.as_deref(), output).await
}

fn describe(run: &Run) -> String {
    match &run.repo {
        Some(repo) => format!("{} of {}", run.task_type, repo.display()),
        None => run.task_type.clone(),
    }
}
