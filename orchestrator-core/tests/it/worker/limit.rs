//! Timeouts.

use std::time::Duration;

use orchestrator_core::{
    agent::{Agent, AgentError, agent},
    context::{StopReason, TaskContext},
    protocol::{ErrorClass, NewTask, TaskError},
};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::scripted::{Scripted, id, json, task};

fn limited(timeout_s: Option<f64>, silence_timeout_s: Option<f64>) -> NewTask {
    NewTask {
        timeout_s,
        silence_timeout_s,
        ..task("t")
    }
}

/// Says something every second.
fn talker(seconds: u64) -> impl Agent {
    agent("t", move |ctx: TaskContext, (): ()| async move {
        for _ in 0..seconds {
            sleep(Duration::from_secs(1)).await;
            ctx.log("still here").await;
        }
        sleep(Duration::from_secs(20)).await;
        Ok::<_, AgentError>(())
    })
}

#[tokio::test(start_paused = true)]
async fn a_task_that_runs_too_long_fails_and_may_be_tried_again() {
    let source = Scripted::new();
    let _worker = source.run(agent("t", |ctx: TaskContext, (): ()| async move {
        ctx.cancelled().await;
        assert_eq!(ctx.stop_reason(), Some(StopReason::TimedOut));
        // A step is refused, but what was spent can still be said.
        let step = ctx.step("late", || async { Ok::<_, AgentError>(()) }).await;
        assert_eq!(step.unwrap_err().class, ErrorClass::Cancelled);
        ctx.log("cleaning up").await;
        Ok::<_, AgentError>(())
    }));
    let begin = Instant::now();
    let lease = source.grant(id(1), limited(Some(5.0), None));
    let error = source.error(lease).await;
    assert_eq!(error, TaskError::retryable("it ran longer than its timeout_s of 5"));
    assert_eq!(begin.elapsed().as_secs(), 5);
    assert_eq!(source.kinds(lease), ["log", "fail"]);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_does_not_listen_is_dropped_after_its_grace() {
    let source = Scripted::new();
    let _worker = source.run(talker(1_000));
    let begin = Instant::now();
    let lease = source.grant(id(1), limited(Some(5.5), None));
    source.error(lease).await;
    assert_eq!(begin.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_silent_task_fails_and_every_word_counts() {
    let source = Scripted::new();
    let _worker = source.run(talker(10));
    let begin = Instant::now();
    let lease = source.grant(id(1), limited(None, Some(5.0)));
    let error = source.error(lease).await;
    assert!(error.message.contains("silence_timeout_s of 5"), "{error}");
    assert_eq!(
        begin.elapsed().as_secs(),
        25,
        "ten words, five seconds of silence, ten of grace"
    );
}

#[tokio::test(start_paused = true)]
async fn time_in_which_a_task_is_suspended_does_not_count() {
    let source = Scripted::new();
    let _worker = source.run(agent("t", |ctx: TaskContext, (): ()| async move {
        let work = || async {
            sleep(Duration::from_secs(3)).await;
            Ok::<_, AgentError>(())
        };
        ctx.step("before", work).await?;
        let n: i32 = ctx.call("child", task("work")).await?;
        ctx.step("after", work).await?;
        Ok::<_, AgentError>(n)
    }));
    let spec = limited(Some(8.0), Some(5.0));
    let first = source.grant(id(1), spec.clone());
    source.parked(first).await;
    sleep(Duration::from_secs(1_000)).await;
    source.settle("child", Ok(json(json!(1))));
    let second = source.resume(id(1), spec, first);
    assert_eq!(source.output(second).await, json!(1));
}
