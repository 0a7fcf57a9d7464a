//! Map and race.

use orchestrator_core::{
    agent::{Agent, AgentError, agent},
    context::TaskContext,
    protocol::{Join, TaskError},
    store::{Group, ReportBody},
};
use serde_json::json;

use super::scripted::{Scripted, id, json, task};

fn mapper(count: u32) -> impl Agent {
    agent("maps", move |ctx: TaskContext, (): ()| async move {
        let outcomes = ctx.map("part", "work", 0..count, 4).await?;
        let outputs: Vec<u32> = outcomes.into_iter().collect::<Result<_, _>>()?;
        Ok::<_, AgentError>(outputs)
    })
}

#[tokio::test(start_paused = true)]
async fn a_map_asks_for_bounded_siblings_and_gives_their_outputs_in_order() {
    let source = Scripted::new();
    let _worker = source.run(mapper(3));
    let first = source.grant(id(1), task("maps"));
    let (tasks, join, _) = source.parked(first).await;
    assert_eq!((tasks.len(), join), (3, Join::All));
    let spawned = source.reported(|item| matches!(item.body, ReportBody::Spawn(_))).await;
    let ReportBody::Spawn(children) = spawned.body else {
        panic!()
    };
    let names: Vec<&str> = children.iter().map(|c| c.step.as_str()).collect();
    assert_eq!(names, ["part[0]", "part[1]", "part[2]"]);
    let group = Group {
        name: "part".to_owned(),
        size: 4,
    };
    assert!(children.iter().all(|c| c.group.as_ref() == Some(&group)));
    for n in [2, 0, 1] {
        source.settle(&format!("part[{n}]"), Ok(json(json!(n * 10))));
    }
    let second = source.resume(id(1), task("maps"), first);
    assert_eq!(source.output(second).await, json!([0, 10, 20]));
}

#[tokio::test(start_paused = true)]
async fn a_big_map_is_asked_for_in_portions() {
    let source = Scripted::new();
    let _worker = source.run(mapper(600));
    let lease = source.grant(id(1), task("maps"));
    assert_eq!(source.parked(lease).await.0.len(), 600);
    assert_eq!(source.kinds(lease), ["spawn", "spawn", "spawn", "wait"]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_map_is_done() {
    let source = Scripted::new();
    let _worker = source.run(mapper(0));
    let lease = source.grant(id(1), task("maps"));
    assert_eq!(source.output(lease).await, json!([]));
    assert_eq!(source.kinds(lease), ["complete"]);
}

fn racer() -> impl Agent {
    agent("races", |ctx: TaskContext, (): ()| async move {
        ctx.race::<String>("run", [task("slow"), task("quick"), task("lame")])
            .await
    })
}

#[tokio::test(start_paused = true)]
async fn the_first_success_wins_a_race_and_the_losers_are_cancelled() {
    let source = Scripted::new();
    let worker = source.run(racer());
    let first = source.grant(id(1), task("races"));
    let (tasks, join, _) = source.parked(first).await;
    assert_eq!((tasks.len(), join), (3, Join::Any));
    source.settle("run[2]", Err(TaskError::terminal("fell")));
    let second = source.resume(id(1), task("races"), first);
    assert_eq!(source.parked(second).await.0.len(), 2, "a failure does not win");
    source.settle("run[1]", Ok(json(json!("here"))));
    let third = source.resume(id(1), task("races"), second);
    assert_eq!(source.output(third).await, json!([1, "here"]));
    assert_eq!(source.kinds(third), ["step", "complete"]);
    let slow = source
        .script()
        .children
        .values()
        .find(|c| c.spec.task_type == "slow")
        .unwrap()
        .id;
    assert_eq!(source.script().cancelled[0].0, [slow]);
    drop(worker);

    // Even if another one has succeeded too, the winner stays the winner when the agent runs again.
    source.settle("run[0]", Ok(json(json!("late"))));
    source.remember(id(1));
    let _worker = source.run(racer());
    let fourth = source.grant_with(id(1), task("races"), |leased| leased.has_history = true);
    assert_eq!(source.output(fourth).await, json!([1, "here"]));
}

#[tokio::test(start_paused = true)]
async fn a_race_that_nobody_wins_fails() {
    let source = Scripted::new();
    let _worker = source.run(racer());
    let first = source.grant(id(1), task("races"));
    source.parked(first).await;
    for n in 0..3 {
        source.settle(&format!("run[{n}]"), Err(TaskError::terminal(format!("fell {n}"))));
    }
    let second = source.resume(id(1), task("races"), first);
    assert_eq!(source.error(second).await.message, "`run[2]` failed: fell 2");
}
