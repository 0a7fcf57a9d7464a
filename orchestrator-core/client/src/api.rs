//! The REST interface, operation by operation.

mod call;
mod error;
mod query;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use orchestrator_protocol::{
    Checkpoint, Decision, Event, ExternalResult, LimitRule, LogLine, NewSchedule, NewTask, Page, Role, Schedule,
    ScheduleId, Stats, Task, TaskId, TaskResult, TaskType, Timestamp, Token, TokenId, Tree, Why, Worker, WorkerId,
};
use reqwest::Method;
use serde::{Deserialize, Serialize};

pub use self::{
    error::ClientError,
    query::{HistoryQuery, PageQuery, TaskQuery, all},
};
use crate::{ServerAddress, Waiting, transport::Transport};

/// What a server can be asked. Cheap to clone; clones share their connections.
///
/// A request that does not reach a server is tried again a few times, at each replica in turn, where repeating it is
/// harmless: reading always is, and so is everything that the server recognises when it comes again.
///
/// ```no_run
/// use orchestrator_client::{Client, ServerAddress};
/// use orchestrator_protocol::{Json, NewTask};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new(ServerAddress::parse("http://127.0.0.1:8080", None)?)?;
/// let task = client.submit(&NewTask::new("digest", Json::NULL)).await?;
/// let ended = client.result(task.value.id, std::time::Duration::from_secs(30)).await?;
/// println!("{}", ended.state);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    address: ServerAddress,
    http: reqwest::Client,
    transport: Arc<dyn Transport>,
    /// How often what may be repeated is tried.
    tries: usize,
}

/// What a server made, or had already.
#[derive(Debug, Clone, PartialEq)]
pub struct Made<T> {
    /// What there is now.
    pub value: T,
    /// Whether it is new.
    pub new: bool,
}

/// A token that was just made, with the secret that nobody can tell again.
#[derive(Clone, Serialize, Deserialize)]
pub struct MintedToken {
    /// The token.
    #[serde(flatten)]
    pub token: Token,
    /// What its holder sends.
    pub secret: String,
}

/// The secret is shown to its holder only.
impl std::fmt::Debug for MintedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MintedToken")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// The rule of a limit key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// The key.
    pub key: String,
    /// The rule.
    #[serde(flatten)]
    pub rule: LimitRule,
}

#[derive(Serialize, Deserialize)]
struct Batch<T> {
    tasks: Vec<T>,
}

#[derive(Serialize)]
struct NewToken<'n> {
    name: &'n str,
    roles: &'n BTreeSet<Role>,
    expires_at: Option<Timestamp>,
}

/// Tasks. Every method fails with [`ClientError`]: the server refused, or could not be reached.
impl Client {
    /// Submits a task. With an idempotency key, a task that is known already comes back.
    pub async fn submit(&self, task: &NewTask) -> Result<Made<Task>, ClientError> {
        let repeatable = task.idempotency_key.is_some();
        self.call(Method::POST, "/tasks", repeatable).body(task).made().await
    }

    /// Submits several tasks, all or none.
    pub async fn submit_all(&self, tasks: &[NewTask]) -> Result<Made<Vec<Task>>, ClientError> {
        let repeatable = tasks.iter().all(|task| task.idempotency_key.is_some());
        let batch = Batch { tasks: tasks.to_vec() };
        let call = self.call(Method::POST, "/tasks/batch", repeatable).body(&batch);
        let made: Made<Batch<Task>> = call.made().await?;
        Ok(Made {
            value: made.value.tasks,
            new: made.new,
        })
    }

    /// A page of tasks, the newest first.
    pub async fn tasks(&self, query: &TaskQuery) -> Result<Page<Task>, ClientError> {
        self.read("/tasks").query(query.pairs()).answer().await
    }

    /// One task.
    pub async fn task(&self, task: TaskId) -> Result<Task, ClientError> {
        self.read(&format!("/tasks/{task}")).answer().await
    }

    /// The task once it is terminal, or as it is when the wait (at most 300 s) ends.
    pub async fn result(&self, task: TaskId, wait: Duration) -> Result<Task, ClientError> {
        let wait_s = vec![("wait_s".to_owned(), wait.as_secs_f64().to_string())];
        self.read(&format!("/tasks/{task}/result"))
            .query(wait_s)
            .patient(wait)
            .answer()
            .await
    }

