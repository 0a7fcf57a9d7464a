//! Stepping in on a server.

use std::time::Duration;

use orchestrator_client::Client;
use orchestrator_core::protocol::{Decision, TaskState};

use super::find;
use crate::{
    args::{Cancel, Decide, Retry},
    exit::{Exit, Failure},
    output::Output,
    place,
};

/// How long agents get to stop before this command leaves them to it: a little more than their grace period.
const PATIENCE: Duration = Duration::from_secs(12);

pub(super) async fn cancel(cancel: &Cancel, client: &Client, output: Output) -> Result<Exit, Failure> {
    let id = find::task(client, cancel.which.word()).await?;
    let before = client.task(id).await?;
    if before.state.is_terminal() {
        output.result(&before, || format!("{id} had {} already", place::ended(before.state)));
        return Ok(Exit::Success);
    }
    client.cancel(id).await?;
    let task = client.result(id, PATIENCE).await?;
    output.result(&task, || {
        if task.state.is_terminal() {
            format!("{id} is {}", task.state)
        } else {
            format!("{id} was told to stop; `orchestrator watch {id}` shows when it has")
        }
    });
    Ok(Exit::Success)
}

pub(super) async fn retry(retry: &Retry, client: &Client, output: Output) -> Result<Exit, Failure> {
    if retry.out.is_some() {
        return Err(Failure::usage(
            "--out is for tasks that run here; `orchestrator show` prints what one on a server gave",
        ));
    }
    let id = find::task(client, retry.which.word()).await?;
    let task = match client.task(id).await?.state {
        TaskState::Paused => client.resume(id).await?,
        _ => client.retry(id).await?,
    };
    output.result(&task, || {
        format!("{id} is {}; `orchestrator watch {id}` follows it", task.state)
    });
    Ok(Exit::Success)
}

pub(super) async fn decide(decide: &Decide, client: &Client, output: Output) -> Result<Exit, Failure> {
    let id = find::checkpoint(client, &decide.task).await?;
    let decision = Decision {
        decision: decide.decision.into(),
        feedback: decide.feedback.clone(),
    };
    let task = client.decide(id, &decision).await?;
    output.result(&task, || format!("{id} is decided"));
    Ok(Exit::Success)
}
