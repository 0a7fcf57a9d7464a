//! Reads what analysers print.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::review::checks::patterns;
use crate::review::finding::{Confidence, Dimension, Finding, Severity};
use crate::review::runner::Output;
use crate::review::source::RepoPath;

/// What a parser must know about the run.
pub(super) struct Context<'a> {
    pub analyser: &'static str,
    /// Where it ran.
    pub root: &'a Path,
    /// The file it was given, when it was given one.
    pub only: Option<&'a RepoPath>,
}

impl Context<'_> {
    /// The file that a tool calls `name`; None when it lies outside.
    pub(super) fn path(&self, name: &str) -> Option<RepoPath> {
        if let Some(only) = self.only {
            return Some(only.clone());
        }
        let path = Path::new(name);
        let relative = if path.is_absolute() {
            path.strip_prefix(self.root).ok()?
        } else {
            path
        };
        let relative = relative.strip_prefix(".").unwrap_or(relative);
        (!relative.starts_with("..")).then(|| RepoPath::from_path(relative))
    }
}

/// A finding of the analyser, with medium confidence.
pub(super) fn finding(
    context: &Context<'_>,
    check: &str,
    severity: Severity,
    dimension: Dimension,
    path: RepoPath,
    line: u32,
    message: String,
) -> Finding {
    Finding {
        check: check.to_owned(),
        severity,
        dimension,
        file: path,
        line: Some(line.max(1)),
        message,
        why: format!(
            "Found by {}; look up {check} in its documentation for the reason and the remedy.",
            context.analyser
        ),
        confidence: Confidence::Medium,
        sources: vec![context.analyser.to_owned()],
        ..Finding::default()
    }
}