    /// Waits for a task's end, and hears on the way of what keeps it from ending.
    pub fn wait_for(&self, task: TaskId) -> Waiting {
        Waiting::new(self.clone(), task)
    }

    /// The task once it is terminal, or once it or a task below it that it waits for needs a person's attention or has
    /// spent its budget, or as it is when the wait (at most 300 s) ends. Whoever asks again gets the same at once, until a
    /// person has acted.
    pub async fn result_or_attention(&self, task: TaskId, wait: Duration) -> Result<TaskResult, ClientError> {
        let query = vec![
            ("wait_s".to_owned(), wait.as_secs_f64().to_string()),
            ("attention".to_owned(), "true".to_owned()),
        ];
        self.read(&format!("/tasks/{task}/result"))
            .query(query)
            .patient(wait)
            .answer()
            .await
    }

    /// A task and all below it.
    pub async fn tree(&self, task: TaskId) -> Result<Tree, ClientError> {
        self.read(&format!("/tasks/{task}/tree")).answer().await
    }

    /// A page of a task's durable history.
    pub async fn task_events(&self, task: TaskId, query: &HistoryQuery) -> Result<Page<Event>, ClientError> {
        self.read(&format!("/tasks/{task}/events"))
            .query(query.pairs())
            .answer()
            .await
    }

    /// A page of the lines that a task wrote.
    pub async fn logs(&self, task: TaskId, query: &HistoryQuery) -> Result<Page<LogLine>, ClientError> {
        self.read(&format!("/tasks/{task}/logs"))
            .query(query.pairs())
            .answer()
            .await
    }

    /// Why a task is where it is.
    pub async fn why(&self, task: TaskId) -> Result<Why, ClientError> {
        self.read(&format!("/tasks/{task}/why")).answer().await
    }

    /// Cancels a task and everything below it.
    pub async fn cancel(&self, task: TaskId) -> Result<Task, ClientError> {
        self.call(Method::POST, &format!("/tasks/{task}/cancel"), true)
            .answer()
            .await
    }

    /// Runs a failed, cancelled or needs_attention task again, from its finished steps.
    pub async fn retry(&self, task: TaskId) -> Result<Task, ClientError> {
        self.call(Method::POST, &format!("/tasks/{task}/retry"), false)
            .answer()
            .await
    }

    /// Starts nothing more of a task and what is below it.
    pub async fn pause(&self, task: TaskId) -> Result<Task, ClientError> {
        self.call(Method::POST, &format!("/tasks/{task}/pause"), false)
            .answer()
            .await
    }

    /// Takes a pause back, or lets a task go on although its budget is spent.
    pub async fn resume(&self, task: TaskId) -> Result<Task, ClientError> {
        self.call(Method::POST, &format!("/tasks/{task}/resume"), false)
            .answer()
            .await
    }

    /// Decides at a checkpoint.
    pub async fn decide(&self, task: TaskId, decision: &Decision) -> Result<Task, ClientError> {
        let path = format!("/tasks/{task}/decision");
        self.call(Method::POST, &path, false).body(decision).answer().await
    }

    /// Completes an external task.
    pub async fn complete(&self, task: TaskId, result: &ExternalResult) -> Result<Task, ClientError> {
        let path = format!("/tasks/{task}/complete");
        self.call(Method::POST, &path, false).body(result).answer().await
    }

    /// A page of what waits for people, the newest first: everything, or what is in the tree of a task.
    pub async fn checkpoints(&self, root: Option<TaskId>, page: &PageQuery) -> Result<Page<Checkpoint>, ClientError> {
        let mut pairs = vec![("state".to_owned(), "open".to_owned())];
        pairs.extend(root.map(|root| ("root_id".to_owned(), root.to_string())));
        pairs.extend(page.pairs());
        self.read("/checkpoints").query(pairs).answer().await
    }
}

/// The fleet. Every method fails with [`ClientError`]: the server refused, or could not be reached.
impl Client {
    /// A page of the workers that are connected, by name.
    pub async fn workers(&self, page: &PageQuery) -> Result<Page<Worker>, ClientError> {
        self.read("/workers").query(page.pairs()).answer().await
    }

    /// One worker.
    pub async fn worker(&self, worker: WorkerId) -> Result<Worker, ClientError> {
        self.read(&format!("/workers/{worker}")).answer().await
    }

