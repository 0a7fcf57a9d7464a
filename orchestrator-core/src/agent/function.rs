//! Agents made from closures and functions.

use std::{fmt, future::Future};

use async_trait::async_trait;
use futures::future::{BoxFuture, FutureExt};
use orchestrator_protocol::{Json, TaskError};
use serde::{Serialize, de::DeserializeOwned};

use super::{Agent, BoxError, error::task_error};
use crate::context::TaskContext;

type Run = dyn Fn(TaskContext, Json) -> BoxFuture<'static, Result<Json, TaskError>> + Send + Sync;

/// An agent made from a closure; see [`agent`].
pub struct FnAgent {
    task_type: String,
    description: String,
    requires: Vec<String>,
    input_schema: Option<serde_json::Value>,
    run: Box<Run>,
}

/// An agent made from a closure or a function with a typed input and output.
///
/// The input is read from the task's JSON and the output written to JSON. An input that does not fit is a terminal
/// error which names the field. Any error that can be boxed may be returned; [`AgentError`](super::AgentError) takes
/// everything that `?` meets.
///
/// ```
/// use orchestrator_core::{agent::{AgentError, agent}, context::TaskContext};
///
/// #[derive(serde::Deserialize)]
/// struct Doc {
///     text: String,
/// }
///
/// let summarize = agent("summarize", |ctx: TaskContext, doc: Doc| async move {
///     let words: usize = ctx
///         .step("count", || async { Ok::<_, AgentError>(doc.text.split_whitespace().count()) })
///         .await?;
///     Ok::<_, AgentError>(format!("{words} words"))
/// })
/// .description("Says how long a text is.");
/// ```
pub fn agent<F, Fut, I, O, E>(task_type: impl Into<String>, run: F) -> FnAgent
where
    F: Fn(TaskContext, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, E>> + Send + 'static,
    I: DeserializeOwned + 'static,
    O: Serialize + 'static,
    E: Into<BoxError> + 'static,
{
    let task_type = task_type.into();
    let name = task_type.clone();
    let run = move |ctx: TaskContext, input: Json| -> BoxFuture<'static, Result<Json, TaskError>> {
        let input: I = match input.to() {
            Ok(input) => input,
            Err(error) => return futures::future::ready(Err(wrong_input::<I>(&name, &input, &error))).boxed(),
        };
        let name = name.clone();
        run(ctx, input)
            .map(move |result| match result {
                Ok(output) => Json::of(&output).map_err(|error| wrong_output(&name, &error)),
                Err(error) => Err(task_error(error.into())),
            })
            .boxed()
    };
    FnAgent {
        task_type,
        description: String::new(),
        requires: Vec::new(),
        input_schema: None,
        run: Box::new(run),
    }
}

/// Says which field of an input is wrong: it is read once more, now with the way to the field.
fn wrong_input<I: DeserializeOwned>(agent: &str, input: &Json, error: &serde_json::Error) -> TaskError {
    let mut reader = serde_json::Deserializer::from_str(input.get());
    let field = serde_path_to_error::deserialize::<_, I>(&mut reader)
        .err()
        .map(|error| error.path().to_string())
        .filter(|path| path != ".")
        .map_or_else(String::new, |path| format!("{path}: "));
    TaskError::terminal(format!(
        "the input is not what the agent `{agent}` takes: {field}{error}"
    ))
}

fn wrong_output(agent: &str, error: &serde_json::Error) -> TaskError {
    TaskError::terminal(format!(
        "the output of the agent `{agent}` cannot be written as JSON: {error}"
    ))
}

impl FnAgent {
    /// The same agent with a description for people; Markdown.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The same agent, only for workers that offer these labels.
    #[must_use]
    pub fn requires<L: Into<String>>(mut self, labels: impl IntoIterator<Item = L>) -> Self {
        self.requires = labels.into_iter().map(Into::into).collect();
        self
    }

    /// The same agent with a JSON schema of its input: written by hand, or derived from its type by the crate `schemars`.
    ///
    /// ```
    /// # use orchestrator_core::{AgentError, TaskContext, agent::agent};
    /// # let double = |_: TaskContext, n: i64| async move { Ok::<_, AgentError>(n * 2) };
    /// let agent = agent("double", double).input_schema(serde_json::json!({"type": "integer", "title": "A number"}));
    /// // For a type that derives `schemars::JsonSchema`: `.input_schema(schemars::schema_for!(Doc))`.
    /// ```
    #[must_use]
    pub fn input_schema(mut self, schema: impl Into<serde_json::Value>) -> Self {
        self.input_schema = Some(schema.into());
        self
    }
}

#[async_trait]
impl Agent for FnAgent {
    fn task_type(&self) -> &str {
        &self.task_type
    }

    fn description(&self) -> &str {
        &self.description
    }

    fn requires(&self) -> Vec<String> {
        self.requires.clone()
    }

    fn input_schema(&self) -> Option<serde_json::Value> {
        self.input_schema.clone()
    }

    async fn run(&self, ctx: TaskContext, input: Json) -> Result<Json, TaskError> {
        (self.run)(ctx, input).await
    }
}

impl fmt::Debug for FnAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnAgent")
            .field("task_type", &self.task_type)
            .finish_non_exhaustive()
    }
}
