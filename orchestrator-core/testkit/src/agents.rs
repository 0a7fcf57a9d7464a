//! Scripted agents: what they do is said by the input of their task, and someone watches them do it.

mod executions;
mod script;

use std::{fmt::Debug, sync::Arc, time::Duration};

use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use orchestrator_core::{
    Agent, TaskContext, agent,
    clock::Clock,
    context::{Checkpoint, External},
};
use orchestrator_protocol::{Decision, ErrorClass, TaskError, TaskId, Usage};

pub use executions::Executions;
pub use script::{Act, Part, Script};

/// Who watches agents work.
pub trait Witness: Debug + Send + Sync + 'static {
    /// An agent begins to run, for the first time or again from the top.
    fn begins(&self, task: TaskId, attempt: u32);

    /// The work of a step begins: its result was not found.
    fn step_begins(&self, task: TaskId, step: &str);
}

/// What scripted agents need of the worker that they live in.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The worker's time: what work takes.
    pub clock: Arc<dyn Clock>,
    /// Who watches.
    pub witness: Arc<dyn Witness>,
}

/// An agent of this type that does what its input, a [`Script`], says. Its output is the sum of what its acts gave.
pub fn scripted(task_type: &str, stage: Stage) -> impl Agent + use<> {
    agent(task_type, move |ctx: TaskContext, script: Script| {
        let stage = stage.clone();
        async move {
            stage.witness.begins(ctx.task_id(), ctx.attempt());
            play(&ctx, &script.acts, &stage).await
        }
    })
}

/// Does one act after the other.
fn play<'a>(ctx: &'a TaskContext, acts: &'a [Act], stage: &'a Stage) -> BoxFuture<'a, Result<u64, TaskError>> {
    async move {
        let mut sum = 0_u64;
        for act in acts {
            sum = sum.wrapping_add(perform(ctx, act, stage).await?);
        }
        Ok(sum)
    }
    .boxed()
}

async fn perform(ctx: &TaskContext, act: &Act, stage: &Stage) -> Result<u64, TaskError> {
    match act {
        Act::Step { name, ms, value } => {
            let work = async || {
                stage.witness.step_begins(ctx.task_id(), name);
                stage.clock.sleep(Duration::from_millis(*ms)).await;
                Ok::<_, TaskError>(*value)
            };
            ctx.step(name, work).await
        }
        Act::Work { ms } => {
            stage.clock.sleep(Duration::from_millis(*ms)).await;
            Ok(0)
        }
        Act::Call { name, part } => ctx.call(name, part.task()).await,
        Act::Both(branches) => {
            let branches = branches.iter().map(|acts| play(ctx, acts, stage));
            sum(join_all(branches).await)
        }
        Act::Map { name, parts, at_once } => {
            let tasks: Vec<_> = parts.iter().map(Part::task).collect();
            sum(ctx.map_tasks(name, tasks, *at_once).await?)
        }
        Act::Race { name, parts } => {
            let tasks: Vec<_> = parts.iter().map(Part::task).collect();
            ctx.race(name, tasks).await.map(|(_, value): (usize, u64)| value)
        }
        Act::Sleep { name, ms } => {
            ctx.sleep(name, Duration::from_millis(*ms)).await?;
            Ok(0)
        }
        Act::Ask { name, default_after_ms } => ask(ctx, name, *default_after_ms).await,
        Act::Outside { name, value } => {
            let external = External::new("an outside system").input((*value).into_json());
            ctx.wait_external(name, external).await
        }
        Act::Say { lines } => {
            for line in 0..*lines {
                ctx.log(format!("line {line}")).await;
                ctx.progress(f64::from(line) / f64::from(*lines)).await;
            }
            Ok(0)
        }
        Act::Spend { tokens } => {
            let usage = Usage {
                input_tokens: *tokens,
                ..Usage::default()
            };
            ctx.usage(usage).await;
            Ok(0)
        }
        Act::Flake { until, class } if ctx.attempt() < *until => flake(*class),
        Act::Flake { .. } => Ok(0),
        Act::Fail => Err(TaskError::terminal("the script says so")),
    }
}

async fn ask(ctx: &TaskContext, name: &str, default_after_ms: Option<u64>) -> Result<u64, TaskError> {
    let mut checkpoint = Checkpoint::new("Shall it go on?");
    if let Some(ms) = default_after_ms {
        checkpoint = checkpoint.expires_in(Duration::from_millis(ms)).default(Decision {
            decision: orchestrator_protocol::Verdict::Reject,
            feedback: "nobody answered".to_owned(),
        });
    }
    ctx.checkpoint_with(name, checkpoint).await?;
    Ok(0)
}

fn flake(class: ErrorClass) -> Result<u64, TaskError> {
    // The default class stands for what no error says of itself.
    assert!(class != ErrorClass::Cancelled, "the script says that its agent panics");
    let mut error = TaskError::new(class, "not yet");
    if class == ErrorClass::RateLimited {
        error.retry_after_s = Some(1.5);
    }
    Err(error)
}

fn sum(values: Vec<Result<u64, TaskError>>) -> Result<u64, TaskError> {
    let mut sum = 0_u64;
    for value in values {
        sum = sum.wrapping_add(value?);
    }
    Ok(sum)
}

trait IntoJson {
    fn into_json(self) -> orchestrator_protocol::Json;
}

impl IntoJson for u64 {
    fn into_json(self) -> orchestrator_protocol::Json {
        serde_json::Value::from(self).into()
    }
}
