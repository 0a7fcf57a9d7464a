//! Answers that are more than one task, and requests that are less.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{ErrorClass, Json, Seq, Task, TaskError, TaskId, TaskState, Timestamp, forgiving, object};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PageOf{T}"))]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Where the next page starts; none on the last one.
    pub next_cursor: Option<String>,
}

/// A line that a task wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogLine {
    /// Its place in the history.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// `stdout`, `stderr` or `log`.
    pub stream: String,
    /// The line, without its end.
    pub text: String,
}

/// A task and all below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tree {
    /// The tasks, parents before their children.
    pub tasks: Vec<Task>,
    /// From a dependency to what depends on it.
    pub edges: Vec<Edge>,
}

/// `from` must settle before `to` starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Edge {
    /// The dependency.
    pub from: TaskId,
    /// What depends on it.
    pub to: TaskId,
}

/// Why a task is where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Why {
    /// Its state.
    pub state: TaskState,
    /// The reasons, the most telling first.
    pub reasons: Vec<Reason>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reason {
    /// A stable name: `dependency`, `no_worker`, `limit`, `paused`, `budget`, `not_yet`, `backoff`, …
    pub code: String,
    /// One line for people.
    pub message: String,
    /// Tasks that the reason names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskId>,
}

impl Reason {
    /// A reason that names no tasks.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            tasks: Vec::new(),
        }
    }
}

/// How a person decides at a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Go on.
    Accept,
    /// Go on after these corrections.
    Correct,
    /// Stop here.
    Reject,
}

/// A person's decision, as it is stored and as the waiting agent gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Decision {
    /// Accept, correct or reject.
    pub decision: Verdict,
    /// What to change, or why.
    #[serde(default)]
    pub feedback: String,
}

/// The request that completes a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DecisionRequest {
    /// Accept, correct or reject.
    pub decision: Verdict,
    /// What to change, or why.
    #[serde(default)]
    pub feedback: String,
}

impl From<DecisionRequest> for Decision {
    fn from(DecisionRequest { decision, feedback }: DecisionRequest) -> Self {
        Self { decision, feedback }
    }
}

/// The request that completes an external task: one of the two.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ExternalResult {
    /// It succeeded.
    Output(Json),
    /// It failed.
    Error(#[cfg_attr(feature = "schema", schemars(with = "ToldError"))] TaskError),
}

/// The same as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldResult {
    /// What it gave, be it `null`.
    #[serde(default, deserialize_with = "forgiving::present")]
    output: Option<Json>,
    #[serde(default, deserialize_with = "object::optional")]
    error: Option<ToldError>,
}

impl<'de> Deserialize<'de> for ExternalResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let told = ToldResult::deserialize(deserializer)?;
        match (told.output, told.error) {
            (Some(output), None) => Ok(Self::Output(output)),
            (None, Some(error)) => Ok(Self::Error(error.into())),
            _ => Err(de::Error::custom("say `output` or `error`: one of the two")),
        }
    }
}

/// Why an external task failed, as a request says it.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct ToldError {
    /// What kind of failure it is. Defaults to `terminal`.
    #[serde(default = "terminal")]
    class: ErrorClass,
    /// One clear line that says what happened and what to do.
    message: String,
    /// More, for programs and the curious.
    #[serde(default)]
    detail: serde_json::Value,
    /// Seconds that a provider asked to wait.
    #[serde(default)]
    retry_after_s: Option<f64>,
}

const fn terminal() -> ErrorClass {
    ErrorClass::Terminal
}

impl From<ToldError> for TaskError {
    fn from(told: ToldError) -> Self {
        Self {
            class: told.class,
            message: told.message,
            detail: told.detail,
            retry_after_s: told.retry_after_s,
        }
    }
}

/// What waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Checkpoint {
    /// The checkpoint, itself a task.
    pub task: Task,
    /// What is asked.
    pub question: String,
    /// The work under review.
    pub content: Json,
    /// The scores and issues that an evaluation gave it; null where there was none.
    #[serde(default)]
    pub evaluation: Json,
    /// What else helps to decide, as whoever asks has put it together; null where that is nothing.
    #[serde(default)]
    pub context: Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_task_gets_one_of_the_two_and_nothing_else() {
        let read = |text: &str| serde_json::from_str::<ExternalResult>(text);
        assert_eq!(read(r#"{"output": null}"#).unwrap(), ExternalResult::Output(Json::NULL));
        let ExternalResult::Error(error) = read(r#"{"error": {"message": "no"}}"#).unwrap() else {
            panic!("an error")
        };
        assert_eq!((error.class, &*error.message), (ErrorClass::Terminal, "no"));
        for (text, part) in [
            ("{}", "one of the two"),
            (r#"{"output": 1, "error": {"message": "x"}}"#, "one of the two"),
            (r#"{"error": {"message": "x", "colour": 1}}"#, "colour"),
            (r#"{"result": 1}"#, "result"),
            (r#"{"error": {}}"#, "message"),
        ] {
            let refused = read(text).unwrap_err().to_string();
            assert!(refused.contains(part), "{text}: {refused}");
        }
    }
}
