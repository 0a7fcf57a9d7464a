//! `orchestrator logs`.

use std::time::Duration;

use orchestrator_core::{
    Orchestrator,
    protocol::{LogLine, Seq, TaskId},
    store::LogQuery,
};

use crate::{
    args::{Logs, Settings},
    exit::{Exit, Failure},
    output::Output,
    place,
};

/// How often a followed log is read.
const EVERY: Duration = Duration::from_millis(300);

/// Prints what a task wrote.
pub async fn logs(logs: &Logs, settings: &Settings, output: Output) -> Result<Exit, Failure> {
    let orchestrator = place::open_to_look(&settings.database).await?;
    let id = place::find(&orchestrator, &logs.task).await?;
    if logs.tree {
        let tasks = orchestrator.engine().tree(id).await?.tasks;
        for task in tasks {
            let name = task.step.unwrap_or(task.task_type);
            print(&orchestrator, task.id, Seq(0), Some(&name), output).await?;
        }
        return Ok(Exit::Success);
    }
    let mut after = Seq(0);
    loop {
        // Looked at before the lines are read, so that the last lines are read after the end.
        let ended = orchestrator.engine().get(id).await?.state.is_terminal();
        after = print(&orchestrator, id, after, None, output).await?;
        if !logs.follow || ended {
            return Ok(Exit::Success);
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Prints a task's lines after a place, and says the place of the last.
async fn print(
    orchestrator: &Orchestrator,
    task: TaskId,
    mut after: Seq,
    name: Option<&str>,
    output: Output,
) -> Result<Seq, Failure> {
    loop {
        let lines: Vec<LogLine> = orchestrator.engine().logs(LogQuery { task, after, limit: 0 }).await?;
        let Some(last) = lines.last() else { return Ok(after) };
        after = last.seq;
        for line in &lines {
            output.result(line, || match name {
                Some(name) => format!("{name}: {}", line.text),
                None => line.text.clone(),
            });
        }
    }
}
