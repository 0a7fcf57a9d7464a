//! `orchestrator submit`.

use orchestrator_client::Client;
use orchestrator_core::{
    NewTask,
    protocol::{Task, TaskState},
};

use super::watch;
use crate::{
    args::Submit,
    exit::{Exit, Failure},
    jobs,
    output::Output,
};

/// Hands a task to a server; with `--wait`, follows it to its end and prints what it gave.
pub(super) async fn submit(submit: Submit, client: &Client, output: Output) -> Result<Exit, Failure> {
    let input = jobs::remote_input(submit.input.as_deref(), submit.repo.as_deref())?;
    let mut task = NewTask::new(submit.task_type.clone(), input);
    task.description = submit.description.clone().unwrap_or_else(|| describe(&submit));
    task.labels = submit.label.into_iter().collect();
    task.requires = submit.require;
    task.prefers = submit.prefer;
    task.limits = submit.limit_key;
    task.idempotency_key = submit.idempotency_key;
    if let Some(priority) = submit.priority {
        task.priority = priority;
    }
    if let Some(queue) = submit.queue {
        task.queue = queue;
    }
    if let Some(attempts) = submit.attempts {
        task.retry.max_attempts = attempts;
    }
    let made = client.submit(&task).await?;
    let id = made.value.id;
    if !made.new {
        output.remark(&format!("this was submitted before, as task {id}"));
    }
    if submit.wait {
        if !output.is_json() {
            output.remark(&format!("task {id}"));
        }
        unserved(client, &made.value, output).await;
        return watch::to_the_end(client, id, output).await;
    }
    output.result(&made.value, || submitted(&made.value));
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

fn submitted(task: &Task) -> String {
    task.id.to_string()
}

fn describe(submit: &Submit) -> String {
    match &submit.repo {
        Some(repo) => format!("{} of {}", submit.task_type, repo.display()),
        None => submit.task_type.clone(),
    }
}
