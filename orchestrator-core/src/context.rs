//! What an agent can do: the context of one run of one task.

mod child;
mod fan_out;
pub(crate) mod host;
pub(crate) mod inner;
mod memo;
mod person;
mod step;
mod stop;
mod wait;

use std::{collections::BTreeMap, fmt, sync::Arc};

use orchestrator_protocol::{CheckpointFrequency, NewTask, TaskId, Usage};
use tokio_util::sync::CancellationToken;

pub use child::Child;
pub use person::{Checkpoint, External};
pub(crate) use stop::Stop;
pub use stop::StopReason;
pub(crate) use wait::Wait;

use self::inner::Inner;
use crate::store::ReportBody;

/// What an agent can do, and what it knows of its task.
///
/// Cheap to clone; clones may be used from several branches at once, as long as no two of them use the same name at the
/// same time.
///
/// # Names
///
/// Steps and children have names, unique among both within the task. A name that is met again, in a loop or when the
/// agent runs again after its worker was lost, gives the result that it gave before. It must mean the same thing then:
/// a child asked for with another type or input under a known name is a terminal error.
///
/// # Waiting
///
/// When everything that an agent is doing with its context is waiting (for children, people, events or timers), its
/// task is suspended: it gives back its lease and its worker's slot until something that it waits for has come. The
/// worker may then resume the suspended future, or another worker may run the agent from the top, with every finished
/// step and child returning at once. Two things follow:
///
/// * Work beside a wait belongs into [`TaskContext::step`]. Work that the context does not know of does not keep the
///   task from being suspended; operations that it starts meanwhile wait until the task goes on.
/// * A wait raced against a future that the context does not know of (`select!` with a plain timer, say) does not end
///   the suspension when that future wins. Use [`TaskContext::sleep`] and [`TaskContext::race`].
///
/// # Errors
///
/// Operations of a task that was stopped return an error of the class
/// [`Cancelled`](orchestrator_protocol::ErrorClass::Cancelled). Passing it on with `?` is the right thing to do.
///
/// # Cancel safety
///
/// Dropping an operation leaves it undone or done; what was recorded is found again under its name.
#[derive(Clone)]
pub struct TaskContext {
    pub(crate) inner: Arc<Inner>,
}

impl TaskContext {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// The task.
    pub fn task_id(&self) -> TaskId {
        self.inner.task
    }

    /// The topmost task of its tree.
    pub fn root_id(&self) -> TaskId {
        self.inner.root_id
    }

    /// How often the task was started, this time included: 1 at first. Going on after a wait does not count.
    pub fn attempt(&self) -> u32 {
        self.inner.attempt
    }

    /// What was submitted.
    pub fn spec(&self) -> &Arc<NewTask> {
        &self.inner.spec
    }

    /// What the task is, for people.
    pub fn description(&self) -> &str {
        &self.inner.spec.description
    }

    /// The task's free keys and values.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.inner.spec.labels
    }

    /// How often the agent should ask people.
    pub fn checkpoint_frequency(&self) -> CheckpointFrequency {
        self.inner.spec.checkpoint_frequency
    }

    /// Writes a line into the task's log; a text of several lines becomes several.
    ///
    /// Returns once the line is queued; what is queued when the lease is lost is lost too. Waits while the queue is
    /// full and while the task is suspended.
    pub async fn log(&self, text: impl Into<String>) {
        self.output("log", text).await;
    }

    /// Writes a line to one of the task's streams: `stdout`, `stderr` or `log`. Otherwise as [`TaskContext::log`].
    pub async fn output(&self, stream: &str, text: impl Into<String>) {
        let text = text.into();
        let at = self.inner.host.sources.clock.now();
        let line = |text: String| ReportBody::Log {
            stream: stream.to_owned(),
            text,
            at,
        };
        if !text.contains('\n') {
            return self.tell(line(text)).await;
        }
        for text in text.lines() {
            self.tell(line(text.to_owned())).await;
        }
    }

    /// Says how far the task is, from 0 to 1; numbers outside are clamped. Queued as [`TaskContext::log`].
    pub async fn progress(&self, progress: f64) {
        if !progress.is_nan() {
            self.tell(ReportBody::Progress(progress.clamp(0.0, 1.0))).await;
        }
    }

    /// Says what the task has spent since it last said so. Queued as [`TaskContext::log`]. A stopped agent can still
    /// say what it spent while it cleans up.
    pub async fn usage(&self, usage: Usage) {
        if !usage.is_zero() {
            self.tell(ReportBody::Usage(usage)).await;
        }
    }

    async fn tell(&self, body: ReportBody) {
        if let Ok(admitted) = self.inner.admit(true).await {
            admitted.tell(body).await;
        }
    }

    /// Whether the task was stopped: cancelled, out of time, lost to another worker, or its worker goes away.
    pub fn is_cancelled(&self) -> bool {
        self.inner.token.is_cancelled()
    }

    /// Why the task was stopped, if it was.
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.inner.stopped()
    }

    /// Returns when the task is stopped. The agent then has the worker's grace period to stop its processes and return;
    /// after that it is dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future forgets the wait.
    pub async fn cancelled(&self) {
        self.inner.token.cancelled().await;
    }

    /// A token that is cancelled when the task is stopped, to hand to others. Cancelling it does nothing to the task.
    pub fn cancellation(&self) -> CancellationToken {
        self.inner.token.child_token()
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext")
            .field("task_id", &self.inner.task)
            .field("attempt", &self.inner.attempt)
            .finish_non_exhaustive()
    }
}
