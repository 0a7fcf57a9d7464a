//! Tasks from an engine inside the app: a file of its own, and the built-in agents on this machine.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use orchestrator_client::{EventsQuery, Step};
use orchestrator_core::{
    Orchestrator,
    orchestrator::Config,
    service::{self, Engine},
    store::{EventQuery, EventScope, ListQuery, LogQuery, StoreError},
};
use orchestrator_desktop_model::{Failure, FailureKind, list::Filter};
use orchestrator_protocol::{
    Checkpoint, Decision, Event, LogLine, NewTask, Page, Seq, Stats, Task, TaskId, TaskType, Tree, Why, Worker,
    WorkerId,
};
use orchestrator_worker::machine;

use super::source::{Live, PAGE, Source, label, text};

/// How many events of a history are read at once.
const EVENTS: usize = 1_000;

/// How long to wait before a store that failed is read again.
const PAUSE: Duration = Duration::from_millis(500);

/// How long what runs may take to end when the app does, before it is stopped and goes on at the next start.
const GRACE: Duration = Duration::from_secs(2);

/// An engine inside the app. It ends with the app; what it has done is in its file.
#[derive(Debug)]
pub(super) struct Embedded {
    /// Keeps its worker and its loops going.
    orchestrator: Orchestrator,
}

impl Embedded {
    /// Opens a store by its URL, and runs the built-in agents on it.
    pub(super) async fn open(url: &str) -> Result<Self, Failure> {
        let refused = |why: &dyn std::fmt::Display| Failure::new(FailureKind::Address, why.to_string());
        let mut config = Config::default();
        "app".clone_into(&mut config.worker.name);
        config.worker.labels = machine::labels()
            .await
            .into_iter()
            .chain(orchestrator_worker::builtin::labels())
            .collect();
        config.worker.load = machine::probe(Path::new("."));
        let orchestrator = Orchestrator::open_with(url, config)
            .await
            .map_err(|error| refused(&error))?;
        let agents = orchestrator_worker::builtin::agents(None).map_err(|error| refused(&error))?;
        for agent in agents {
            orchestrator.register_shared(agent).map_err(|error| refused(&error))?;
        }
        orchestrator.start().map_err(|error| refused(&error))?;
        Ok(Self { orchestrator })
    }

