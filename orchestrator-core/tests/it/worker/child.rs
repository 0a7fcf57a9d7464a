//! Children: asked for once, joined in any way.

use std::{sync::Arc, time::Duration};

use orchestrator_core::{
    agent::{Agent, agent},
    context::TaskContext,
    protocol::{ErrorClass, Join, Json, NewTask, TaskError, TaskState},
    store::{History, ReportBody, Settled},
};
use serde_json::json;

use super::scripted::{Scripted, id, json, task};

fn child(name: &str, input: serde_json::Value, state: TaskState) -> Settled {
    Settled {
        id: id(77),
        step: Some(name.to_owned()),
        state,
        output: (state == TaskState::Succeeded).then(|| json(json!("done"))),
        error: (state == TaskState::Failed).then(|| TaskError::retryable("no luck")),
        spec: Arc::new(NewTask::new("work", json(input))),
    }
}

fn caller() -> impl Agent {
    agent("calls", |ctx: TaskContext, input: Json| async move {
        ctx.call::<String>("part", NewTask::new("work", input)).await
    })
}

/// Runs `calls` on an input with one child in its history.
async fn recalled(source: &Arc<Scripted>, input: serde_json::Value, known: Settled) -> ReportBody {
    let history = History {
        children: vec![known],
        ..History::default()
    };
    source.script().histories.insert(id(1), history);
    let _worker = source.run(caller());
    let spec = NewTask::new("calls", json(input));
    let lease = source.grant_with(id(1), spec, |leased| leased.has_history = true);
    source.ended(lease).await
}

