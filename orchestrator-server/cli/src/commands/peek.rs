//! What another process's tasks say: lines and progress are not among the events that every process sees.

use std::collections::BTreeMap;

use orchestrator_core::{
    protocol::{Event, EventBody, EventType, LogLine, Seq, TaskId},
    service::Engine,
    store::LogQuery,
};

use crate::{exit::Failure, view::View};

/// Whose lines are read at most in one look.
const TASKS: usize = 16;

/// Reads on where it stopped.
#[derive(Debug, Default)]
pub struct Peek {
    read: BTreeMap<TaskId, Seq>,
}

impl Peek {
    /// Tells a view what running tasks have said since the last look.
    pub async fn look(&mut self, engine: &Engine, view: &mut View) -> Result<(), Failure> {
        for id in view.running(TASKS) {
            let after = self.read.get(&id).copied().unwrap_or(Seq(0));
            let query = LogQuery {
                task: id,
                after,
                limit: 0,
            };
            let lines: Vec<LogLine> = engine.logs(query).await?;
            if let Some(last) = lines.last() {
                self.read.insert(id, last.seq);
            }
            for line in lines {
                let body = EventBody {
                    stream: Some(line.stream),
                    text: Some(line.text),
                    ..EventBody::default()
                };
                view.apply(&event(id, line.seq, line.at, EventType::TaskLog, body), true);
            }
            let task = engine.get(id).await?;
            if let Some(progress) = task.progress {
                let body = EventBody {
                    progress: Some(progress),
                    ..EventBody::default()
                };
                view.apply(&event(id, Seq(0), engine.now(), EventType::TaskProgress, body), true);
            }
        }
        Ok(())
    }
}

fn event(
    task: TaskId,
    seq: Seq,
    at: orchestrator_core::protocol::Timestamp,
    kind: EventType,
    body: EventBody,
) -> Event {
    Event {
        seq,
        at,
        kind,
        task_id: Some(task),
        root_id: None,
        body,
    }
}
