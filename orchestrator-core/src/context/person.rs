//! People and outside systems: children that no worker runs.

use std::time::Duration;

use orchestrator_protocol::{Decision, Json, NewTask, TaskError, Verdict};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::TaskContext;

/// A question for people.
///
/// ```
/// use std::time::Duration;
///
/// use orchestrator_core::context::Checkpoint;
///
/// let checkpoint = Checkpoint::new("Publish?")
///     .content(&serde_json::json!({"text": "Hello"}))?
///     .expires_in(Duration::from_secs(86_400));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Checkpoint {
    question: String,
    content: Value,
    evaluation: Value,
    context: Value,
    description: String,
    expires_in: Option<Duration>,
    default: Option<Decision>,
}

impl Checkpoint {
    /// A question, without content, open until somebody answers.
    pub fn new(question: impl Into<String>) -> Self {
        Self {
            question: question.into(),
            content: Value::Null,
            evaluation: Value::Null,
            context: Value::Null,
            description: String::new(),
            expires_in: None,
            default: None,
        }
    }

    /// The same with the work under review.
    ///
    /// # Errors
    ///
    /// The content cannot be written as JSON.
    pub fn content<C: Serialize + ?Sized>(mut self, content: &C) -> Result<Self, serde_json::Error> {
        self.content = serde_json::to_value(content)?;
        Ok(self)
    }

    /// The same with what an evaluation said of the work: scores, issues, recommendations.
    #[must_use]
    pub fn evaluation(mut self, evaluation: impl Into<Value>) -> Self {
        self.evaluation = evaluation.into();
        self
    }

    /// The same with what else helps to decide: the request that the work answers, what was tried before.
    #[must_use]
    pub fn context(mut self, context: impl Into<Value>) -> Self {
        self.context = context.into();
        self
    }

    /// The same with a description of the task that asks; Markdown. Defaults to the question.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The same with an end: when nobody has answered by then, the default counts; without one the checkpoint fails.
    #[must_use]
    pub fn expires_in(mut self, duration: Duration) -> Self {
        self.expires_in = Some(duration);
        self
    }

    /// The same with the decision that counts once it has expired.
    #[must_use]
    pub fn default(mut self, decision: Decision) -> Self {
        self.default = Some(decision);
        self
    }
}

/// Something that an outside system completes by a call.
#[derive(Debug, Clone, Default)]
pub struct External {
    description: String,
    input: Json,
    expires_in: Option<Duration>,
}

impl External {
    /// An event with a description for people; Markdown.
    pub fn new(description: impl Into<String>) -> Self {
        Self {
            description: description.into(),
            ..Self::default()
        }
    }

    /// The same with what the outside system should know.
    #[must_use]
    pub fn input(mut self, input: Json) -> Self {
        self.input = input;
        self
    }

    /// The same with an end, after which it fails.
    #[must_use]
    pub fn expires_in(mut self, duration: Duration) -> Self {
        self.expires_in = Some(duration);
        self
    }
}

impl TaskContext {
    /// Asks people and waits for their decision, minutes or days later; the question is the name. The task is suspended
    /// meanwhile. A rejection is a decision like any other: see [`TaskContext::approval`].
    ///
    /// # Errors
    ///
    /// As [`TaskContext::call`].
    pub async fn checkpoint<C: Serialize + ?Sized>(
        &self,
        question: impl Into<String>,
        content: &C,
    ) -> Result<Decision, TaskError> {
        let question = question.into();
        let checkpoint = Checkpoint::new(question.clone()).content(content).map_err(|error| {
            TaskError::terminal(format!(
                "the content of the checkpoint `{question}` cannot be written as JSON: {error}"
            ))
        })?;
        self.checkpoint_with(question, checkpoint).await
    }

    /// As [`TaskContext::checkpoint`], with a name and everything that can be said of it.
    ///
    /// # Errors
    ///
    /// As [`TaskContext::call`]; a terminal error when it expired without a default.
    pub async fn checkpoint_with(
        &self,
        name: impl Into<String>,
        checkpoint: Checkpoint,
    ) -> Result<Decision, TaskError> {
        let mut input = Map::new();
        input.insert("question".to_owned(), Value::String(checkpoint.question.clone()));
        input.insert("content".to_owned(), checkpoint.content);
        for (name, value) in [("evaluation", checkpoint.evaluation), ("context", checkpoint.context)] {
            if !value.is_null() {
                input.insert(name.to_owned(), value);
            }
        }
        if let Some(expiry) = checkpoint.expires_in {
            input.insert("expires_in_s".to_owned(), Value::from(expiry.as_secs_f64()));
        }
        if let Some(default) = &checkpoint.default {
            let default = serde_json::to_value(default).unwrap_or_default();
            input.insert("default".to_owned(), default);
        }
        let mut task = NewTask::new("checkpoint", Json::from(Value::Object(input)));
        task.description = Some(checkpoint.description)
            .filter(|d| !d.is_empty())
            .unwrap_or(checkpoint.question);
        self.ask_outside(name, task, checkpoint.expires_in).await
    }

    /// As [`TaskContext::checkpoint`], for work that cannot go on after a rejection: accepted, or to be corrected.
    ///
    /// # Errors
    ///
    /// A terminal error with the feedback when it was rejected; otherwise as [`TaskContext::call`].
    pub async fn approval<C: Serialize + ?Sized>(
        &self,
        question: impl Into<String>,
        content: &C,
    ) -> Result<Decision, TaskError> {
        let question = question.into();
        let decision = self.checkpoint(question.clone(), content).await?;
        if decision.decision == Verdict::Reject {
            return Err(TaskError::terminal(format!(
                "`{question}` was rejected: {}",
                if decision.feedback.is_empty() {
                    "no reason was given"
                } else {
                    &decision.feedback
                }
            )));
        }
        Ok(decision)
    }

    /// Waits for an outside system to complete a child of this task with an output. The task is suspended meanwhile.
    ///
    /// # Errors
    ///
    /// As [`TaskContext::call`]; a terminal error when it expired.
    pub async fn wait_external<O: DeserializeOwned>(
        &self,
        name: impl Into<String>,
        external: External,
    ) -> Result<O, TaskError> {
        let mut task = NewTask::new("external", external.input);
        task.description = external.description;
        self.ask_outside(name, task, external.expires_in).await
    }

    async fn ask_outside<O: DeserializeOwned>(
        &self,
        name: impl Into<String>,
        mut task: NewTask,
        expires_in: Option<Duration>,
    ) -> Result<O, TaskError> {
        // Only the first asking sets the end: a child that exists stays as it is.
        task.deadline = expires_in.map(|expiry| self.inner.host.sources.clock.now().plus(expiry));
        self.call(name, task).await
    }
}
