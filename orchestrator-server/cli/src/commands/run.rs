//! `orchestrator run`.

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
    let job = &run.job;
    let agents = agents::all(&run.here)?;
    agents::check_type(&agents, &job.task_type)?;
    let mut task = jobs::task(job, jobs::input_here(&run)?);
    jobs::prepare(job.out.as_deref())?;
    if job.budget.is_some() && run.here.model.is_some() && run.here.model_price.is_none() {
        output.remark(
            "--budget stops nothing that a model costs until --model-price says what that is; --budget-tokens does",
        );
    }
    agents::remember(&run.here, &mut task.labels);
    let label = place::run_label(job.idempotency_key.as_deref());
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
    work::to_the_end(&orchestrator, &task, audience, job.out.as_deref(), output).await
}
