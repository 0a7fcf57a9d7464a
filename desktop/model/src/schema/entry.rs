//! What is written in one field.

use orchestrator_protocol::{Json, is_too_deep};
use regex_lite::Regex;
use serde_json::Value;

use super::{Bounds, Kind, Slot, read::spelled};

/// What is in a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    /// What was written.
    Text(String),
    /// A value: what was chosen, or what came with a JSON text and was not touched.
    Value(Json),
}

impl Entry {
    /// The text of it, as it is edited.
    pub(super) fn shown(&self, kind: &Kind) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Value(json) => shown(json, kind),
        }
    }

    /// The value of it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for people.
    pub(super) fn json(&self, slot: &Slot) -> Result<Json, String> {
        match self {
            Self::Text(text) => parsed(text, slot),
            Self::Value(json) if json.is_null() && slot.nullable => Ok(json.clone()),
            Self::Value(json) => check(json, &slot.kind).map(|()| json.clone()),
        }
    }
}

/// A value as it is edited.
fn shown(json: &Json, kind: &Kind) -> String {
    if json.is_null() && !matches!(kind, Kind::Json) {
        return String::new();
    }
    match (kind, json.to_value()) {
        (Kind::Text { .. }, Value::String(text)) => text,
        (Kind::Texts { .. }, Value::Array(items)) if items.iter().all(is_line) => {
            items.iter().map(spelled).collect::<Vec<_>>().join("\n")
        }
        (Kind::Json, Value::Object(_) | Value::Array(_)) => crate::form::pretty(json),
        (Kind::Json, Value::Null) => "null".to_owned(),
        _ => json.get().to_owned(),
    }
}

/// Whether a text can stand on a line of its own among others, and be read back from it.
fn is_line(item: &Value) -> bool {
    let line = |text: &str| !text.is_empty() && text.trim() == text && !text.contains(['\n', '\r']);
    item.as_str().is_some_and(|text| line(text) && !text.starts_with('['))
}

/// The value of what was written, which is not blank.
fn parsed(text: &str, slot: &Slot) -> Result<Json, String> {
    let trimmed = text.trim();
    let value = match &slot.kind {
        Kind::Text { .. } => string(text),
        Kind::Whole(_) | Kind::Number(_) => number(trimmed, &slot.kind)?,
        Kind::Texts { .. } if trimmed.starts_with('[') => json(trimmed)?,
        Kind::Texts { .. } => {
            let lines = trimmed.lines().map(str::trim).filter(|line| !line.is_empty());
            Json::from(Value::from(lines.collect::<Vec<_>>()))
        }
        Kind::Flag | Kind::Choice(_) | Kind::Group(_) | Kind::Json => json(trimmed)?,
    };
    check(&value, &slot.kind).map(|()| value)
}

fn string(text: &str) -> Json {
    Json::from(Value::from(text))
}

fn number(text: &str, kind: &Kind) -> Result<Json, String> {
    let plain = text.replace(['_', ' '], "");
    let plain = plain.strip_prefix('+').unwrap_or(&plain);
    if matches!(kind, Kind::Whole(_)) {
        let whole = plain.parse::<i128>().ok();
        return whole
            .and_then(|whole| Json::parse(whole.to_string()).ok())
            .ok_or_else(|| "Write a whole number.".to_owned());
    }
    let amount = plain.parse::<f64>().ok().filter(|amount| amount.is_finite());
    let amount = amount.ok_or_else(|| "Write a number like 2.5.".to_owned())?;
    // As it was written where that is JSON, so that no digit is lost.
    Ok(Json::parse(plain).unwrap_or_else(|_| Json::from(Value::from(amount))))
}

/// A text of JSON, or what is wrong with it and where.
pub(crate) fn json(text: &str) -> Result<Json, String> {
    if is_too_deep(text.as_bytes()) {
        return Err("This is nested too deep.".to_owned());
    }
    Json::parse(text).map_err(|error| {
        let message = error.to_string();
        let what = message.split(" at line ").next().unwrap_or_default();
        format!("Not JSON: {what} (line {}, column {}).", error.line(), error.column())
    })
}

/// What is wrong with a value for a field.
fn check(json: &Json, kind: &Kind) -> Result<(), String> {
    let value = json.to_value();
    match (kind, &value) {
        (
            Kind::Text {
                least, most, pattern, ..
            },
            Value::String(text),
        ) => {
            within(text.chars().count() as u64, *least, *most, "character")?;
            matching(text, pattern.as_deref())
        }
        (Kind::Text { .. }, _) => Err(format!("This is {}, and not a text.", short(json))),
        (Kind::Whole(bounds), Value::Number(n)) if is_whole(n) => bounded(n, bounds),
        (Kind::Whole(_), _) => Err("Write a whole number.".to_owned()),
        (Kind::Number(bounds), Value::Number(n)) => bounded(n, bounds),
        (Kind::Number(_), _) => Err("Write a number like 2.5.".to_owned()),
        (Kind::Flag, Value::Bool(_)) | (Kind::Json, _) | (Kind::Group(_), Value::Object(_)) => Ok(()),
        (Kind::Flag, _) => Err(format!("This is {}: choose yes or no.", short(json))),
        (Kind::Choice(choices), _) if choices.iter().any(|choice| choice.value == *json) => Ok(()),
        (Kind::Choice(_), _) => Err(format!("{} is none of the choices.", short(json))),
        (Kind::Texts { least, most }, Value::Array(items)) if items.iter().all(Value::is_string) => {
            within(items.len() as u64, *least, *most, "line")
        }
        (Kind::Texts { .. }, _) => Err("Write texts, one a line.".to_owned()),
        (Kind::Group(_), _) => Err(format!("This is {}, and not an object.", short(json))),
    }
}

fn is_whole(n: &serde_json::Number) -> bool {
    n.is_i64() || n.is_u64() || n.as_f64().is_some_and(|n| n.fract() == 0.0)
}

fn bounded(n: &serde_json::Number, bounds: &Bounds) -> Result<(), String> {
    match bounds.words() {
        Some(words) if !n.as_f64().is_some_and(|n| bounds.hold(n)) => Err(format!("It must be {words}.")),
        _ => Ok(()),
    }
}

fn matching(text: &str, pattern: Option<&str>) -> Result<(), String> {
    match pattern.map(|pattern| (pattern, Regex::new(pattern))) {
        Some((pattern, Ok(regex))) if !regex.is_match(text) => Err(format!("It must match {pattern}")),
        _ => Ok(()),
    }
}

fn within(count: u64, least: Option<u64>, most: Option<u64>, what: &str) -> Result<(), String> {
    let plural = |n: u64| if n == 1 { "" } else { "s" };
    match (least, most) {
        (Some(least), _) if count < least => Err(format!("At least {least} {what}{}.", plural(least))),
        (_, Some(most)) if count > most => Err(format!("At most {most} {what}{}.", plural(most))),
        _ => Ok(()),
    }
}

/// The beginning of a value.
fn short(json: &Json) -> String {
    let text = json.get();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
