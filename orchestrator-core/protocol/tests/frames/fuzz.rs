//! Texts that are no frames are refused, never a panic.

use orchestrator_protocol::{
    DEEPEST,
    frame::{ServerFrame, WorkerFrame},
};
use proptest::prelude::*;
use serde_json::Value;

use crate::examples;

fn texts() -> Vec<String> {
    let workers = examples::from_workers().into_iter().map(|frame| frame.to_json());
    let servers = examples::from_servers().into_iter().map(|frame| frame.to_json());
    workers.chain(servers).collect::<Result<_, _>>().expect("frames")
}

/// A value of another type than most fields want.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(Value::Array(vec![])),
        Just(serde_json::json!({"a": [1, {"b": null}]})),
    ]
}

/// Puts a value in place of the `place`th of all values below.
fn replace(json: &mut Value, place: &mut usize, with: &Value) {
    if *place == 0 {
        *json = with.clone();
    }
    *place = place.wrapping_sub(1);
    match json {
        Value::Object(fields) => fields.values_mut().for_each(|value| replace(value, place, with)),
        Value::Array(items) => items.iter_mut().for_each(|value| replace(value, place, with)),
        _ => {}
    }
}

fn read(text: &str) {
    let _ = WorkerFrame::parse(text);
    let _ = ServerFrame::parse(text);
}

/// However deep it is nested, a text is refused, with the number of the request, and never overflows the stack.
#[test]
fn nested_values() {
    const DEPTH: usize = 100_000;
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(DEPTH), close.repeat(DEPTH));
        let unclosed = open.repeat(DEPTH);
        for text in [
            deep.clone(),
            unclosed.clone(),
            format!(r#"{{"type": "report", "id": 7, "items": {deep}}}"#),
            format!(r#"{{"type": "report", "id": 7, "items": [{{"output": {deep}}}]}}"#),
            format!(r#"{{"type": "hello", "id": 7, "input_schemas": {{"a": {deep}}}}}"#),
            format!(r#"{{"type": "stats", "id": 7, "newer": {deep}}}"#),
            format!(r#"{{"type": "credit", "id": 7, "add": {unclosed}"#),
        ] {
            let error = WorkerFrame::parse(&text).expect_err("it is too deep");
            // What is no JSON at all has no number either.
            let whole = text.starts_with(r#"{"type"#) && text.ends_with('}') && !text.ends_with(&unclosed);
            assert_eq!(error.id, whole.then_some(7), "{}", error.message);
            let _ = ServerFrame::parse(&text);
        }
        let carried = format!(r#"{{"type": "sing", "words": {deep}}}"#);
        assert!(WorkerFrame::parse(&carried).is_err(), "nor is it passed over");
    }
    let item = r#"{"task_id": "01930000-0000-7000-8000-000000000001", "lease": 1, "number": 1, "type": "step", "name": "a", "output": "#;
    let fits = format!(
        r#"{{"type": "report", "id": 7, "items": [{item}{}{}}}]}}"#,
        "[".repeat(DEEPEST - 3),
        "]".repeat(DEEPEST - 3)
    );
    WorkerFrame::parse(&fits).expect("it is as deep as it may be");
}

proptest! {
    #[test]
    fn any_text(text in any::<String>()) {
        read(&text);
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn truncated(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        let texts = texts();
        let text = which.get(&texts);
        let at = at.index(text.len());
        prop_assert!(text.is_char_boundary(at), "the examples are ASCII");
        prop_assert!(WorkerFrame::parse(&text[..at]).is_err());
        prop_assert!(ServerFrame::parse(&text[..at]).is_err());
    }

    #[test]
    fn wrong_types(which in any::<prop::sample::Index>(), place in 0_usize..60, with in odd()) {
        let texts = texts();
        let mut json: Value = serde_json::from_str(which.get::<String>(&texts)).expect("JSON");
        replace(&mut json, &mut place.clone(), &with);
        read(&json.to_string());
    }
}
