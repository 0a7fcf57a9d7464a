//! The port to whoever has the tasks: the calls that screens make.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use orchestrator_client::{EventsQuery, Step, transport::SendOutsideBrowsers};
use orchestrator_desktop_model::{Failure, list::Filter};
use orchestrator_protocol::{
    Checkpoint, Decision, Event, LogLine, NewTask, Page, Seq, Stats, Task, TaskId, TaskType, Tree, Why, Worker,
    WorkerId,
};

/// The most that a list gives at once.
pub const PAGE: u32 = 500;

/// Live events.
#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
pub trait Live: SendOutsideBrowsers {
    /// The next event, or what became of the connection.
    ///
    /// # Errors
    ///
    /// There will be none, however often one asks.
    async fn step(&mut self) -> Result<Step, Failure>;
}

/// Who has the tasks. Every call fails with a [`Failure`]: it was refused, or nobody answers.
#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
pub trait Source: fmt::Debug + Send + Sync + 'static {
    /// Returns after so long.
    async fn sleep(&self, wait: Duration);

    /// Live events.
    fn live(&self, query: EventsQuery) -> Box<dyn Live>;

    /// A page of tasks, the newest first.
    async fn tasks(&self, filter: Filter, limit: u32, cursor: Option<String>) -> Result<Page<Task>, Failure>;

    /// One task.
    async fn task(&self, id: TaskId) -> Result<Task, Failure>;

    /// A task and all below it.
    async fn tree(&self, id: TaskId) -> Result<Tree, Failure>;

    /// Why a task is where it is.
    async fn why(&self, id: TaskId) -> Result<Why, Failure>;

    /// The durable history of a task and of all below it, after a place.
    async fn history(&self, id: TaskId, after: Seq) -> Result<Vec<Event>, Failure>;

    /// A page of the lines that a task wrote, after a place.
    async fn logs(&self, id: TaskId, after: Seq) -> Result<Page<LogLine>, Failure>;

    /// Submits a task.
    async fn submit(&self, task: NewTask) -> Result<Task, Failure>;

    /// Cancels a task and everything below it.
    async fn cancel(&self, id: TaskId) -> Result<Task, Failure>;

    /// Runs a failed, cancelled or needs_attention task again.
    async fn retry(&self, id: TaskId) -> Result<Task, Failure>;

    /// Starts nothing more of a task and what is below it.
    async fn pause(&self, id: TaskId) -> Result<Task, Failure>;

    /// Takes a pause back.
    async fn resume(&self, id: TaskId) -> Result<Task, Failure>;

    /// Decides at a checkpoint.
    async fn decide(&self, id: TaskId, decision: Decision) -> Result<Task, Failure>;

    /// What waits for people, the newest first.
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, Failure>;

    /// The workers that are connected, by name.
    async fn workers(&self) -> Result<Vec<Worker>, Failure>;

    /// The types of tasks that workers run or have announced, by name; none where the server is too old to tell.
    async fn task_types(&self) -> Result<Vec<TaskType>, Failure>;

    /// Lets a worker finish what it has and take no more.
    async fn drain(&self, id: WorkerId) -> Result<Worker, Failure>;

    /// Counts.
    async fn stats(&self) -> Result<Stats, Failure>;

    /// Whether what runs tasks is inside the app, and must end before the app does.
    fn is_inside(&self) -> bool {
        false
    }

    /// Ends what is inside the app: what runs gets a moment to end, and what has not goes on at the next start.
    async fn end(&self) {}
}

/// A filter's label as a key and a value; none for one that is not whole yet.
pub(super) fn label(filter: &Filter) -> Option<(String, String)> {
    let (key, value) = filter.label.split_once(':')?;
    Some((key.trim().to_owned(), value.trim().to_owned()))
}

/// A filter's text, where there is one.
pub(super) fn text(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
