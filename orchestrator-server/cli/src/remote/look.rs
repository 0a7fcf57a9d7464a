//! Looking at tasks on a server.

use std::time::Duration;

use orchestrator_client::{
    Client,
    api::{HistoryQuery, TaskQuery},
};
use orchestrator_core::{
    clock::{Clock, SystemClock},
    protocol::{Placement, Seq, Task, TaskState},
};
use serde_json::json;

use super::find;
use crate::{
    args::{List, Logs, Which},
    commands::texts,
    exit::{Exit, Failure},
    output::Output,
};

/// How often a followed log is read.
const EVERY: Duration = Duration::from_millis(300);

/// How many lines are read at once.
const LINES: u32 = 500;

pub(super) async fn list(list: List, client: &Client, output: Output) -> Result<Exit, Failure> {
    let query = TaskQuery {
        states: list.state,
        task_type: list.task_type,
        label: list.label,
        text: list.text,
        roots_only: !list.all,
        limit: Some(u32::from(list.limit)),
        cursor: list.cursor,
        ..TaskQuery::default()
    };
    let page = client.tasks(&query).await?;
    output.result(&page, || texts::list(&page, SystemClock.now(), output));
    Ok(Exit::Success)
}

pub(super) async fn show(which: &Which, client: &Client, output: Output) -> Result<Exit, Failure> {
    let id = find::task(client, which.word()).await?;
    let tree = client.tree(id).await?;
    let task = tree.tasks.first().cloned();
    let task = task.ok_or_else(|| Failure::usage(format!("there is no task {id}")))?;
    let placement = placement(&task, client).await?;
    let shown = json!({"task": task, "tree": tree, "placement": placement});
    output.result(&shown, || texts::show(&task, &tree.tasks, placement.as_ref()));
    Ok(Exit::Success)
}

/// Why the worker that runs a task, or ran it last, was chosen: the last of its starts says so.
async fn placement(task: &Task, client: &Client) -> Result<Option<Placement>, Failure> {
    let mut placement = None;
    let mut after = Seq(0);
    loop {
        let query = HistoryQuery {
            after,
            limit: Some(LINES),
            ..HistoryQuery::default()
        };
        let page = client.task_events(task.id, &query).await?;
        let Some(last) = page.items.last() else { break };
        after = last.seq;
        let mut starts = page
            .items
            .into_iter()
            .filter(|e| e.body.state == Some(TaskState::Running));
        if let Some(start) = starts.next_back() {
            placement = start.body.placement.map(|placement| *placement);
        }
        if page.next_cursor.is_none() {
            break;
        }
    }
    Ok(placement)
}

pub(super) async fn why(which: &Which, client: &Client, output: Output) -> Result<Exit, Failure> {
    let id = find::task(client, which.word()).await?;
    let why = client.why(id).await?;
    output.result(&why, || {
        let mut lines = vec![format!("{id} is {}:", why.state)];
        lines.extend(why.reasons.iter().map(|reason| format!("  {}", reason.message)));
        lines.join("\n")
    });
    Ok(Exit::Success)
}

pub(super) async fn logs(logs: &Logs, client: &Client, output: Output) -> Result<Exit, Failure> {
    let id = find::task(client, logs.which.word()).await?;
    let mut read = std::collections::BTreeMap::new();
    loop {
        // Looked at before the lines are read, so that the last lines are read after the end.
        let task = client.task(id).await?;
        let tasks = if logs.tree {
            client.tree(id).await?.tasks
        } else {
            vec![task.clone()]
        };
        for task in &tasks {
            let after = read.entry(task.id).or_insert(Seq(0));
            print(client, task, after, logs.tree, output).await?;
        }
        if !logs.follow || task.state.is_terminal() {
            return Ok(Exit::Success);
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Prints the new lines of a task.
async fn print(client: &Client, task: &Task, after: &mut Seq, named: bool, output: Output) -> Result<(), Failure> {
    let name = task.step.as_deref().unwrap_or(&task.task_type);
    loop {
        let query = HistoryQuery {
            after: *after,
            limit: Some(LINES),
            ..HistoryQuery::default()
        };
        let page = client.logs(task.id, &query).await?;
        let Some(last) = page.items.last() else { return Ok(()) };
        *after = last.seq;
        for line in &page.items {
            if output.is_json() {
                output.json(&json!({
                    "task_id": task.id, "step": task.step, "seq": line.seq, "at": line.at,
                    "stream": line.stream, "text": line.text,
                }));
            } else if named {
                output.line(&format!("{name}: {}", line.text));
            } else {
                output.line(&line.text);
            }
        }
        if page.next_cursor.is_none() {
            return Ok(());
        }
    }
}