    fn engine(&self) -> &Engine {
        self.orchestrator.engine()
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // It was not told to end, and goes on after a crash then: what runs is taken up again at the next start.
        self.orchestrator.abort();
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn told(error: StoreError) -> Failure {
    let kind = match &error {
        StoreError::TaskNotFound(_) | StoreError::NotFound(_) => FailureKind::Missing,
        StoreError::Unavailable(_) => FailureKind::Unreachable,
        _ => FailureKind::Refused,
    };
    let fields = match &error {
        StoreError::Invalid { field, message } => vec![(field.clone(), message.clone())],
        _ => Vec::new(),
    };
    Failure {
        kind,
        message: error.to_string(),
        fields,
    }
}

/// Opens with the first step: until then nothing listens.
struct EmbeddedLive {
    engine: Engine,
    query: EventsQuery,
    live: Option<service::Live>,
}

#[async_trait]
impl Live for EmbeddedLive {
    async fn step(&mut self) -> Result<Step, Failure> {
        let Some(live) = &mut self.live else {
            let scope = match (self.query.task_id, self.query.tree) {
                (None, _) => EventScope::All,
                (Some(id), true) => EventScope::Tree(id),
                (Some(id), false) => EventScope::Task(id),
            };
            let after = match self.query.after {
                Some(after) => after,
                None => self.engine.store.newest().await.map_err(told)?,
            };
            let query = EventQuery {
                scope,
                after,
                types: self.query.types.clone(),
                limit: 0,
            };
            self.live = Some(self.engine.live(query).await.map_err(told)?);
            return Ok(Step::Connected);
        };
        match live.next().await {
            Ok(event) => {
                self.query.after = self.query.after.max(Some(event.seq));
                Ok(Step::Happened(Box::new(event)))
            }
            // It goes on where it stopped.
            Err(error) => {
                tokio::time::sleep(PAUSE).await;
                Ok(Step::Lost(error.to_string()))
            }
        }
    }
}

#[async_trait]
impl Source for Embedded {
    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }

    fn live(&self, query: EventsQuery) -> Box<dyn Live> {
        Box::new(EmbeddedLive {
            engine: self.engine().clone(),
            query,
            live: None,
        })
    }

    async fn tasks(&self, filter: Filter, limit: u32, cursor: Option<String>) -> Result<Page<Task>, Failure> {
        let query = ListQuery {
            task_type: text(&filter.task_type),
            label: label(&filter),
            text: text(&filter.text),
            states: filter.states,
            roots_only: !filter.children,
            limit: limit as usize,
            cursor,
            ..ListQuery::default()
        };
        self.engine().list(query).await.map_err(told)
    }

    async fn task(&self, id: TaskId) -> Result<Task, Failure> {
        self.engine().get(id).await.map_err(told)
    }

    async fn tree(&self, id: TaskId) -> Result<Tree, Failure> {
        self.engine().tree(id).await.map_err(told)
    }

    async fn why(&self, id: TaskId) -> Result<Why, Failure> {
        self.engine().why(id).await.map_err(told)
    }

    async fn history(&self, id: TaskId, after: Seq) -> Result<Vec<Event>, Failure> {
        let mut query = EventQuery {
            scope: EventScope::Tree(id),
            after,
            limit: EVENTS,
            ..EventQuery::default()
        };
        let mut all = Vec::new();
        loop {
            let events = self.engine().events(query.clone()).await.map_err(told)?;
            let whole = events.len() < EVENTS;
            query.after = events.last().map_or(query.after, |event| event.seq);
            all.extend(events);
            if whole {
                return Ok(all);
            }
        }
    }

    async fn logs(&self, id: TaskId, after: Seq) -> Result<Page<LogLine>, Failure> {
        let query = LogQuery {
            task: id,
            after,
            limit: PAGE as usize,
        };
        let items = self.engine().logs(query).await.map_err(told)?;
        let full = items.len() == PAGE as usize;
        let next_cursor = items.last().filter(|_| full).map(|line| line.seq.to_string());
        Ok(Page { items, next_cursor })
    }

    async fn submit(&self, task: NewTask) -> Result<Task, Failure> {
        Ok(self.engine().submit_one(task).await.map_err(told)?.task())
    }

    async fn cancel(&self, id: TaskId) -> Result<Task, Failure> {
        self.engine().cancel(id, "cancelled in the app").await.map_err(told)
    }

    async fn retry(&self, id: TaskId) -> Result<Task, Failure> {
        self.engine().retry(id).await.map_err(told)
    }

    async fn pause(&self, id: TaskId) -> Result<Task, Failure> {
        self.engine().pause(id).await.map_err(told)
    }

    async fn resume(&self, id: TaskId) -> Result<Task, Failure> {
        self.engine().resume(id).await.map_err(told)
    }

    async fn decide(&self, id: TaskId, decision: Decision) -> Result<Task, Failure> {
        self.engine().decide(id, &decision).await.map_err(told)
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, Failure> {
        let page = self
            .engine()
            .checkpoints(None, PAGE as usize, None)
            .await
            .map_err(told)?;
        Ok(page.items)
    }

    async fn workers(&self) -> Result<Vec<Worker>, Failure> {
        self.engine().workers().await.map_err(told)
    }

    async fn task_types(&self) -> Result<Vec<TaskType>, Failure> {
        self.engine().task_types().await.map_err(told)
    }

    async fn drain(&self, id: WorkerId) -> Result<Worker, Failure> {
        self.engine().drain(id).await.map_err(told)
    }

    async fn stats(&self) -> Result<Stats, Failure> {
        self.engine().stats().await.map_err(told)
    }

    fn is_inside(&self) -> bool {
        true
    }

    async fn end(&self) {
        self.orchestrator.shutdown(GRACE).await;
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::{EventType, Json, TaskState};
    use serde_json::json;

    use super::*;

    /// The next event of a task that says it is in this state.
    async fn reaches(live: &mut dyn Live, id: TaskId, state: TaskState) {
        loop {
            if let Step::Happened(event) = live.step().await.expect("an event")
                && event.kind == EventType::TaskState
                && (event.task_id, event.body.state) == (Some(id), Some(state))
            {
                return;
            }
        }
    }

    async fn listening(engine: &Embedded) -> Box<dyn Live> {
        let mut live = engine.live(EventsQuery::default());
        assert!(matches!(live.step().await, Ok(Step::Connected)));
        live
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn its_worker_says_what_its_machine_has_and_how_busy_it_is() {
        let engine = Embedded::open("memory:").await.expect("an engine");
        let mut live = listening(&engine).await;
        let worker = loop {
            // It says so when it is heard of first, or soon after.
            match engine.workers().await.expect("the workers").pop() {
                Some(worker) if worker.memory_percent.is_some() => break worker,
                _ => drop(live.step().await),
            }
        };
        assert!(
            worker.labels.contains(&format!("os:{}", std::env::consts::OS)),
            "{worker:?}"
        );
        assert!(worker.cpu_percent.is_some() && worker.labels.iter().any(|label| label.starts_with("tool:")));
        engine.end().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_runs_when_the_app_is_closed_goes_on_at_its_next_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("tasks.db").display());
        let go = folder.path().join("go");
        let first = Embedded::open(&url).await.expect("an engine");
        let mut live = listening(&first).await;
        let script = "until [ -e \"$1\" ]; do sleep 0.05; done; echo gone on";
        let input = json!({"argv": ["sh", "-c", script, "sh", go], "grace_s": 0.1});
        let task = first
            .submit(NewTask::new("command", Json::from(input)))
            .await
            .expect("a task");
        reaches(&mut *live, task.id, TaskState::Running).await;
        first.end().await;

        let second = Embedded::open(&url).await.expect("the same file");
        let given_back = second.task(task.id).await.expect("the task");
        assert!(!given_back.state.is_terminal(), "{given_back:?}");
        let mut live = listening(&second).await;
        std::fs::write(&go, "").expect("a file");
        if !second.task(task.id).await.expect("the task").state.is_terminal() {
            reaches(&mut *live, task.id, TaskState::Succeeded).await;
        }
        let done = second.task(task.id).await.expect("the task");
        assert_eq!(done.state, TaskState::Succeeded, "{done:?}");
        second.end().await;
    }
}
