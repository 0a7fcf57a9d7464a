//! What an output says of work: findings, scores and recommendations, wherever it carries them.
//!
//! Outputs are anyone's: whatever has the shape of a finding or a score is shown, and what has not is passed over.

use serde_json::Value;

use crate::Tone;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// A remark.
    Info,
    /// It can wait.
    Low,
    /// It should be dealt with.
    Medium,
    /// It must be dealt with.
    High,
    /// At once.
    Critical,
}

impl Severity {
    fn parse(word: &str) -> Self {
        match word.to_lowercase().as_str() {
            "critical" | "blocker" => Self::Critical,
            "high" | "error" | "major" => Self::High,
            "medium" | "warning" | "moderate" => Self::Medium,
            "low" | "minor" => Self::Low,
            _ => Self::Info,
        }
    }

    /// Its name for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "Info",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }

    /// The role that its colour plays.
    pub const fn tone(self) -> Tone {
        match self {
            Self::Info | Self::Low => Tone::Neutral,
            Self::Medium => Tone::Attention,
            Self::High | Self::Critical => Tone::Bad,
        }
    }
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is there.
    pub message: String,
    /// Why it matters and what to do; may be empty.
    pub why: String,
    /// Where: `src/a.rs:12`; empty for the whole.
    pub place: String,
    /// What found it: `clippy::unwrap_used`; may be empty.
    pub check: String,
}

/// A score from 0 to 10.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Of what: `security`.
    pub name: String,
    /// From 0 to 10; none when there was nothing to judge.
    pub value: Option<f64>,
}

impl Score {
    /// The name for people: `Code quality`.
    pub fn title(&self) -> String {
        let words = self.name.replace('_', " ");
        let mut chars = words.chars();
        chars
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    }

    /// The role that its colour plays.
    pub fn tone(&self) -> Tone {
        match self.value {
            None => Tone::Neutral,
            Some(value) if value >= 8.0 => Tone::Good,
            Some(value) if value >= 6.0 => Tone::Active,
            Some(value) if value >= 4.0 => Tone::Attention,
            Some(_) => Tone::Bad,
        }
    }
}

/// What an output says of work.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// The verdict, in words; may be empty.
    pub verdict: String,
    /// The overall score.
    pub overall: Option<f64>,
    /// The scores.
    pub scores: Vec<Score>,
    /// What to do first.
    pub recommendations: Vec<String>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// A page for people, in Markdown; may be empty.
    pub markdown: String,
}

impl Report {
    /// What an output says of work; none when it says nothing.
    pub fn of(output: &Value) -> Option<Self> {
        let mut report = Self::default();
        let parts = [
            Some(output),
            output.get("report"),
            output.get("review"),
            output.get("evaluation"),
            output.get("critique"),
        ];
        for part in parts.into_iter().flatten() {
            report.read(part);
        }
        report
            .findings
            .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        report.findings.dedup();
        (report != Self::default()).then_some(report)
    }

    fn read(&mut self, part: &Value) {
        for name in ["findings", "issues", "kept"] {
            let items = part.get(name).and_then(Value::as_array);
            self.findings.extend(items.into_iter().flatten().filter_map(finding));
        }
        let items = part.get("recommendations").and_then(Value::as_array);
        self.recommendations
            .extend(items.into_iter().flatten().filter_map(recommendation));
        if self.markdown.is_empty() {
            text(part, &["markdown"]).clone_into(&mut self.markdown);
        }
        let scores = part.get("scores").unwrap_or(&Value::Null);
        if self.verdict.is_empty() {
            self.verdict = [text(scores, &["verdict"]), text(part, &["verdict", "decision"])]
                .into_iter()
                .find(|word| !word.is_empty())
                .map(|word| word.replace('_', " "))
                .unwrap_or_default();
        }
        let overall = [scores.get("overall"), part.get("overall"), part.get("score")];
        self.overall = self
            .overall
            .or_else(|| overall.into_iter().flatten().find_map(Value::as_f64));
        if self.scores.is_empty() {
            self.scores = read_scores(scores);
        }
    }

