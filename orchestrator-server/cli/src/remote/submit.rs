//! `orchestrator submit`.

use orchestrator_client::Client;
use orchestrator_core::protocol::{Task, TaskState};

use super::watch;
use crate::{
    args::Submit,
    exit::{Exit, Failure},
    jobs,
    output::Output,
};

/// Hands a task to a server; with `--wait`, follows it to its end and hands over what it gave.
pub(super) async fn submit(submit: Submit, client: &Client, output: Output) -> Result<Exit, Failure> {
    let Submit { job, terms } = submit;
    if job.out.is_some() && !terms.wait {
        return Err(Failure::usage(
            "--out needs --wait: there is no report before the task has ended",
        ));
    }
    let mut task = jobs::task(&job, jobs::input(&job)?);
    jobs::prepare(job.out.as_deref())?;
    task.requires = terms.require;
    task.prefers = terms.prefer;
    task.limits = terms.limit_key;
    if let Some(priority) = terms.priority {
        task.priority = priority;
    }
    if let Some(queue) = terms.queue {
        task.queue = queue;
    }
    let made = client.submit(&task).await?;
    let id = made.value.id;
    if !made.new {
        output.remark(&format!("this was submitted before, as task {id}"));
    }
    if terms.wait {
        if !output.is_json() {
            output.remark(&format!("task {id}"));
        }
        unserved(client, &made.value, output).await;
        return watch::to_the_end(client, id, job.out.as_deref(), output).await;
    }
    output.result(&made.value, || made.value.id.to_string());
    unserved(client, &made.value, output).await;
    Ok(Exit::Success)
}

/// Tells when no worker may run the task: it waits for one, but a type that is spelled wrong would wait without a word.
async fn unserved(client: &Client, task: &Task, output: Output) {
    if task.state != TaskState::Ready {
        return;
    }
    // It is submitted whatever comes of this question.
    let Ok(why) = client.why(task.id).await else { return };
    if let Some(reason) = why.reasons.iter().find(|reason| reason.code == "no_worker") {
        output.remark(&format!("it waits: {}", reason.message));
    }
}
