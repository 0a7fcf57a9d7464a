//! What an input is about, in a few words: what tells a task without a description from others of its type.

use orchestrator_protocol::Json;
use serde_json::{Map, Value};

use crate::format::{clip_name, first_line};

/// Larger inputs are not read for a line of a list, which is drawn again and again.
const SHORT: usize = 4 * 1024;

/// Fields that say what a task is about, the clearest first.
const FIELDS: [&str; 16] = [
    "title",
    "subject",
    "topic",
    "question",
    "prompt",
    "path",
    "file",
    "repo",
    "repository",
    "url",
    "name",
    "query",
    "argv",
    "command",
    "text",
    "doc",
];

/// What an input is about, in so many characters at most; empty where it does not say.
pub fn subject(input: &Json, most: usize) -> String {
    if input.get().len() > SHORT {
        return String::new();
    }
    words(&input.to_value())
        .map(|words| clip_name(&words, most))
        .unwrap_or_default()
}

fn words(input: &Value) -> Option<String> {
    match input {
        Value::String(text) => line(text),
        Value::Object(fields) => {
            let known = FIELDS.iter().find_map(|name| of(fields.get(*name)?));
            known.or_else(|| only(fields))
        }
        _ => None,
    }
}

/// What a field says: a text, a command in words, or what is within it.
fn of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => line(text),
        Value::Array(words) => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            line(&words?.join(" "))
        }
        Value::Object(inner) => FIELDS.iter().find_map(|name| line(inner.get(*name)?.as_str()?)),
        _ => None,
    }
}

/// The only text among the fields. Of several nobody knows which it is, and some are mere choices.
fn only(fields: &Map<String, Value>) -> Option<String> {
    let mut texts = fields.values().filter_map(Value::as_str);
    let text = texts.next()?;
    if texts.next().is_none() { line(text) } else { None }
}

fn line(text: &str) -> Option<String> {
    Some(first_line(text, 400)).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn inputs_are_told_apart() {
        for (input, expected) in [
            (json!("Summarise\nthis"), "Summarise"),
            (json!({"repo": "/srv/shop", "severity": "low"}), "/srv/shop"),
            (json!({"argv": ["cargo", "test"], "grace_s": 3}), "cargo test"),
            (json!({"mode": "fast", "prompt": "# Write a poem"}), "Write a poem"),
            (
                json!({"file": {"path": "src/a.rs", "size": 3}, "input": {}}),
                "src/a.rs",
            ),
            (json!({"n": 3, "what": "a thing"}), "a thing"),
            (json!({"a": "one", "b": "two"}), ""),
            (json!({"title": " "}), ""),
            (json!([1, 2]), ""),
            (json!(null), ""),
            (json!({"text": "x".repeat(SHORT)}), ""),
        ] {
            assert_eq!(subject(&Json::from(input.clone()), 40), expected, "{input}");
        }
        let long = json!({"path": "a/very/long/path/to/a/file.rs"});
        assert_eq!(subject(&Json::from(long), 12), "…o/a/file.rs");
    }
}
