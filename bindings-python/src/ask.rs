//! Everything that an engine can be asked, whichever it is.

use orchestrator_protocol::{
    Decision, EventType, ExternalResult, LimitRule, NewSchedule, NewTask, ScheduleId, Seq, TaskId, TaskState, WorkerId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;

/// One question, as the Python half writes it: an object whose one key is the question's name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Ask {
    Submit {
        tasks: Vec<NewTask>,
    },
    Get {
        task_id: TaskId,
    },
    /// The task once it has ended or needs a person, or as it is after so many seconds.
    Settled {
        task_id: TaskId,
        wait_s: Option<f64>,
    },
    List(List),
    Tree {
        task_id: TaskId,
    },
    History {
        task_id: TaskId,
        after: Seq,
        tree: bool,
        types: Vec<EventType>,
        limit: u32,
    },
    Logs {
        task_id: TaskId,
        after: Seq,
        limit: u32,
    },
    Why {
        task_id: TaskId,
    },
    Cancel {
        task_id: TaskId,
        reason: String,
    },
    Retry {
        task_id: TaskId,
    },
    Pause {
        task_id: TaskId,
    },
    Resume {
        task_id: TaskId,
    },
    Decide {
        task_id: TaskId,
        decision: Decision,
    },
    Complete {
        task_id: TaskId,
        result: ExternalResult,
    },
    Checkpoints {
        root_id: Option<TaskId>,
    },
    Workers,
    Worker {
        worker_id: WorkerId,
    },
    Drain {
        worker_id: WorkerId,
    },
    Schedules,
    PutSchedule {
        schedule: Box<NewSchedule>,
    },
    PauseSchedule {
        schedule_id: ScheduleId,
        paused: bool,
    },
    DeleteSchedule {
        schedule_id: ScheduleId,
    },
    Limits,
    PutLimit {
        key: String,
        rule: Option<LimitRule>,
    },
    PauseQueue {
        queue: String,
        paused: bool,
    },
    Stats,
    /// Does what is due, for tests that hold the clock; gives how much that was.
    Tick,
}

/// Which tasks to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    pub(crate) states: Vec<TaskState>,
    pub(crate) task_type: Option<String>,
    pub(crate) root_id: Option<TaskId>,
    pub(crate) parent_id: Option<TaskId>,
    pub(crate) worker_id: Option<WorkerId>,
    pub(crate) label: Option<(String, String)>,
    pub(crate) text: Option<String>,
    pub(crate) roots_only: bool,
    pub(crate) limit: u32,
    pub(crate) cursor: Option<String>,
}

/// Which events to follow.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Follow {
    pub(crate) task_id: Option<TaskId>,
    pub(crate) tree: bool,
    pub(crate) types: Vec<EventType>,
    pub(crate) after: Option<Seq>,
}

/// What paths begin with that are in a question, and not of the user's making.
const NAMES: [&str; 3] = ["submit.", "put_schedule.", "put_limit."];

/// Reads what the Python half wrote.
///
/// # Errors
///
/// A field is wrong; the failure names it.
pub(crate) fn read<'d, T: Deserialize<'d>>(text: &'d str) -> Result<T, Failure> {
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        // Without the question's name, which nobody has seen.
        let path = NAMES
            .iter()
            .find_map(|name| path.strip_prefix(name))
            .unwrap_or(&path)
            .to_owned();
        let message = said(error.inner());
        let failure = Failure::invalid(if path == "." {
            message.clone()
        } else {
            format!("{path}: {message}")
        });
        Failure {
            detail: serde_json::json!({"errors": [{"field": path, "message": message}]}),
            ..failure
        }
    })
}

/// What serde says, without where in a text that nobody has seen.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// An answer as Python gets it.
pub(crate) fn written(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::new("internal", error.to_string()))
}

/// An answer that says nothing.
pub(crate) fn nothing() -> Result<String, Failure> {
    written(&Value::Null)
}
