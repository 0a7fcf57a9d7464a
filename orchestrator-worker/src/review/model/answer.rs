//! How a model's answer is read: forgiving about its form, strict about its content.

use serde_json::Value;

use super::ask::Chunk;
use crate::review::checks::secret::redact;
use crate::review::checks::shorten;
use crate::review::finding::{Confidence, Dimension, Finding, MODEL, Severity};

/// Most findings taken from one answer; a model that finds more is rambling.
const MOST_FINDINGS: usize = 12;

/// Why an answer could not be used. Asking again may help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// There is no JSON in it.
    #[error("the answer holds no JSON")]
    NoJson,
    /// The JSON is broken, often because the answer was cut off.
    #[error("the answer's JSON is broken: {0}")]
    Broken(String),
    /// The JSON is something else than what was asked for.
    #[error("the answer's JSON has another shape: {0}")]
    Shape(String),
}

/// What an answer said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// The findings that can be used.
    pub findings: Vec<Finding>,
    /// How many were ignored: lines that are not there, no message, too many.
    pub ignored: u32,
}

/// Reads the answer to a request about `chunk`.
///
/// # Errors
/// When there is no list of findings in it. A single finding that makes no sense is only counted as ignored.
pub fn read(answer: &str, chunk: &Chunk) -> Result<Reading, AnswerError> {
    let value = extract_json(answer)?;
    let list = match &value {
        Value::Array(list) => list,
        Value::Object(object) => match object.get("findings").or_else(|| object.get("issues")) {
            Some(Value::Array(list)) => list,
            Some(_) => return Err(AnswerError::Shape("`findings` is no list".to_owned())),
            None => return Err(AnswerError::Shape("there are no `findings`".to_owned())),
        },
        _ => return Err(AnswerError::Shape("neither an object nor a list".to_owned())),
    };
    let mut reading = Reading::default();
    for item in list {
        match finding(item, chunk) {
            Some(finding) if reading.findings.len() < MOST_FINDINGS && !reading.findings.contains(&finding) => {
                reading.findings.push(finding);
            }
            _ => reading.ignored += 1,
        }
    }
    Ok(reading)
}

fn finding(item: &Value, chunk: &Chunk) -> Option<Finding> {
    let text = |key: &str, limit| {
        let text = item
            .get(key)?
            .as_str()?
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        (!text.is_empty()).then(|| shorten(&redact(&text), limit))
    };
    let number = |key: &str| {
        let value = item.get(key)?;
        value
            .as_u64()
            .or_else(|| value.as_str()?.trim().parse().ok())
            .and_then(|number| u32::try_from(number).ok())
    };
    let message = text("message", 300)?;
    let line = number("line")?;
    if !(chunk.first_line..=chunk.last_line).contains(&line) {
        return None;
    }
    let end = number("end_line")
        .filter(|end| (line..=chunk.last_line).contains(end))
        .unwrap_or(line);
    // Only tools may call something critical.
    let severity = item
        .get("severity")
        .and_then(Value::as_str)
        .and_then(Severity::parse)
        .unwrap_or(Severity::Low)
        .min(Severity::High);
    let dimension = item
        .get("dimension")
        .and_then(Value::as_str)
        .and_then(Dimension::parse)
        .unwrap_or(Dimension::CodeQuality);
    let finding = Finding {
        check: MODEL.to_owned(),
        severity,
        dimension,
        file: chunk.file.clone(),
        message,
        why: text("why", 500).unwrap_or_default(),
        // High severity on a model's word alone would decide the verdict.
        confidence: if severity == Severity::High {
            Confidence::Low
        } else {
            Confidence::Medium
        },
        sources: vec![MODEL.to_owned()],
        ..Finding::default()
    };
    Some(finding.span(line, end))
}

/// The JSON in an answer: alone, in a fence, or with words around it.
///
/// # Errors
/// [`AnswerError::NoJson`] when no bracket opens; [`AnswerError::Broken`] when what opens cannot be read.
pub fn extract_json(answer: &str) -> Result<Value, AnswerError> {
    let answer = answer.trim().trim_start_matches('\u{feff}');
    if let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str::<Value>(answer) {
        return Ok(value);
    }
    // Reasoning that comes first may hold braces of its own; what can be read to its end is the answer. The last
    // complete value wins because models correct themselves.
    let mut found = None;
    let mut error = None;
    let mut at = 0;
    while let Some(open) = answer[at..].find(['{', '[']) {
        let start = at + open;
        let mut stream = serde_json::Deserializer::from_str(&answer[start..]).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) => {
                at = start + stream.byte_offset().max(1);
                // `[1]` in a sentence is no answer.
                if value.is_object() || value.as_array().is_some_and(|list| list.iter().all(Value::is_object)) {
                    found = Some(value);
                }
            }
            Some(Err(problem)) => {
                error.get_or_insert(problem.to_string());
                at = start + 1;
            }
            None => break,
        }
        // A broken answer with thousands of brackets is not worth more time.
        if at > 200_000 {
            break;
        }
    }
    found.ok_or_else(|| error.map_or(AnswerError::NoJson, AnswerError::Broken))
}
