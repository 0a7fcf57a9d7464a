//! Many tasks that stream, and many who watch them over every replica of a fleet: whether each sees everything once and in
//! order, and how soon after it was said.
//!
//! [`run`] needs nothing but the URLs of the replicas, so that the same is a test and a benchmark.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use futures::StreamExt;
use orchestrator_client::{
    Client, RemoteConfig, RemoteSource, ServerAddress,
    api::{HistoryQuery, Made},
    transport,
};
use orchestrator_core::{
    AgentError, Json, NewTask, TaskContext, TaskError,
    agent::{Registry, agent},
    clock::Sources,
    protocol::{Event, EventType, Seq, Task, TaskId},
    worker::{Worker, WorkerConfig, WorkerHandle},
};
use serde::{Deserialize, Serialize};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        http::{HeaderValue, header},
    },
};

/// How long anything may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_mins(3);

/// The agent that streams.
const TASK_TYPE: &str = "streams_for_viewers";

/// What is done, and with how many.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The replicas' URLs: workers and viewers are spread over them.
    pub urls: Vec<String>,
    /// A token that may submit, work and watch, if one is needed.
    pub token: Option<String>,
    /// How many watch: one in ten of them everything, the others a task each.
    pub viewers: usize,
    /// How many workers there are.
    pub workers: usize,
    /// How many tasks each of them runs at once.
    pub tasks: u32,
    /// How often each task says something: a line of its log and a step.
    pub lines: usize,
    /// How long it rests between two of them.
    pub rest: Duration,
    /// Whether all of them speak at the same moments, and not each at its own.
    pub together: bool,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// How many tasks ran at once, at most.
    pub at_once: usize,
    /// How many durable events viewers got, each once and in order.
    pub durable: usize,
    /// How many live-only events they got, and how many there would have been.
    pub live: usize,
    /// See `live`.
    pub live_expected: usize,
    /// From when a task recorded a step to when a viewer saw it, in milliseconds.
    pub durable_ms: Times,
    /// From when a task wrote a line to when a viewer saw it, in milliseconds.
    pub live_ms: Times,
}

/// How long things took.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Times {
    /// Half took no longer.
    pub p50: f64,
    /// Ninety-nine of a hundred took no longer.
    pub p99: f64,
    /// None took longer.
    pub most: f64,
}

impl Times {
    fn of(mut micros: Vec<u64>) -> Self {
        micros.sort_unstable();
        let at = |share: usize| {
            let place = micros.len().saturating_sub(1) * share / 100;
            micros.get(place).map_or(0.0, |micros| *micros as f64 / 1e3)
        };
        Self {
            p50: at(50),
            p99: at(99),
            most: at(100),
        }
    }
}

/// What a task is told.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Script {
    lines: usize,
    rest_ms: u64,
    /// How much later than the first it begins.
    later_ms: u64,
}

/// What one viewer saw.
#[derive(Default)]
struct View {
    durable: Vec<Event>,
    lines: BTreeMap<TaskId, Vec<usize>>,
    durable_waits: Vec<u64>,
    live_waits: Vec<u64>,
    lagged: u64,
}