    /// Lets a worker finish what it has and take no more.
    pub async fn drain(&self, worker: WorkerId) -> Result<Worker, ClientError> {
        self.call(Method::POST, &format!("/workers/{worker}/drain"), true)
            .answer()
            .await
    }

    /// A page of the types of tasks that workers run or have announced, by name.
    pub async fn task_types(&self, page: &PageQuery) -> Result<Page<TaskType>, ClientError> {
        self.read("/task-types").query(page.pairs()).answer().await
    }

    /// A page of the schedules, by name.
    pub async fn schedules(&self, page: &PageQuery) -> Result<Page<Schedule>, ClientError> {
        self.read("/schedules").query(page.pairs()).answer().await
    }

    /// Creates a schedule, or replaces the one of the same name.
    pub async fn put_schedule(&self, schedule: &NewSchedule) -> Result<Made<Schedule>, ClientError> {
        self.call(Method::POST, "/schedules", true).body(schedule).made().await
    }

    /// One schedule.
    pub async fn schedule(&self, schedule: ScheduleId) -> Result<Schedule, ClientError> {
        self.read(&format!("/schedules/{schedule}")).answer().await
    }

    /// Removes a schedule; the tasks that it submitted stay.
    pub async fn delete_schedule(&self, schedule: ScheduleId) -> Result<(), ClientError> {
        self.call(Method::DELETE, &format!("/schedules/{schedule}"), false)
            .done()
            .await
    }

    /// Lets a schedule rest.
    pub async fn pause_schedule(&self, schedule: ScheduleId) -> Result<Schedule, ClientError> {
        self.call(Method::POST, &format!("/schedules/{schedule}/pause"), true)
            .answer()
            .await
    }

    /// Lets a schedule go on from now.
    pub async fn resume_schedule(&self, schedule: ScheduleId) -> Result<Schedule, ClientError> {
        self.call(Method::POST, &format!("/schedules/{schedule}/resume"), true)
            .answer()
            .await
    }

    /// A page of the limits, by key.
    pub async fn limits(&self, page: &PageQuery) -> Result<Page<Limit>, ClientError> {
        self.read("/limits").query(page.pairs()).answer().await
    }

    /// The rule of a key.
    pub async fn limit(&self, key: &str) -> Result<LimitRule, ClientError> {
        self.read(&format!("/limits/{}", call::segment(key))).answer().await
    }

    /// Sets the rule of a key.
    pub async fn put_limit(&self, key: &str, rule: &LimitRule) -> Result<LimitRule, ClientError> {
        let path = format!("/limits/{}", call::segment(key));
        self.call(Method::PUT, &path, true).body(rule).answer().await
    }

    /// Removes the rule of a key.
    pub async fn delete_limit(&self, key: &str) -> Result<(), ClientError> {
        let path = format!("/limits/{}", call::segment(key));
        self.call(Method::DELETE, &path, true).done().await
    }

    /// Starts nothing of a queue.
    pub async fn pause_queue(&self, queue: &str) -> Result<(), ClientError> {
        let path = format!("/queues/{}/pause", call::segment(queue));
        self.call(Method::POST, &path, true).done().await
    }

    /// Lets a paused queue go on.
    pub async fn resume_queue(&self, queue: &str) -> Result<(), ClientError> {
        let path = format!("/queues/{}/resume", call::segment(queue));
        self.call(Method::POST, &path, true).done().await
    }

    /// Counts.
    pub async fn stats(&self) -> Result<Stats, ClientError> {
        self.read("/stats").answer().await
    }

    /// A page of the tokens, by name.
    pub async fn tokens(&self, page: &PageQuery) -> Result<Page<Token>, ClientError> {
        self.read("/tokens").query(page.pairs()).answer().await
    }

    /// Makes a token.
    pub async fn create_token(
        &self,
        name: &str,
        roles: &BTreeSet<Role>,
        expires_at: Option<Timestamp>,
    ) -> Result<MintedToken, ClientError> {
        let body = NewToken {
            name,
            roles,
            expires_at,
        };
        self.call(Method::POST, "/tokens", false).body(&body).answer().await
    }

    /// Revokes a token.
    pub async fn delete_token(&self, token: TokenId) -> Result<(), ClientError> {
        self.call(Method::DELETE, &format!("/tokens/{token}"), false)
            .done()
            .await
    }
}
