//! The scenarios of `scenarios.json`, which Python runs too (`bindings-python/tests/test_scenarios.py`): one table of what
//! the system means, with equal outcomes in both languages.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use orchestrator_core::{
    Agent, Json, NewTask, Orchestrator, TaskContext, TaskError, TaskHandle,
    context::External,
    protocol::{Decision, ErrorClass, Event, EventType, ExternalResult, Task, TaskId, TaskState, Usage},
    store::{EventQuery, EventScope, LogQuery},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const TABLE: &str = include_str!("../scenarios.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    agents: BTreeMap<String, Vec<Value>>,
    submit: NewTask,
    #[serde(default)]
    answers: BTreeMap<String, Value>,
    cancel_when: Option<TaskState>,
    expect: Map<String, Value>,
}

type Effects = Arc<Mutex<BTreeMap<String, u64>>>;

/// An agent of a scenario: a small program, an instruction after the other.
struct Player {
    name: String,
    program: Vec<Value>,
    effects: Effects,
}

#[async_trait]
impl Agent for Player {
    fn task_type(&self) -> &str {
        &self.name
    }

    async fn run(&self, ctx: TaskContext, input: Json) -> Result<Json, TaskError> {
        let mut results = Vec::new();
        for instruction in &self.program {
            if let Some(value) = instruction.get("return") {
                return Ok(Json::from(value.clone()));
            } else if instruction.get("return_input").is_some() {
                return Ok(input);
            } else if instruction.get("return_results").is_some() {
                return Ok(Json::from(Value::Array(results)));
            } else if let Some(text) = instruction["log"].as_str() {
                ctx.log(text).await;
            } else if let Some(usage) = instruction.get("usage") {
                ctx.usage(read::<Usage>(usage)).await;
            } else if let Some(tried) = instruction.get("try") {
                let done = self.act(&ctx, tried).await;
                results.push(done.unwrap_or_else(|error| json!({"error": error.message})));
            } else {
                results.push(self.act(&ctx, instruction).await?);
            }
        }
        Ok(Json::NULL)
    }
}

impl Player {
    async fn act(&self, ctx: &TaskContext, it: &Value) -> Result<Value, TaskError> {
        let name = it["name"].as_str().unwrap_or_default();
        let child = |key: &str| {
            let agent = it[key].as_str()?;
            Some(NewTask::new(agent, Json::from(it["input"].clone())))
        };
        if let Some(step) = it["step"].as_str() {
            return ctx.step(step, || async { self.work(step, it) }).await;
        }
        if let Some(task) = child("call") {
            return ctx.call(name, task).await;
        }
        if let Some(task) = child("spawn") {
            return ctx.spawn::<Value>(name, task).await.map(|_| Value::Null);
        }
        if let Some(agent) = it["map"].as_str() {
            let inputs = it["inputs"].as_array().cloned().unwrap_or_default();
            let outcomes = ctx.map(name, agent, inputs, read(&it["max_parallel"])).await?;
            return outcomes
                .into_iter()
                .collect::<Result<Vec<Value>, _>>()
                .map(Value::Array);
        }
        if let Some(agents) = it["race"].as_array() {
            let tasks = agents.iter().filter_map(Value::as_str);
            let tasks = tasks.map(|agent| NewTask::new(agent, Json::NULL));
            let (index, output): (usize, Value) = ctx.race(name, tasks).await?;
            return Ok(json!([index, output]));
        }
        if let Some(seconds) = it["sleep"].as_f64() {
            let duration = std::time::Duration::from_secs_f64(seconds);
            return ctx.sleep(name, duration).await.map(|()| Value::Null);
        }
        if let Some(question) = it["checkpoint"].as_str() {
            let decision = ctx.checkpoint(question, &it["content"]).await?;
            return Ok(json!(decision));
        }
        if let Some(event) = it["wait_external"].as_str() {
            return ctx.wait_external(event, External::default()).await;
        }
        match it["before_attempt"].as_u64() {
            Some(attempt) if u64::from(ctx.attempt()) >= attempt => Ok(Value::Null),
            _ => Err(failure(it)),
        }
    }

    fn work(&self, step: &str, it: &Value) -> Result<Value, TaskError> {
        let mut effects = self.effects.lock().expect("nothing panics while it is held");
        let times = effects.entry(step.to_owned()).or_default();
        *times += 1;
        if *times <= it["times"].as_u64().unwrap_or_default() {
            return Err(failure(it));
        }
        Ok(it["value"].clone())
    }
}

fn read<T: for<'d> Deserialize<'d>>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("a well-formed scenario")
}

fn failure(it: &Value) -> TaskError {
    let class: ErrorClass = read(&it["fail"]["class"]);
    TaskError::new(class, it["fail"]["message"].as_str().expect("a message"))
}

