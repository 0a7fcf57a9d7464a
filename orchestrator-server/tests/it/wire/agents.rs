//! Agents that count what they do.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use orchestrator_core::{
    AgentError, Json, NewTask, TaskContext, TaskError,
    agent::{Registry, agent},
    protocol::{Decision, TaskId},
};
use tokio::time::sleep;

/// What agents did.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// How often each task of the type `count` did its work.
    pub executions: Arc<Mutex<BTreeMap<TaskId, usize>>>,
    /// How many run now, and how many at most did at once.
    running: Arc<AtomicUsize>,
    pub most: Arc<AtomicUsize>,
    /// How many were stopped in the middle.
    pub stopped: Arc<AtomicUsize>,
}

impl Tally {
    pub fn total(&self) -> usize {
        self.executions.lock().expect("a tally").values().sum()
    }

    /// Tasks whose work was done more than once.
    pub fn repeated(&self) -> Vec<(TaskId, usize)> {
        let executions = self.executions.lock().expect("a tally");
        executions
            .iter()
            .filter(|(_, n)| **n > 1)
            .map(|(id, n)| (*id, *n))
            .collect()
    }

    fn execute(&self, task: TaskId) {
        *self.executions.lock().expect("a tally").entry(task).or_default() += 1;
    }

    fn enter(&self) -> Inside {
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Inside(self.clone(), false)
    }
}

struct Inside(Tally, bool);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        if !self.1 {
            self.0.stopped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Every agent of these tests.
pub fn registry(tally: &Tally) -> Registry {
    let mut agents = Registry::new();
    let counts = tally.clone();
    let count = agent("count", move |ctx: TaskContext, ms: u64| {
        let counts = counts.clone();
        async move {
            let mut inside = counts.enter();
            let step = || async {
                counts.execute(ctx.task_id());
                ctx.log("working").await;
                sleep(Duration::from_millis(ms)).await;
                Ok::<_, TaskError>(ms * 2)
            };
            let doubled: u64 = ctx.step("work", step).await?;
            inside.1 = true;
            Ok::<_, AgentError>(doubled)
        }
    });
    let sums = agent("sums", |ctx: TaskContext, count: u64| async move {
        let mut sum = 0;
        for outcome in ctx.map::<_, u64>("part", "count", 0..count, 3).await? {
            sum += outcome?;
        }
        ctx.sleep("rest", Duration::from_millis(200)).await?;
        let last: u64 = ctx.call("last", NewTask::new("count", Json::of(&sum)?)).await?;
        Ok::<_, AgentError>(last)
    });
    let races = agent("races", |ctx: TaskContext, (): ()| async move {
        let task = |ms: u64| NewTask::new("count", Json::from(serde_json::json!(ms)));
        ctx.race::<u64>("r", [60_000, 1, 60_000].map(task)).await
    });
    let asks = agent("asks", |ctx: TaskContext, (): ()| async move {
        let decision: Decision = ctx.checkpoint("Publish?", "text").await?;
        Ok::<_, AgentError>(decision)
    });
    let steps = tally.clone();
    let flaky = agent("flaky", move |ctx: TaskContext, (): ()| {
        let steps = steps.clone();
        async move {
            let first = || async {
                steps.execute(ctx.task_id());
                Ok::<_, TaskError>(())
            };
            ctx.step("first", first).await?;
            if ctx.attempt() < 3 {
                return Err(TaskError::retryable("not yet"));
            }
            Ok(ctx.attempt())
        }
    });
    let nothing = agent(
        "nothing",
        |_: TaskContext, (): ()| async move { Ok::<_, AgentError>(()) },
    );
    let calls = agent("calls_nothing", |ctx: TaskContext, (): ()| async move {
        let () = ctx.call("child", NewTask::new("nothing", Json::NULL)).await?;
        Ok::<_, AgentError>("nothing came of it".to_owned())
    });
    let waits = agent("waits", |ctx: TaskContext, (): ()| async move {
        let slept: u64 = ctx.call("long", NewTask::new("count", Json::of(&60_000)?)).await?;
        Ok::<_, AgentError>(slept)
    });
    let fails = agent("fails", |_: TaskContext, (): ()| async move {
        Err::<(), _>(TaskError::terminal("it cannot be done").with_detail(serde_json::json!({"exit": 3})))
    });
    let large = agent("large", |_: TaskContext, bytes: usize| async move {
        Ok::<_, AgentError>("x".repeat(bytes))
    });
    let added = [
        agents.add(count),
        agents.add(sums),
        agents.add(races),
        agents.add(asks),
        agents.add(flaky),
        agents.add(nothing),
        agents.add(calls),
        agents.add(waits),
        agents.add(fails),
        agents.add(large),
    ];
    for result in added {
        result.expect("an agent");
    }
    agents
}
