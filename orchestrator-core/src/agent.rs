//! Agents: what runs a task.

mod error;
mod function;
mod registry;

use async_trait::async_trait;
use orchestrator_protocol::{Json, TaskError};

pub(crate) use error::task_error;
pub use error::{AgentError, BoxError};
pub use function::{FnAgent, agent};
pub use registry::{Registry, RegistryError};

use crate::context::TaskContext;

/// What runs the tasks of one type: a function with a context.
///
/// Most agents are closures, made with [`agent`]; the trait is for those that carry state or are chosen at run time.
///
/// An agent may be run more than once for one task: after a failure, and after its worker was lost. What it does inside
/// [`TaskContext::step`] and what it asks of other tasks is remembered and not done again.
#[async_trait]
pub trait Agent: Send + Sync + 'static {
    /// The type of the tasks that it runs.
    fn task_type(&self) -> &str;

    /// What it does, for people; Markdown. Nothing by default.
    #[expect(
        clippy::unnecessary_literal_bound,
        reason = "agents return descriptions of their own"
    )]
    fn description(&self) -> &str {
        ""
    }

    /// Labels that a worker must offer to have this agent (`tool:git`, `memory_gb>=16`): a worker that does not offer
    /// them leaves the agent out. None by default.
    fn requires(&self) -> Vec<String> {
        Vec::new()
    }

    /// A JSON schema of its input, for forms and validation. None by default.
    fn input_schema(&self) -> Option<serde_json::Value> {
        None
    }

    /// Runs one task and returns its output.
    ///
    /// # Errors
    ///
    /// The class of the error decides what happens next: see [`orchestrator_protocol::ErrorClass`]. A panic counts as a
    /// retryable error.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped some time after the context says that the task was stopped, and at any moment when it is
    /// suspended or the worker is aborted. What must be undone belongs into `Drop`.
    async fn run(&self, ctx: TaskContext, input: Json) -> Result<Json, TaskError>;
}