/// Plays the people and the outside systems, and whoever cancels, until the task has ended.
async fn answer(orchestrator: &Orchestrator, task: &TaskHandle, scenario: &Scenario) -> Result<()> {
    let engine = orchestrator.engine();
    let mut events = task.events().await?;
    loop {
        let event = events.next().await?;
        let Some(about) = event.task_id else { continue };
        if about == task.id() && event.body.state.is_some() && event.body.state == scenario.cancel_when {
            engine.cancel(about, "the scenario says so").await?;
        }
        let said = event.body.step.as_ref().and_then(|step| scenario.answers.get(step));
        let Some(said) = said.filter(|_| event.kind == EventType::TaskCreated) else {
            continue;
        };
        if said.get("decision").is_some() {
            engine.decide(about, &read::<Decision>(said)).await?;
        } else {
            engine.complete(about, read::<ExternalResult>(said)).await?;
        }
    }
}

/// What came of a scenario, as far as it expects something.
async fn play(url: &str, scenario: &Scenario) -> Result<Value> {
    let orchestrator = Orchestrator::open(url).await?;
    let effects = Effects::default();
    for (name, program) in &scenario.agents {
        orchestrator.register(Player {
            name: name.clone(),
            program: program.clone(),
            effects: effects.clone(),
        })?;
    }
    let task = orchestrator.submit(scenario.submit.clone()).await?;
    let ended = tokio::select! {
        ended = task.settled() => ended?,
        answered = answer(&orchestrator, &task, scenario) => {
            answered?;
            unreachable!("it answers until the task has ended")
        }
    };
    let found = found(&orchestrator, &ended, &effects, &scenario.expect).await?;
    orchestrator.shutdown(std::time::Duration::from_secs(5)).await;
    Ok(found)
}

async fn found(
    orchestrator: &Orchestrator,
    ended: &Task,
    effects: &Effects,
    wanted: &Map<String, Value>,
) -> Result<Value> {
    let engine = orchestrator.engine();
    // What is cancelled with a task ends a little later.
    for below in engine.tree(ended.id).await?.tasks {
        engine.settled(below.id).await?;
    }
    let tree = engine.tree(ended.id).await?;
    let history = engine
        .events(EventQuery {
            scope: EventScope::Tree(ended.id),
            ..EventQuery::default()
        })
        .await?;
    let logs = engine
        .logs(LogQuery {
            task: ended.id,
            after: orchestrator_core::protocol::Seq::default(),
            limit: 0,
        })
        .await?;
    let children = tree.tasks.iter().filter(|one| one.parent_id == Some(ended.id));
    let children: BTreeMap<_, _> = children.map(|one| (one.step.clone(), one.state)).collect();
    let children: Map<String, Value> = children
        .into_iter()
        .map(|(k, v)| (k.unwrap_or_default(), json!(v)))
        .collect();
    let mut found = Map::new();
    for (key, expected) in wanted {
        let value = match key.as_str() {
            "state" => json!(ended.state),
            "output" => json!(ended.output),
            "error" => json!(
                ended
                    .error
                    .as_ref()
                    .map(|e| json!({"class": e.class, "message": e.message}))
            ),
            "attempt" => json!(ended.attempt),
            "children" => json!(children),
            "steps" => json!(steps(&history, ended.id)),
            "effects" => json!(*effects.lock().expect("nothing panics while it is held")),
            "events" => counts(&history, expected),
            "tree_usage" => only(&json!(ended.tree_usage), expected),
            "logs" => json!(logs.iter().map(|line| &line.text).collect::<Vec<_>>()),
            other => anyhow::bail!("`{other}` is nothing that can be expected"),
        };
        found.insert(key.clone(), value);
    }
    Ok(Value::Object(found))
}

fn steps(history: &[Event], task: TaskId) -> Vec<Option<String>> {
    let steps = history
        .iter()
        .filter(|e| e.kind == EventType::TaskStep && e.task_id == Some(task));
    steps.map(|event| event.body.step.clone()).collect()
}

fn keys(of: &Value) -> impl Iterator<Item = &String> {
    of.as_object().into_iter().flat_map(Map::keys)
}

fn counts(history: &[Event], expected: &Value) -> Value {
    let count = |kind: &str| history.iter().filter(|event| event.kind.as_str() == kind).count();
    keys(expected).map(|kind| (kind.clone(), json!(count(kind)))).collect()
}

fn only(value: &Value, expected: &Value) -> Value {
    keys(expected).map(|key| (key.clone(), value[key].clone())).collect()
}

async fn all_on(place: impl Fn(usize) -> String) {
    let scenarios: Vec<Scenario> = serde_json::from_str(TABLE).expect("the table is well-formed");
    assert!(scenarios.len() > 20, "the table is there");
    let mut wrong = Vec::new();
    for (number, scenario) in scenarios.iter().enumerate() {
        let name = &scenario.name;
        match play(&place(number), scenario).await.context("it could not be played") {
            Ok(found) if found == Value::Object(scenario.expect.clone()) => {}
            Ok(found) => wrong.push(format!("{name}: found {found}, expected {:?}", scenario.expect)),
            Err(error) => wrong.push(format!("{name}: {error:#}")),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn scenarios_in_memory() {
    all_on(|_| "memory:".to_owned()).await;
}

#[tokio::test]
async fn scenarios_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    all_on(|number| format!("sqlite:{}/{number}.db", folder.path().display())).await;
}