fn json<T: DeserializeOwned>(output: &Output) -> Result<T, String> {
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
struct RuffItem {
    code: Option<String>,
    message: String,
    filename: String,
    location: RuffPlace,
    #[serde(default)]
    end_location: Option<RuffPlace>,
    url: Option<String>,
}

#[derive(Deserialize)]
struct RuffPlace {
    row: u32,
}

pub(super) fn ruff(output: &Output, context: &Context<'_>) -> Result<Vec<Finding>, String> {
    let items: Vec<RuffItem> = json(output)?;
    let read = |item: RuffItem| {
        let code = item.code.unwrap_or_else(|| "invalid-syntax".to_owned());
        let (severity, dimension) = weigh_ruff(&code);
        let path = context.path(&item.filename)?;
        let mut found = finding(
            context,
            &format!("ruff:{code}"),
            severity,
            dimension,
            path,
            item.location.row,
            item.message,
        );
        found.end_line = item
            .end_location
            .map(|end| end.row)
            .filter(|end| *end > item.location.row);
        if let Some(url) = item.url {
            found.why = format!("Explained at {url}");
        }
        Some(found)
    };
    Ok(items.into_iter().filter_map(read).collect())
}

fn weigh_ruff(code: &str) -> (Severity, Dimension) {
    let family: String = code.chars().take_while(char::is_ascii_alphabetic).collect();
    let dimension = match family.as_str() {
        "S" => Dimension::Security,
        "D" | "FIX" | "TD" => Dimension::Completeness,
        "PT" => Dimension::Testability,
        "C" | "PLR" => Dimension::Architecture,
        _ => Dimension::CodeQuality,
    };
    // What is wrong, then what is likely to be, then what is untidy; all that is a matter of taste is a remark.
    let severity = match code {
        "invalid-syntax" | "E999" | "F821" | "F822" | "F823" => Severity::High,
        "S102" | "S301" | "S307" | "S323" | "S501" | "S506" | "S602" | "S605" | "S608" | "S701" | "B006" | "B012"
        | "B015" | "B016" | "B020" | "B023" | "B025" | "B909" | "E722" => Severity::Medium,
        "S101" | "S311" | "S404" | "S603" | "S606" | "S607" | "B009" | "B010" | "E501" => Severity::Info,
        _ if code.starts_with("F5") || code.starts_with("F6") || code.starts_with("F7") => Severity::Medium,
        _ if matches!(family.as_str(), "PLE" | "ASYNC") => Severity::Medium,
        _ if matches!(family.as_str(), "F" | "E" | "S" | "B" | "BLE" | "PLW") => Severity::Low,
        _ => Severity::Info,
    };
    (severity, dimension)
}

#[derive(Deserialize)]
struct BanditReport {
    results: Vec<BanditItem>,
}

#[derive(Deserialize)]
struct BanditItem {
    filename: String,
    test_id: String,
    issue_severity: String,
    issue_confidence: String,
    issue_text: String,
    line_number: u32,
}

pub(super) fn bandit(output: &Output, context: &Context<'_>) -> Result<Vec<Finding>, String> {
    let report: BanditReport = json(output)?;
    let read = |item: BanditItem| {
        // Assertions, imports of subprocess and calls with an argument list are no faults; old digests seldom are.
        let severity = match (item.test_id.as_str(), item.issue_severity.as_str()) {
            ("B101" | "B404" | "B603" | "B607" | "B311", _) => Severity::Info,
            ("B201" | "B501" | "B502" | "B507" | "B602" | "B605", "HIGH") => Severity::High,
            ("B324", _) => Severity::Low,
            (_, "HIGH" | "MEDIUM") => Severity::Medium,
            _ => Severity::Low,
        };
        let check = format!("bandit:{}", item.test_id);
        let path = context.path(&item.filename)?;
        let found = finding(
            context,
            &check,
            severity,
            Dimension::Security,
            path,
            item.line_number,
            item.issue_text,
        );
        Some(found.confident(match item.issue_confidence.as_str() {
            "HIGH" => Confidence::High,
            "MEDIUM" => Confidence::Medium,
            _ => Confidence::Low,
        }))
    };
    Ok(report.results.into_iter().filter_map(read).collect())
}

#[derive(Deserialize)]
struct LevelItem {
    file: String,
    line: u32,
    #[serde(default, rename = "endLine")]
    end_line: Option<u32>,
    level: String,
    code: serde_json::Value,
    message: String,
}

fn levels(output: &Output, context: &Context<'_>, prefix: &str, link: &str) -> Result<Vec<Finding>, String> {
    let items: Vec<LevelItem> = json(output)?;
    let read = |item: LevelItem| {
        let severity = match item.level.as_str() {
            "error" => Severity::Medium,
            "warning" => Severity::Low,
            _ => Severity::Info,
        };
        let number = item
            .code
            .as_str()
            .map_or_else(|| item.code.to_string(), ToOwned::to_owned);
        let code = if prefix.is_empty() {
            number
        } else {
            format!("{prefix}{number}")
        };
        let check = format!("{}:{code}", context.analyser);
        let path = context.path(&item.file)?;
        let mut found = finding(
            context,
            &check,
            severity,
            Dimension::CodeQuality,
            path,
            item.line,
            item.message,
        );
        found.end_line = item.end_line.filter(|end| *end > item.line);
        found.why = format!("Explained at {link}{code}");
        Some(found)
    };
    Ok(items.into_iter().filter_map(read).collect())
}

pub(super) fn shellcheck(output: &Output, context: &Context<'_>) -> Result<Vec<Finding>, String> {
    levels(output, context, "SC", "https://www.shellcheck.net/wiki/")
}

pub(super) fn hadolint(output: &Output, context: &Context<'_>) -> Result<Vec<Finding>, String> {
    levels(output, context, "", "https://github.com/hadolint/hadolint/wiki/")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EslintFile {
    file_path: String,
    messages: Vec<EslintItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EslintItem {
    rule_id: Option<String>,
    #[serde(default)]
    fatal: bool,
    severity: u8,
    message: String,
    #[serde(default)]
    line: Option<u32>,
    #[serde(default)]
    end_line: Option<u32>,
}

pub(super) fn eslint(output: &Output, context: &Context<'_>) -> Result<Vec<Finding>, String> {
    let files: Vec<EslintFile> = json(output)?;
    let mut findings = Vec::new();
    for file in files {
        let Some(path) = context.path(&file.file_path) else {
            continue;
        };
        for item in file.messages {
            // A message without a rule is about the configuration, unless the file could not be read at all.
            let severity = match (item.fatal, item.severity, &item.rule_id) {
                (true, _, _) => Severity::High,
                (_, _, None) => continue,
                (_, 2, _) => Severity::Low,
                _ => Severity::Info,
            };
            let check = format!("eslint:{}", item.rule_id.as_deref().unwrap_or("syntax"));
            let line = item.line.unwrap_or(1);
            let mut found = finding(
                context,
                &check,
                severity,
                Dimension::CodeQuality,
                path.clone(),
                line,
                item.message,
            );
            found.end_line = item.end_line.filter(|end| *end > line);
            findings.push(found);
        }
    }
    Ok(findings)
}

patterns! {
    LINE = r"^(?P<file>.+?):(?P<line>\d+):(?:(?P<column>\d+):?)?\s*(?P<message>.+)$";
    BASH = r"^(?P<file>.*): line (?P<line>\d+): (?P<message>.+)$";
}

/// `file:line:column: message` on the standard output.
#[expect(clippy::unnecessary_wraps, reason = "all parsers have one shape")]
pub(super) fn lines(output: &Output, context: &Context<'_>) -> Result<Vec<Finding>, String> {
    Ok(read_lines(&output.text(), context))
}

/// The same on the standard error, which must then hold at least one when the tool says that it found something.
pub(super) fn errors(output: &Output, context: &Context<'_>) -> Result<Vec<Finding>, String> {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let findings = read_lines(text.strip_prefix("vet: ").unwrap_or(&text), context);
    if findings.is_empty() && output.code != Some(0) {
        Err("it names no line".to_owned())
    } else {
        Ok(findings)
    }
}

fn read_lines(text: &str, context: &Context<'_>) -> Vec<Finding> {
    let read = |line: &str| {
        let captures = LINE.captures(line)?;
        let message = captures["message"].to_owned();
        let (check, severity) = match message.as_str() {
            text if text.contains("syntax error") || text.contains("invalid syntax") => ("syntax", Severity::High),
            text if text.starts_with("undefined name") => ("undefined", Severity::High),
            text if text.contains("unable to detect undefined names") => ("star-import", Severity::Info),
            _ => ("warning", Severity::Low),
        };
        let check = format!("{}:{check}", context.analyser);
        let path = context.path(&captures["file"])?;
        Some(finding(
            context,
            &check,
            severity,
            Dimension::CodeQuality,
            path,
            captures["line"].parse().ok()?,
            message,
        ))
    };
    text.lines().filter_map(read).collect()
}

/// `bash -n` complains on the standard error; the first complaint is the cause of the others.
pub(super) fn bash(output: &Output, context: &Context<'_>) -> Result<Vec<Finding>, String> {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let first = text.lines().find_map(|line| BASH.captures(line));
    match first {
        Some(captures) => {
            let path = context.path(&captures["file"]).ok_or("it names another file")?;
            let line = captures["line"].parse().unwrap_or(1);
            let message = captures["message"].to_owned();
            Ok(vec![finding(
                context,
                "shell:syntax",
                Severity::High,
                Dimension::CodeQuality,
                path,
                line,
                message,
            )])
        }
        None if output.code == Some(0) => Ok(Vec::new()),
        None => Err("it names no line".to_owned()),
    }
}

/// `gofmt -l` names the file when it would change it.
#[expect(clippy::unnecessary_wraps, reason = "all parsers have one shape")]
pub(super) fn gofmt(output: &Output, context: &Context<'_>) -> Result<Vec<Finding>, String> {
    if output.code == Some(2) {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Ok(read_lines(&text, context)
            .into_iter()
            .take(1)
            .map(|mut found| {
                found.severity = Severity::High;
                "gofmt:syntax".clone_into(&mut found.check);
                found
            })
            .collect());
    }
    let Some(path) = output.text().lines().next().and_then(|name| context.path(name)) else {
        return Ok(Vec::new());
    };
    let message = "The file is not formatted with gofmt".to_owned();
    Ok(vec![finding(
        context,
        "gofmt:format",
        Severity::Info,
        Dimension::CodeQuality,
        path,
        1,
        message,
    )])
}
