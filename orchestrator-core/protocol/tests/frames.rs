//! Every frame's form, and what becomes of texts that are none.
//!
//! `docs/worker-protocol.md` holds the snapshots: each of its examples must be what the code writes, and nothing the code
//! writes may lack an example. `UPDATE_DOCS=1` writes them anew.

#[path = "frames/examples.rs"]
mod examples;
#[path = "frames/fuzz.rs"]
mod fuzz;

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use orchestrator_protocol::frame::{ServerFrame, WorkerFrame};
use serde_json::Value;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/worker-protocol.md");

#[test]
fn the_document_shows_every_frame_as_it_is() {
    let text = fs::read_to_string(Path::new(DOCUMENT)).expect("docs/worker-protocol.md");
    let examples = examples::all();
    let mut shown = BTreeSet::new();
    let mut renewed = String::new();
    let mut parts = text.split("<!-- example: ");
    renewed.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once(" -->\n```json\n").expect("a block after the comment");
        let (_, rest) = rest.split_once("\n```").expect("the end of the block");
        let (_, json) = examples
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("the document shows `{name}`, of which the code knows nothing"));
        shown.insert(name.to_owned());
        write!(renewed, "<!-- example: {name} -->\n```json\n{json}\n```{rest}").expect("a text can grow");
    }
    let missing: Vec<_> = examples.iter().filter(|(name, _)| !shown.contains(*name)).collect();
    assert!(missing.is_empty(), "not in the document: {missing:#?}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(DOCUMENT, &renewed).expect("the document can be written");
    } else {
        assert!(
            text == renewed,
            "docs/worker-protocol.md is out of date: UPDATE_DOCS=1 cargo test -p orchestrator-protocol --test frames"
        );
    }
}

#[test]
fn what_is_written_is_read_back() {
    for frame in examples::from_workers() {
        let json = frame.to_json().expect("a frame");
        assert_eq!(WorkerFrame::parse(&json).expect(&json), frame);
    }
    for frame in examples::from_servers() {
        let json = frame.to_json().expect("a frame");
        assert_eq!(ServerFrame::parse(&json).expect(&json), frame);
    }
}

/// Either side may be newer.
#[test]
fn unknown_fields_are_passed_over_at_every_depth_that_the_protocol_owns() {
    for frame in examples::from_servers() {
        let mut json: Value = serde_json::from_str(&frame.to_json().expect("a frame")).expect("JSON");
        sprinkle(&mut json);
        let read = ServerFrame::parse(&json.to_string()).unwrap_or_else(|e| panic!("{e}: {json}"));
        assert_eq!(read, frame, "{json}");
    }
    assert_eq!(
        ServerFrame::parse(r#"{"type": "sing", "id": "x"}"#),
        Ok(ServerFrame::Unknown)
    );
    assert_eq!(WorkerFrame::parse(r#"{"type": "sing"}"#), Ok(WorkerFrame::Unknown));
}

/// Adds a field to every object that is not a user's.
fn sprinkle(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                if !["input", "output", "detail", "labels", "retry", "budget", "join"].contains(&name.as_str()) {
                    sprinkle(value);
                }
            }
            fields.insert("newer_than_you".to_owned(), Value::from(vec![1, 2]));
        }
        Value::Array(items) => items.iter_mut().for_each(sprinkle),
        _ => {}
    }
}

#[test]
fn what_is_wrong_is_said_with_the_number_of_the_request() {
    for (text, id, words) in [
        ("", None, "a JSON object with a `type`"),
        ("[]", None, "a JSON object with a `type`"),
        ("{}", None, "it has none"),
        (r#"{"id": 7}"#, Some(7), "it has none"),
        (r#"{"type": 3}"#, None, "a JSON object with a `type`"),
        (
            r#"{"type": "report", "id": 7, "items": 3}"#,
            Some(7),
            "`report`: invalid type",
        ),
        (
            r#"{"type": "report", "id": "x", "items": []}"#,
            None,
            "`report`: invalid type",
        ),
        (
            r#"{"type": "credit", "add": -1}"#,
            None,
            "`credit`: invalid value: integer `-1`",
        ),
        (
            r#"{"type":"report","id":8,"items":[{"task_id":"00000000-0000-0000-0000-000000000001","lease":1,"number":1,"type":"fail"}]}"#,
            Some(8),
            "missing field `error`",
        ),
        (
            r#"{"type":"report","id":8,"items":[{"task_id":"00000000-0000-0000-0000-000000000001","lease":1,"number":0,"type":"stopped"}]}"#,
            Some(8),
            "`number` counts from 1",
        ),
        (
            r#"{"type":"report","id":8,"items":[{"task_id":"00000000-0000-0000-0000-000000000001","lease":1,"number":1,"type":"sing"}]}"#,
            Some(8),
            "unknown variant `sing`, expected one of `log`",
        ),
    ] {
        let error = WorkerFrame::parse(text).expect_err(text);
        assert_eq!(error.id, id, "{text}");
        assert!(error.message.contains(words), "`{}` for {text}", error.message);
    }
    assert!(WorkerFrame::Unknown.to_json().is_err(), "what is not known has no form");
}
