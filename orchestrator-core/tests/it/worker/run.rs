//! What becomes of a run.

use std::sync::Arc;

use orchestrator_core::{
    agent::{Agent, AgentError, Registry, RegistryError, agent},
    context::TaskContext,
    protocol::{ErrorClass, NewTask, TaskError, Usage},
    store::{ReportAck, ReportBody, StoreError},
    worker::{Worker, WorkerConfig, WorkerError},
};
use serde::Deserialize;
use serde_json::json;

use super::scripted::{Scripted, agents, id, json, kind, labels, sources, task};

#[derive(Deserialize)]
struct Doc {
    text: String,
}

fn shout() -> impl Agent {
    agent("shout", |_: TaskContext, doc: Doc| async move {
        Ok::<_, AgentError>(doc.text.to_uppercase())
    })
}

#[tokio::test(start_paused = true)]
async fn an_agent_takes_and_gives_typed_values() {
    let source = Scripted::new();
    let worker = source.run(shout());
    let lease = source.grant(id(1), NewTask::new("shout", json(json!({"text": "hi"}))));
    assert_eq!(source.output(lease).await, json!("HI"));
    let items = source.script().reports.clone();
    assert_eq!((items.len(), items[0].task, items[0].number), (1, id(1), 1));
    drop(worker);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_input_is_a_terminal_error_that_names_the_field_and_the_agent() {
    let source = Scripted::new();
    let _worker = source.run(shout());
    let lease = source.grant(id(1), NewTask::new("shout", json(json!({"texts": "hi"}))));
    let error = source.error(lease).await;
    assert_eq!(error.class, ErrorClass::Terminal);
    assert!(
        error.message.contains("`shout`") && error.message.contains("`text`"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn any_error_will_do_and_a_task_error_stays_what_it_is() {
    async fn fails(_: TaskContext, which: u8) -> Result<(), AgentError> {
        match which {
            0 => Err(TaskError::new(ErrorClass::NeedsAttention, "look"))?,
            1 => std::fs::read("/does/not/exist").map(drop)?,
            2 => Err(AgentError::new("just a text"))?,
            _ => serde_json::from_str::<u8>("x").map(drop)?,
        }
        Ok(())
    }
    let source = Scripted::new();
    let _worker = source.run(agent("fails", fails));
    let mut errors = Vec::new();
    for which in 0..4 {
        let lease = source.grant(id(which), NewTask::new("fails", json(json!(which))));
        errors.push(source.error(lease).await);
    }
    assert_eq!(errors[0], TaskError::new(ErrorClass::NeedsAttention, "look"));
    assert!(errors[1].message.contains("No such file"));
    assert_eq!(errors[2], TaskError::retryable("just a text"));
    assert_eq!(errors[3].class, ErrorClass::Retryable);
}

#[tokio::test(start_paused = true)]
async fn agents_may_return_other_error_types() {
    let source = Scripted::new();
    let texts = agent("texts", |_: TaskContext, (): ()| async { Err::<(), _>("no") });
    let boxed = agent("boxed", |_: TaskContext, (): ()| async {
        Err::<(), Box<dyn std::error::Error + Send + Sync>>("boxed no".into())
    });
    let _worker = source.start(
        agents([Arc::new(texts) as _, Arc::new(boxed) as _]),
        WorkerConfig::default(),
    );
    let (a, b) = (source.grant(id(1), task("texts")), source.grant(id(2), task("boxed")));
    assert_eq!(source.error(a).await.message, "no");
    assert_eq!(source.error(b).await.message, "boxed no");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_retryable_error_and_the_worker_goes_on() {
    let source = Scripted::new();
    let _worker = source.run(agent("panics", |_: TaskContext, fatal: bool| async move {
        assert!(!fatal, "the world ended");
        Ok::<_, AgentError>(1)
    }));
    let lease = source.grant(id(1), NewTask::new("panics", json(json!(true))));
    let error = source.error(lease).await;
    assert_eq!(error, TaskError::retryable("the agent panicked: the world ended"));
    let lease = source.grant(id(2), NewTask::new("panics", json(json!(false))));
    assert_eq!(source.output(lease).await, json!(1));
}

#[tokio::test(start_paused = true)]
async fn what_a_task_says_keeps_its_order_and_is_numbered_from_one() {
    let source = Scripted::new();
    let _worker = source.run(agent("talks", |ctx: TaskContext, (): ()| async move {
        ctx.log("one\ntwo").await;
        ctx.output("stderr", "three").await;
        ctx.progress(7.0).await;
        ctx.progress(f64::NAN).await;
        ctx.usage(Usage {
            input_tokens: 3,
            ..Usage::default()
        })
        .await;
        ctx.usage(Usage::default()).await;
        Ok::<_, AgentError>(())
    }));
    let lease = source.grant(id(1), task("talks"));
    source.ended(lease).await;
    assert_eq!(
        source.kinds(lease),
        ["log", "log", "log", "progress", "usage", "complete"]
    );
    let script = source.script();
    let numbers: Vec<u64> = script.reports.iter().map(|item| item.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    assert_eq!(script.reports[3].body, ReportBody::Progress(1.0));
    let ReportBody::Log { stream, text, .. } = &script.reports[2].body else {
        panic!()
    };
    assert_eq!((stream.as_str(), text.as_str()), ("stderr", "three"));
}

#[tokio::test(start_paused = true)]
async fn transient_errors_repeat_the_same_items_with_the_same_numbers() {
    let source = Scripted::new();
    for _ in 0..3 {
        source
            .script()
            .report_errors
            .push_back(StoreError::Unavailable("away".to_owned()));
    }
    let _worker = source.run(agent("talks", |ctx: TaskContext, (): ()| async move {
        ctx.log("one").await;
        Ok::<_, AgentError>(())
    }));
    let lease = source.grant(id(1), task("talks"));
    source.ended(lease).await;
    let script = source.script();
    assert_eq!(script.batches.len(), 4);
    assert!(script.batches.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(script.reports.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_output_becomes_an_error_that_says_so() {
    let source = Scripted::new();
    source.script().answer = Some(Box::new(|item| {
        matches!(item.body, ReportBody::Complete { .. }).then(|| ReportAck::Refused {
            message: "too large".to_owned(),
        })
    }));
    let worker = source.run(shout());
    let lease = source.grant(id(1), NewTask::new("shout", json(json!({"text": "hi"}))));
    let failed = source.reported(|item| kind(&item.body) == "fail").await;
    let ReportBody::Fail { error, .. } = failed.body else {
        panic!()
    };
    assert_eq!((failed.lease, failed.number), (lease, 2));
    assert_eq!(error, TaskError::terminal("the output was refused: too large"));
    while worker.running() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_refused_as_a_whole_is_sent_item_by_item() {
    let source = Scripted::new();
    source
        .script()
        .report_errors
        .push_back(StoreError::invalid("items", "one of you is wrong"));
    let _worker = source.run(agent("talks", |ctx: TaskContext, (): ()| async move {
        ctx.log("one").await;
        Ok::<_, AgentError>(())
    }));
    let lease = source.grant(id(1), task("talks"));
    source.ended(lease).await;
    let sizes: Vec<usize> = source.script().batches.iter().map(Vec::len).collect();
    assert_eq!(sizes, [2, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_agent_is_missing_goes_back_with_an_error() {
    let source = Scripted::new();
    let _worker = source.run(shout());
    let lease = source.grant(id(1), task("whisper"));
    assert_eq!(source.error(lease).await.class, ErrorClass::Retryable);
}

#[test]
fn a_type_has_one_agent_and_some_types_have_none() {
    let named = |name: &str| agent(name, |_: TaskContext, (): ()| async { Ok::<_, AgentError>(()) });
    let mut registry = Registry::new();
    registry.add(shout()).unwrap();
    let again = registry.add(shout()).unwrap_err();
    assert_eq!(
        again.to_string(),
        "there are two agents for the task type `shout`; give one of them another name"
    );
    assert!(matches!(
        registry.add(named("checkpoint")),
        Err(RegistryError::Reserved { .. })
    ));
    assert_eq!(registry.add(named(" ")), Err(RegistryError::Unnamed));
    assert_eq!(registry.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_requires_what_the_worker_does_not_offer_is_left_out() {
    let source = Scripted::new();
    let picky = agent("picky", |_: TaskContext, (): ()| async { Ok::<_, AgentError>(()) }).requires(["gpu"]);
    let config = WorkerConfig {
        labels: labels(&["tool:git"]),
        ..WorkerConfig::default()
    };
    let _worker = source.start(agents([Arc::new(picky) as _, Arc::new(shout()) as _]), config);
    let hello = source.until(|script| script.hellos.first().cloned()).await;
    assert_eq!(hello.task_types, labels(&["shout"]));
}

#[test]
fn a_wrong_configuration_says_everything_that_is_wrong() {
    let config = WorkerConfig {
        name: String::new(),
        slots: 0,
        ..WorkerConfig::default()
    };
    let error = Worker::new(config, Scripted::new(), Registry::new(), sources()).unwrap_err();
    assert!(matches!(error, WorkerError::Config(problems) if problems.len() == 2));
}