#[tokio::test(start_paused = true)]
async fn a_finished_child_returns_at_once() {
    let source = Scripted::new();
    // The same JSON in another spelling is the same request.
    let input = Json::parse(r#"{"b": 2, "a": 1}"#).unwrap().to_value();
    let ended = recalled(
        &source,
        input,
        child("part", json!({"a": 1, "b": 2}), TaskState::Succeeded),
    )
    .await;
    assert!(matches!(ended, ReportBody::Complete { output, .. } if output == json(json!("done"))));
    assert_eq!(source.script().reports.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_child_is_a_terminal_error_with_its_story() {
    let source = Scripted::new();
    let ended = recalled(&source, json!(1), child("part", json!(1), TaskState::Failed)).await;
    let ReportBody::Fail { error, .. } = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(error.class, ErrorClass::Terminal);
    assert_eq!(error.message, "`part` failed: no luck");
    assert_eq!(error.detail["class"], "retryable");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_means_another_request_is_a_clear_error() {
    let source = Scripted::new();
    let ended = recalled(&source, json!("new"), child("part", json!("old"), TaskState::Succeeded)).await;
    let ReportBody::Fail { error, .. } = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(error.class, ErrorClass::Terminal);
    for part in ["`part`", "`\"old\"`", "`\"new\"`"] {
        assert!(error.message.contains(part), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_means_another_type_is_a_clear_error() {
    let source = Scripted::new();
    let mut known = child("part", json!(1), TaskState::Succeeded);
    known.spec = Arc::new(NewTask::new("other", json(json!(1))));
    let ended = recalled(&source, json!(1), known).await;
    let ReportBody::Fail { error, .. } = ended else {
        panic!("{ended:?}")
    };
    assert!(
        error.message.contains("`other`") && error.message.contains("`work`"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_output_of_another_type_is_a_clear_error() {
    let source = Scripted::new();
    let mut known = child("part", json!(1), TaskState::Succeeded);
    known.output = Some(json(json!(5)));
    let ended = recalled(&source, json!(1), known).await;
    let ReportBody::Fail { error, .. } = ended else {
        panic!("{ended:?}")
    };
    assert!(error.message.starts_with("the output of `part` (a `work`)"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn steps_and_children_share_their_names() {
    let source = Scripted::new();
    let _worker = source.run(agent("mixes", |ctx: TaskContext, (): ()| async move {
        let step = || async { Ok::<_, TaskError>(1) };
        ctx.step("a", step).await?;
        let spawned = ctx.spawn::<i32>("a", task("work")).await;
        assert!(spawned.unwrap_err().message.contains("name of a step"));
        ctx.spawn::<i32>("b", task("work")).await?;
        let error = ctx.step("b", step).await.unwrap_err();
        assert!(error.message.contains("name of a child"));
        Ok::<_, TaskError>(())
    }));
    let lease = source.grant(id(1), task("mixes"));
    assert_eq!(source.output(lease).await, json!(null));
}

#[tokio::test(start_paused = true)]
async fn what_the_store_refuses_is_a_terminal_error() {
    let source = Scripted::new();
    source.script().answer = Some(Box::new(|item| {
        matches!(item.body, ReportBody::Spawn(_)).then(|| orchestrator_core::store::ReportAck::Refused {
            message: "the name is too long".to_owned(),
        })
    }));
    let _worker = source.run(caller());
    let lease = source.grant(id(1), task("calls"));
    assert_eq!(source.error(lease).await, TaskError::terminal("the name is too long"));
}

#[tokio::test(start_paused = true)]
async fn children_run_side_by_side_and_are_joined_together() {
    let source = Scripted::new();
    let _worker = source.run(agent("joins", |ctx: TaskContext, (): ()| async move {
        let a = ctx.spawn::<i32>("a", task("work")).await?;
        let b = ctx.spawn::<i32>("b", task("work")).await?;
        assert_ne!(a.id(), b.id());
        let outcomes = ctx.join([a, b]).await?;
        Ok::<_, TaskError>(
            outcomes
                .into_iter()
                .map(|o| o.map_err(|e| e.message))
                .collect::<Vec<_>>(),
        )
    }));
    let first = source.grant(id(1), task("joins"));
    let (tasks, join, _) = source.parked(first).await;
    assert_eq!((tasks.len(), join), (2, Join::All));
    source.settle("a", Ok(json(json!(1))));
    source.settle("b", Err(TaskError::terminal("lost")));
    let second = source.resume(id(1), task("joins"), first);
    assert_eq!(
        source.output(second).await,
        json!([{"Ok": 1}, {"Err": "`b` failed: lost"}])
    );
}

#[tokio::test(start_paused = true)]
async fn two_waits_in_two_branches_end_with_either() {
    let source = Scripted::new();
    let _worker = source.run(agent("branches", |ctx: TaskContext, (): ()| async move {
        let chain = async |first: &str, then: &str| {
            let n: i32 = ctx.call(first, task("work")).await?;
            let m: i32 = ctx.call(then, task("work")).await?;
            Ok::<_, TaskError>(n + m)
        };
        let (left, right) = tokio::join!(chain("a", "a2"), chain("b", "b2"));
        Ok::<_, TaskError>((left?, right?))
    }));
    let mut lease = source.grant(id(1), task("branches"));
    let mut joins = Vec::new();
    for (n, name) in ["b", "a", "b2", "a2"].into_iter().enumerate() {
        let (tasks, join, _) = source.parked(lease).await;
        joins.push((tasks.len(), join));
        source.settle(name, Ok(json(json!(n))));
        lease = source.resume(id(1), task("branches"), lease);
    }
    assert_eq!(source.output(lease).await, json!([4, 2]));
    assert_eq!(joins[..3], [(2, Join::Any); 3]);
    assert_eq!(joins[3].0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_beside_a_busy_step_is_looked_after() {
    let source = Scripted::new();
    let worker = source.run(agent("busy", |ctx: TaskContext, (): ()| async move {
        let long = ctx.step("long", || async {
            tokio::time::sleep(Duration::from_mins(1)).await;
            Ok::<_, TaskError>(())
        });
        let chain = async {
            ctx.call::<i32>("a", task("work")).await?;
            ctx.step("after", || async { Ok::<_, TaskError>(()) }).await
        };
        let (long, chain) = tokio::join!(long, chain);
        long.and(chain)
    }));
    let lease = source.grant(id(1), task("busy"));
    source.until(|script| (!script.children.is_empty()).then_some(())).await;
    source.settle("a", Ok(json(json!(1))));
    source.ended(lease).await;
    assert_eq!(source.kinds(lease), ["spawn", "step", "step", "complete"]);
    let script = source.script();
    let named = |n: usize| matches!(&script.reports[n].body, ReportBody::Step { name, .. } if name == "after");
    assert!(named(1), "the branch went on while the long step ran");
    assert_eq!(worker.suspended(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_within_a_step_comes_to_its_end() {
    let source = Scripted::new();
    let _worker = source.run(agent("nested", |ctx: TaskContext, (): ()| async move {
        ctx.step("outer", || async { ctx.call::<i32>("inner", task("work")).await })
            .await
    }));
    let lease = source.grant(id(1), task("nested"));
    source.until(|script| (!script.children.is_empty()).then_some(())).await;
    source.settle("inner", Ok(json(json!(3))));
    assert_eq!(source.output(lease).await, json!(3));
}
