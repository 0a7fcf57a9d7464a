//! `orchestrator logs`.

use std::{collections::BTreeMap, time::Duration};

use orchestrator_core::{
    protocol::{LogLine, Seq, Task, TaskId},
    service::Engine,
    store::LogQuery,
};
use serde_json::json;

use crate::{
    args::Logs,
    exit::{Exit, Failure},
    output::Output,
    place::{self, Place},
};

/// How often a followed log is read.
const EVERY: Duration = Duration::from_millis(300);

/// Prints what a task wrote. For programs: an object a line.
pub async fn logs(logs: &Logs, place: &Place, output: Output) -> Result<Exit, Failure> {
    let orchestrator = place.open_to_look().await?;
    let engine = orchestrator.engine();
    let id = place::find(engine, logs.which.word()).await?;
    let mut reader = Reader {
        engine,
        output,
        named: logs.tree,
        read: BTreeMap::new(),
    };
    loop {
        // Looked at before the lines are read, so that the last lines are read after the end.
        let task = engine.get(id).await?;
        if logs.tree {
            reader.tree(id).await?;
        } else {
            reader.print(&task).await?;
        }
        if !logs.follow || task.state.is_terminal() {
            return Ok(Exit::Success);
        }
        if place::is_deserted(engine, &task).await? {
            output.remark("no process runs it; nothing more will come until it is retried");
            return Ok(Exit::Success);
        }
        tokio::time::sleep(EVERY).await;
    }
}

struct Reader<'a> {
    engine: &'a Engine,
    output: Output,
    /// Whether each line says whose it is.
    named: bool,
    /// The place of the last line that was read, for each task.
    read: BTreeMap<TaskId, Seq>,
}

impl Reader<'_> {
    /// Prints the new lines of a whole tree: task by task, each in its order.
    async fn tree(&mut self, id: TaskId) -> Result<(), Failure> {
        for task in self.engine.tree(id).await?.tasks {
            self.print(&task).await?;
        }
        Ok(())
    }

    /// Prints a task's new lines.
    async fn print(&mut self, task: &Task) -> Result<(), Failure> {
        let name = task.step.as_deref().unwrap_or(&task.task_type);
        loop {
            let after = self.read.get(&task.id).copied().unwrap_or(Seq(0));
            let query = LogQuery {
                task: task.id,
                after,
                limit: 0,
            };
            let lines: Vec<LogLine> = self.engine.logs(query).await?;
            let Some(last) = lines.last() else { return Ok(()) };
            self.read.insert(task.id, last.seq);
            for line in &lines {
                if self.output.is_json() {
                    self.output.json(&json!({
                        "task_id": task.id, "step": task.step, "seq": line.seq, "at": line.at,
                        "stream": line.stream, "text": line.text,
                    }));
                } else if self.named {
                    self.output.line(&format!("{name}: {}", line.text));
                } else {
                    self.output.line(&line.text);
                }
            }
        }
    }
}
