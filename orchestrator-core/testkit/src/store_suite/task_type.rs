//! What workers said of types of tasks.

use orchestrator_core::store::AnnouncedType;
use orchestrator_protocol::{Json, Timestamp};
use serde_json::json;

use crate::harness::Harness;

fn said(name: &str, schema: impl Into<Option<Json>>, at: i64) -> AnnouncedType {
    AnnouncedType {
        name: name.to_owned(),
        input_schema: schema.into(),
        announced_at: Timestamp::from_micros(at),
    }
}

fn schema(title: &str) -> Json {
    json!({"type": "object", "title": title}).into()
}

async fn put(h: &Harness, types: Vec<AnnouncedType>) {
    h.store.put_task_types(types).await.expect("types to keep");
}

async fn all(h: &Harness) -> Vec<AnnouncedType> {
    h.store.task_types(None).await.expect("types")
}

pub async fn the_latest_announcement_counts(h: &Harness) {
    assert_eq!(all(h).await, []);
    let first = [said("review", schema("old"), 1), said("digest", None, 1)];
    put(h, first.to_vec()).await;
    assert_eq!(all(h).await, [first[1].clone(), first[0].clone()], "by name");
    let second = [said("review", None, 2), said("digest", schema("new"), 3)];
    put(h, second.to_vec()).await;
    assert_eq!(all(h).await, [second[1].clone(), second[0].clone()]);
    put(h, Vec::new()).await;
    assert_eq!(all(h).await.len(), 2, "nothing said changes nothing");
}

pub async fn some_can_be_asked_for(h: &Harness) {
    let types = ["a", "b", "c"].map(|name| said(name, schema(name), 7));
    put(h, types.to_vec()).await;
    let asked = |names: &[&str]| {
        let names = names.iter().copied().map(str::to_owned).collect();
        async move { h.store.task_types(Some(names)).await.expect("types") }
    };
    assert_eq!(
        asked(&["c", "a", "unknown"]).await,
        [types[0].clone(), types[2].clone()]
    );
    assert_eq!(asked(&[]).await, []);
}

pub async fn any_name_and_any_schema_come_back(h: &Harness) {
    let long = Json::from(json!({"description": "\u{65e5}\u{672c} \"x\" \\ \u{0}".repeat(3_000)}));
    let types = vec![
        said("A", Some(long), 1),
        said("a\u{0}b", schema("\u{10fffe}0"), 2),
        said("a'; drop table task_type; --", schema("'"), 3),
        said("\u{e9}\u{1f600}", schema("\u{1f600}"), i64::from(i32::MAX) * 1_000_000),
    ];
    put(h, types.clone()).await;
    let mut seen = all(h).await;
    seen.sort_by_key(|said| said.announced_at);
    assert_eq!(seen, types);
    for one in types {
        let found = h.store.task_types(Some(vec![one.name.clone()])).await.expect("types");
        assert_eq!(found, [one]);
    }
}