/// What all tasks of this process share.
#[derive(Clone)]
struct Stage {
    began: Instant,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Stage {
    fn micros(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// Does it.
///
/// # Errors
///
/// A viewer missed a durable event, saw one twice or out of order; or something failed or hung.
pub async fn run(plan: &Plan) -> Result<Seen> {
    let address = |n: usize| ServerAddress::parse(&plan.urls[n % plan.urls.len()], plan.token.clone());
    let client = Client::new(address(0)?)?;
    let stage = Stage {
        began: Instant::now(),
        running: Arc::default(),
        most: Arc::default(),
    };
    // The tasks wait until everyone watches.
    let tasks = submit(plan, &client).await?;
    let mut viewers = JoinSet::new();
    for n in 0..plan.viewers {
        let watched = (n % 10 != 0).then(|| tasks[n % tasks.len()]);
        let watching = watch(plan, n, watched, tasks.clone(), stage.clone()).await?;
        viewers.spawn(async move { (watched, watching.await) });
    }
    let mut workers = Vec::new();
    for n in 0..plan.workers {
        workers.push(work(plan, address(n)?, &stage)?);
    }
    let mut views = Vec::new();
    while let Some(view) = timeout(PATIENCE, viewers.join_next()).await.context("a viewer hangs")? {
        let (watched, view) = view?;
        views.push((watched, view?));
    }
    for worker in workers {
        worker.stop(PATIENCE).await?;
    }
    let mut seen = check(plan, &client, &tasks, views).await?;
    seen.at_once = stage.most.load(Ordering::Relaxed);
    Ok(seen)
}

async fn submit(plan: &Plan, client: &Client) -> Result<Vec<TaskId>> {
    let count = plan.workers * plan.tasks as usize;
    let rest_ms = u64::try_from(plan.rest.as_millis())?;
    let specs = (0..count as u64).map(|n| {
        let script = Script {
            lines: plan.lines,
            rest_ms,
            later_ms: if plan.together { 0 } else { rest_ms * n / count as u64 },
        };
        Ok(NewTask::new(TASK_TYPE, Json::of(&script)?))
    });
    let specs = specs.collect::<Result<Vec<_>>>()?;
    let made: Made<Vec<Task>> = client.submit_all(&specs).await?;
    Ok(made.value.iter().map(|task| task.id).collect())
}

fn work(plan: &Plan, address: ServerAddress, stage: &Stage) -> Result<WorkerHandle> {
    let config = WorkerConfig {
        slots: plan.tasks,
        ..WorkerConfig::default()
    };
    let stage = stage.clone();
    let streams = agent(TASK_TYPE, move |ctx: TaskContext, script: Script| {
        let stage = stage.clone();
        async move {
            let now = stage.running.fetch_add(1, Ordering::Relaxed) + 1;
            stage.most.fetch_max(now, Ordering::Relaxed);
            sleep(Duration::from_millis(script.later_ms)).await;
            for n in 0..script.lines {
                sleep(Duration::from_millis(script.rest_ms)).await;
                ctx.log(format!("{n} {}", stage.micros())).await;
                let nothing = || async { Ok::<_, TaskError>(()) };
                ctx.step(format!("{n} {}", stage.micros()), nothing).await?;
            }
            stage.running.fetch_sub(1, Ordering::Relaxed);
            Ok::<_, AgentError>(script.lines)
        }
    });
    let mut agents = Registry::new();
    agents.add(streams)?;
    let source = RemoteSource::new(RemoteConfig::new(address, transport::native()));
    Ok(Worker::new(config, Arc::new(source), agents, Sources::default())?.start())
}

/// Connects a viewer; what it gives sees everything until the tasks that it watches have ended.
async fn watch(
    plan: &Plan,
    n: usize,
    watched: Option<TaskId>,
    tasks: Vec<TaskId>,
    stage: Stage,
) -> Result<impl Future<Output = Result<View>> + use<>> {
    let scope = watched.map_or_else(String::new, |task| format!("task_id={task}&tree=true&"));
    let url = plan.urls[n % plan.urls.len()].replacen("http", "ws", 1);
    // Those who watch everything begin with now, as the tasks are all there.
    let after = if watched.is_some() { "after=0" } else { "" };
    let mut request = format!("{url}/api/v1/events?{scope}{after}").into_client_request()?;
    if let Some(token) = &plan.token {
        let value = HeaderValue::from_str(&format!("Bearer {token}"))?;
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    let (mut socket, _) = connect_async(request).await.with_context(|| format!("viewer {n}"))?;
    Ok(async move {
        let mut view = View::default();
        let mut open: Vec<TaskId> = watched.map_or(tasks, |task| vec![task]);
        while !open.is_empty() {
            let message = timeout(PATIENCE, socket.next()).await.context("nothing comes")?;
            let text = match message.context("the server closed")?? {
                Message::Text(text) => text,
                Message::Close(frame) => bail!("the server closed: {frame:?}"),
                _ => continue,
            };
            let now = stage.micros();
            let event: Event = serde_json::from_str(&text)?;
            let is_over = event
                .body
                .state
                .is_some_and(orchestrator_core::protocol::TaskState::is_terminal);
            if is_over && let Some(task) = event.task_id {
                open.retain(|open| *open != task);
            }
            view.take(event, now);
        }
        Ok(view)
    })
}

impl View {
    fn take(&mut self, event: Event, now: u64) {
        let said = |text: Option<&String>| {
            let (n, micros) = text?.split_once(' ')?;
            Some((n.parse::<usize>().ok()?, micros.parse::<u64>().ok()?))
        };
        match event.kind {
            EventType::TaskLog => {
                if let (Some((n, micros)), Some(task)) = (said(event.body.text.as_ref()), event.task_id) {
                    self.live_waits.push(now.saturating_sub(micros));
                    self.lines.entry(task).or_default().push(n);
                }
            }
            EventType::Lagged => self.lagged += event.body.lost.unwrap_or(1),
            kind if kind.is_durable() => {
                if let Some((_, micros)) = said(event.body.step.as_ref()) {
                    self.durable_waits.push(now.saturating_sub(micros));
                }
                self.durable.push(event);
            }
            _ => {}
        }
    }
}

/// That every viewer saw what the store has.
async fn check(plan: &Plan, client: &Client, tasks: &[TaskId], views: Vec<(Option<TaskId>, View)>) -> Result<Seen> {
    let mut histories = BTreeMap::new();
    for task in tasks {
        histories.insert(*task, history(client, *task).await?);
    }
    let (mut durable, mut live, mut live_expected) = (0, 0, 0);
    let (mut durable_waits, mut live_waits) = (Vec::new(), Vec::new());
    for (n, (watched, view)) in views.into_iter().enumerate() {
        ensure!(
            view.durable.is_sorted_by(|before, after| before.seq < after.seq),
            "viewer {n} saw something twice or out of order"
        );
        for task in tasks
            .iter()
            .filter(|task| watched.is_none_or(|watched| watched == **task))
        {
            let got: Vec<&Event> = view
                .durable
                .iter()
                .filter(|event| event.task_id == Some(*task))
                .collect();
            let mut wanted: Vec<&Event> = histories[task].iter().collect();
            // Who watches everything came when the tasks were there already.
            wanted.retain(|event| watched.is_some() || event.kind != EventType::TaskCreated);
            ensure!(
                got == wanted,
                "viewer {n} saw {got:?} of task {task}, which has {wanted:?}"
            );
            let lines = view.lines.get(task).map(Vec::as_slice).unwrap_or_default();
            ensure!(
                lines.is_sorted_by(|before, after| before < after),
                "viewer {n} saw the lines {lines:?} of task {task}"
            );
            ensure!(
                lines.len() <= plan.lines && (view.lagged > 0 || plan.urls.len() > 1 || lines.len() == plan.lines),
                "viewer {n} lost lines of task {task} and was not told"
            );
            live_expected += plan.lines;
            live += lines.len();
        }
        durable += view.durable.len();
        durable_waits.extend(view.durable_waits);
        live_waits.extend(view.live_waits);
    }
    Ok(Seen {
        at_once: 0,
        durable,
        live,
        live_expected,
        durable_ms: Times::of(durable_waits),
        live_ms: Times::of(live_waits),
    })
}

async fn history(client: &Client, task: TaskId) -> Result<Vec<Event>> {
    let mut query = HistoryQuery {
        after: Seq(0),
        limit: Some(500),
        ..HistoryQuery::default()
    };
    let mut all = Vec::new();
    loop {
        let page = client.task_events(task, &query).await?;
        all.extend(page.items);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return Ok(all);
        }
    }
}