    /// How many findings there are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }
}

fn text<'v>(value: &'v Value, names: &[&str]) -> &'v str {
    names
        .iter()
        .find_map(|name| value.get(name)?.as_str())
        .unwrap_or_default()
}

fn finding(value: &Value) -> Option<Finding> {
    let message = match value {
        Value::String(message) => message,
        value => text(value, &["message", "title", "issue", "description", "text"]),
    };
    if message.is_empty() {
        return None;
    }
    let file = text(value, &["file", "path"]);
    let line = value.get("line").and_then(Value::as_u64);
    let place = line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"));
    Some(Finding {
        severity: Severity::parse(text(value, &["severity", "level"])),
        message: message.to_owned(),
        why: text(value, &["why", "suggestion", "detail", "fix"]).to_owned(),
        place,
        check: text(value, &["check", "rule", "code"]).to_owned(),
    })
}

fn recommendation(value: &Value) -> Option<String> {
    let message = match value {
        Value::String(message) => message.clone(),
        value => {
            let (what, why) = (text(value, &["message", "title", "text"]), text(value, &["why"]));
            match (why.is_empty(), what.ends_with(['.', '!', '?', ':', '。'])) {
                (true, _) => what.to_owned(),
                (false, true) => format!("{what} {why}"),
                (false, false) => format!("{what}. {why}"),
            }
        }
    };
    Some(message).filter(|message| !message.trim().is_empty())
}

fn read_scores(scores: &Value) -> Vec<Score> {
    let listed = scores.get("dimensions").unwrap_or(scores);
    let score = |name: &str, value: &Value| Score {
        name: name.to_owned(),
        value: value.as_f64().or_else(|| value.get("score")?.as_f64()),
    };
    match listed {
        Value::Array(items) => items
            .iter()
            .filter(|item| !text(item, &["dimension", "name"]).is_empty())
            .map(|item| score(text(item, &["dimension", "name"]), item))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, value)| *name != "overall" && (value.is_number() || value.get("score").is_some()))
            .map(|(name, value)| score(name, value))
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_report_of_a_review() {
        let output = json!({
            "scores": {"verdict": "needs_work", "overall": 6.5, "dimensions": [
                {"dimension": "code_quality", "score": 7.0, "findings": 2, "worst": "medium"},
                {"dimension": "testability", "score": null}]},
            "findings": [
                {"check": "a", "severity": "low", "file": "a.py", "line": 3, "message": "Low", "why": ""},
                {"check": "b", "severity": "critical", "file": "", "message": "A key", "why": "Revoke it."}],
            "recommendations": [{"check": "b", "message": "A key", "why": "Revoke it.", "places": []}]
        });
        let report = Report::of(&output).expect("a report");
        assert_eq!((report.verdict.as_str(), report.overall), ("needs work", Some(6.5)));
        assert_eq!(
            (report.findings[0].message.as_str(), report.findings[1].place.as_str()),
            ("A key", "a.py:3")
        );
        assert_eq!(
            (report.scores[0].title().as_str(), report.scores[1].value),
            ("Code quality", None)
        );
        assert_eq!(report.recommendations, ["A key. Revoke it."]);
        assert_eq!(report.count(Severity::Critical), 1);
    }

    #[test]
    fn what_others_make() {
        let scored =
            Report::of(&json!({"evaluation": {"scores": {"security": 3, "overall": 4.0}, "issues": ["Slow"]}}));
        let scored = scored.expect("a report");
        assert_eq!(
            (scored.overall, scored.scores.len(), scored.scores[0].tone()),
            (Some(4.0), 1, Tone::Bad)
        );
        assert_eq!(scored.findings[0].message, "Slow");
        for nothing in [
            json!(null),
            json!({"answer": 1}),
            json!({"findings": 3}),
            json!([1]),
            json!({"scores": [1, "x"]}),
        ] {
            assert_eq!(Report::of(&nothing), None, "{nothing}");
        }
    }
}
