//! Reads the messages of cargo.

use serde::Deserialize;

use super::output::{Context, finding};
use crate::review::finding::{Confidence, Dimension, Finding, Severity};
use crate::review::runner::Output;

#[derive(Deserialize)]
struct Line {
    reason: String,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "message")]
    text: String,
    level: String,
    code: Option<Code>,
    #[serde(default)]
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: u32,
    line_end: u32,
    is_primary: bool,
}

/// One JSON document a line; of several targets that build the same file, each message is kept once.
pub(super) fn parse(output: &Output, context: &Context<'_>) -> Result<Vec<Finding>, String> {
    let text = output.text();
    let mut findings: Vec<Finding> = Vec::new();
    let mut messages = 0;
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            continue;
        };
        messages += 1;
        let Some(message) = line.message.filter(|_| line.reason == "compiler-message") else {
            continue;
        };
        let Some(span) = message.spans.iter().find(|span| span.is_primary) else {
            continue;
        };
        let code = message
            .code
            .map_or_else(|| format!("rustc:{}", message.level), |code| code.code);
        let severity = match message.level.as_str() {
            "error" => Severity::High,
            "warning" if code == "dead_code" || code.starts_with("unused") => Severity::Low,
            "warning" if code == "missing_docs" => Severity::Info,
            "warning" => Severity::Low,
            _ => continue,
        };
        let Some(path) = context.path(&span.file_name) else {
            continue;
        };
        let mut found = finding(
            context,
            &code,
            severity,
            Dimension::CodeQuality,
            path,
            span.line_start,
            message.text,
        );
        found.end_line = (span.line_end > span.line_start).then_some(span.line_end);
        found.confidence = Confidence::High;
        if let Some(name) = code.strip_prefix("clippy::") {
            found.why = format!("Explained at https://rust-lang.github.io/rust-clippy/master/index.html#{name}");
        }
        if !findings.contains(&found) {
            findings.push(found);
        }
    }
    if messages == 0 && output.code != Some(0) {
        return Err("it said nothing".to_owned());
    }
    Ok(findings)
}
