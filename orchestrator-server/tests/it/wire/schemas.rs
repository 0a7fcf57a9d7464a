//! What workers announce of their agents' inputs.

use orchestrator_client::Way;
use orchestrator_core::{
    AgentError, Json, TaskContext,
    agent::{Registry, agent},
    protocol::{
        MAX_SCHEMA_BYTES, TaskType,
        frame::{ServerFrame, WorkerFrame},
    },
};
use serde_json::{Value, json};

use super::{
    raw::{Raw, hello},
    replica::{Ground, Replica, remote, until, work},
};

fn schema(title: &str) -> Value {
    json!({"type": "object", "title": title})
}

async fn types(replica: &Replica) -> Vec<(String, Option<Value>, u32)> {
    let types = replica.engine.task_types().await.expect("types");
    let told = |TaskType {
                    name,
                    input_schema,
                    online,
                }| (name, input_schema.map(|s| s.to_value()), online);
    types.into_iter().map(told).collect()
}

/// Introduces a worker which says this of its schemas.
async fn announce(replica: &Replica, schemas: Option<Value>) -> Raw {
    let mut hello = hello(1, &["a", "b"]);
    hello.input_schemas = schemas.map(|schemas| Json::from(schemas).to().expect("schemas by type"));
    Raw::welcomed(&replica.url(), hello).await.0
}

#[tokio::test]
async fn the_latest_announcement_counts_and_silence_changes_nothing() {
    let replica = Replica::start(&Ground::default()).await;
    let _first = announce(&replica, Some(json!({"a": schema("one"), "b": schema("b")}))).await;
    let (a, b) = (
        ("a".to_owned(), Some(schema("one")), 1),
        ("b".to_owned(), Some(schema("b")), 1),
    );
    assert_eq!(types(&replica).await, [a.clone(), b.clone()]);
    let _older = announce(&replica, None).await;
    assert_eq!(types(&replica).await, [a, b], "an older worker says nothing of schemas");
    let _newer = announce(&replica, Some(json!({"a": schema("two")}))).await;
    let (a, b) = (("a".to_owned(), Some(schema("two")), 1), ("b".to_owned(), None, 1));
    assert_eq!(types(&replica).await, [a, b], "`b` has none any more");
}

/// As after an upgrade of the server: it does not know what the worker said to the one before.
#[tokio::test]
async fn a_resumed_session_announces_too() {
    let replica = Replica::start(&Ground::default()).await;
    let (first, welcome) = Raw::welcomed(&replica.url(), hello(1, &["a"])).await;
    drop(first);
    let mut again = hello(1, &["a"]);
    again.resume = Some(welcome.session);
    again.input_schemas = Some([("a".to_owned(), schema("a").into())].into());
    let (_raw, welcome) = Raw::welcomed(&replica.url(), again).await;
    assert!(welcome.resumed);
    assert_eq!(types(&replica).await, [("a".to_owned(), Some(schema("a")), 1)]);
}

#[tokio::test]
async fn what_is_no_schema_is_refused_with_its_name() {
    let replica = Replica::start(&Ground::default()).await;
    let long = json!({"description": "x".repeat(MAX_SCHEMA_BYTES)});
    let mut deep = json!({});
    for _ in 0..110 {
        deep = json!({"items": deep});
    }
    for (schemas, words) in [
        (json!({"a": true}), "the schema of `a` must be a JSON object"),
        (json!({"a": null}), "the schema of `a` must be a JSON object"),
        (json!({"a": long}), "the schema of `a` has 65"),
        (json!({"z": {}}), "`z` is not one of the task_types"),
        (json!({"a": deep}), "nested deeper than 100"),
        (json!([1]), "invalid type"),
    ] {
        let mut raw = Raw::worker(&replica.url()).await;
        let frame = WorkerFrame::Hello(hello(1, &["a"])).to_json().expect("a frame");
        let mut frame: Value = serde_json::from_str(&frame).expect("JSON");
        frame["input_schemas"] = schemas;
        raw.send(&frame.to_string()).await;
        match raw.hear().await {
            ServerFrame::Error(failure) => assert!(failure.message.contains(words), "{}", failure.message),
            other => panic!("{words}: {other:?}"),
        }
    }
    assert_eq!(types(&replica).await, []);
}

#[tokio::test]
async fn real_workers_announce_what_their_agents_say_either_way() {
    for way in [Way::WebSocket, Way::LongPoll] {
        let replica = Replica::start(&Ground::default()).await;
        let mut agents = Registry::new();
        let run = |_: TaskContext, n: i64| async move { Ok::<_, AgentError>(n) };
        agents
            .add(agent("good", run).input_schema(json!({"type": "integer"})))
            .expect("an agent");
        let too_long = json!({"title": "x".repeat(MAX_SCHEMA_BYTES)});
        agents
            .add(agent("large", run).input_schema(too_long))
            .expect("an agent");
        agents.add(agent("plain", run)).expect("an agent");
        let worker = work(remote(&replica.url(), way), agents, 1);
        let seen = until("the worker is there", async || {
            let types = types(&replica).await;
            (types.len() == 3 && types.iter().all(|(_, _, online)| *online == 1)).then_some(types)
        });
        let seen: Vec<_> = seen.await.into_iter().map(|(name, schema, _)| (name, schema)).collect();
        let expected = [
            ("good".to_owned(), Some(json!({"type": "integer"}))),
            // It would be refused, and the worker works all the same.
            ("large".to_owned(), None),
            ("plain".to_owned(), None),
        ];
        assert_eq!(seen, expected, "{way:?}");
        drop(worker);
    }
}
