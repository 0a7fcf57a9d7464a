//! The report for people: summary first, then what to fix, then the details.

mod text;

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Recommendation, Report};
use crate::review::checks::plural;
use crate::review::finding::{Finding, Severity, Unchecked};
use crate::review::source::RepoPath;
use text::{code, listed, number_of, plain, text, thousands};

/// How much the page shows of each kind; the JSON has everything.
const FILES: usize = 25;
const FINDINGS_A_FILE: usize = 6;
const PLACES: usize = 4;
const UNCHECKED_A_REASON: usize = 5;

/// Renders the page. Pure; what comes from files and models is neutralised, so it can neither break the layout nor load
/// anything.
pub fn markdown(report: &Report) -> String {
    let mut page = Page(String::new());
    page.summary(report);
    page.recommendations(report);
    page.findings(report);
    page.repository(report);
    page.unchecked(report);
    page.method(report);
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, text: impl AsRef<str>) {
        self.0.push_str(text.as_ref());
        self.0.push('\n');
    }

    fn heading(&mut self, text: &str) {
        let _ = write!(self.0, "\n## {text}\n\n");
    }

    fn summary(&mut self, report: &Report) {
        self.line(format!("# Review of {}", code(&report.repo)));
        self.line("");
        let verdict = report.scores.verdict.label();
        match report.scores.overall {
            Some(overall) => self.line(format!("**Verdict: {verdict}** ({overall:.1} of 10)")),
            None => self.line(format!("**Verdict: {verdict}**")),
        }
        self.line("");
        self.line(sentence(report));
        if report.scores.overall.is_some() {
            self.line("");
            self.line("| dimension | score | findings | worst |");
            self.line("|---|---:|---:|---|");
            for score in &report.scores.dimensions {
                let value = score
                    .score
                    .map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"));
                let worst = score.worst.map_or("–", Severity::as_str);
                self.line(format!(
                    "| {} | {value} | {} | {worst} |",
                    score.dimension.as_str().replace('_', " "),
                    score.findings
                ));
            }
        }
        for note in &report.notes {
            self.line("");
            self.line(format!("> Note: {}", text(note)));
        }
    }

    fn recommendations(&mut self, report: &Report) {
        if report.recommendations.is_empty() {
            return;
        }
        self.heading("Fix first");
        for (index, item) in report.recommendations.iter().enumerate() {
            self.line(format!(
                "{}. **{}** {} — {}",
                index + 1,
                item.severity,
                text(&item.message),
                places(item)
            ));
            self.line(format!("   {}", text(&item.why)));
        }
    }

    fn findings(&mut self, report: &Report) {
        let mut by_file: BTreeMap<&RepoPath, Vec<&Finding>> = BTreeMap::new();
        for finding in report
            .findings
            .iter()
            .filter(|finding| finding.severity > Severity::Info)
        {
            by_file.entry(&finding.file).or_default().push(finding);
        }
        let remarks = report.count(Severity::Info);
        if by_file.is_empty() && remarks == 0 {
            return;
        }
        self.heading("Findings by file");
        // The report's findings are worst first, and so are the files: by their worst, then by how many they have.
        let mut files: Vec<(&RepoPath, Vec<&Finding>)> = by_file.into_iter().collect();
        files.sort_by(|a, b| {
            b.1[0]
                .severity
                .cmp(&a.1[0].severity)
                .then(b.1.len().cmp(&a.1.len()))
                .then(a.0.cmp(b.0))
        });
        let (shown, hidden) = files.split_at(files.len().min(FILES));
        for (file, findings) in shown {
            let name = if file.is_empty() {
                "The repository itself".to_owned()
            } else {
                code(file.as_str())
            };
            self.line(format!("**{name}**"));
            self.line("");
            for finding in findings.iter().take(FINDINGS_A_FILE) {
                self.line(item(finding));
            }
            if findings.len() > FINDINGS_A_FILE {
                self.line(format!(
                    "- … and {} more in this file",
                    findings.len() - FINDINGS_A_FILE
                ));
            }
            self.line("");
        }
        if !hidden.is_empty() {
            let count: usize = hidden.iter().map(|(_, findings)| findings.len()).sum();
            self.line(format!(
                "… and {count} more in {}; the JSON report has them all.",
                plural(hidden.len(), "other file")
            ));
            self.line("");
        }
        if remarks > 0 {
            self.line(format!("Remarks that cost no points: {}.", by_check(report)));
        }
    }

    fn repository(&mut self, report: &Report) {
        let overview = &report.overview;
        if overview.files == 0 {
            return;
        }
        self.heading("The repository");
        self.line("| language | files | lines | code |");
        self.line("|---|---:|---:|---:|");
        for share in overview.languages.iter().take(10) {
            let lines = if share.code_lines > 0 {
                thousands(share.code_lines)
            } else {
                "–".to_owned()
            };
            self.line(format!(
                "| {} | {} | {} | {lines} |",
                share.language,
                thousands(u64::from(share.files)),
                thousands(share.lines)
            ));
        }
        if overview.languages.len() > 10 {
            self.line(format!("| {} more | | | |", overview.languages.len() - 10));
        }
        self.line("");
        self.properties(report);
    }

    fn properties(&mut self, report: &Report) {
        let overview = &report.overview;
        if overview.code_lines > 0 {
            let production = overview.code_lines.saturating_sub(overview.test_lines).max(1);
            let (lines, files) = (overview.test_lines, plural(overview.test_files as usize, "file"));
            let ratio = lines * 100 / production;
            self.line(if lines == 0 {
                "- Tests: none".to_owned()
            } else {
                format!(
                    "- Tests: {} lines of test code in {files}, {ratio} for every 100 lines of production code",
                    thousands(lines)
                )
            });
        }
        let inventory = &report.inventory;
        let has = |yes: bool| if yes { "yes" } else { "no" };
        let list = |paths: &[String]| {
            if paths.is_empty() {
                "none".to_owned()
            } else {
                listed(paths, 4)
            }
        };
        self.line(format!(
            "- README: {}; licence: {}",
            has(inventory.readme),
            has(inventory.license)
        ));
        self.line(format!("- Continuous integration: {}", list(&inventory.ci)));
        self.line(format!("- Lock files: {}", list(&inventory.lock_files)));
        for (title, ranked, noun) in [
            ("Largest files", &overview.largest, "line"),
            ("Most troubled files", &overview.troubled, "finding"),
        ] {
            if !ranked.is_empty() {
                let files: Vec<String> = ranked
                    .iter()
                    .take(5)
                    .map(|ranked| format!("{} ({})", code(ranked.file.as_str()), number_of(ranked.count, noun)))
                    .collect();
                self.line(format!("- {title}: {}", files.join(", ")));
            }
        }
    }

    fn unchecked(&mut self, report: &Report) {
        if report.unchecked.is_empty() {
            return;
        }
        self.heading("What could not be checked");
        let mut by_reason: BTreeMap<&str, Vec<&Unchecked>> = BTreeMap::new();
        for unchecked in &report.unchecked {
            by_reason.entry(&unchecked.reason).or_default().push(unchecked);
        }
        for (reason, group) in by_reason {
            let names: Vec<String> = group.iter().map(|unchecked| unchecked.what.clone()).collect();
            self.line(format!("- {}: {}", listed(&names, UNCHECKED_A_REASON), text(reason)));
        }
    }

    fn method(&mut self, report: &Report) {
        self.heading("How this was made");
        let method = &report.method;
        if let Some(git) = &report.git {
            let head = git
                .head
                .as_deref()
                .map_or("nothing committed yet", |head| &head[..head.len().min(12)]);
            let base = git
                .base
                .as_deref()
                .map(|base| format!(", only what changed since {}", &base[..base.len().min(12)]));
            self.line(format!(
                "- Commit: {head} and the files in the working tree{}",
                base.unwrap_or_default()
            ));
        }
        self.line(format!("- Built-in checks {}", method.builtin));
        if method.tools.is_empty() {
            self.line("- Analysers: none ran");
        }
        for tool in &method.tools {
            self.line(format!("- {}: {}", tool.name, text(&tool.version)));
        }
        match &method.model {
            Some(model) => self.line(format!(
                "- Model: {} read {}",
                code(model),
                plural(method.model_files as usize, "file")
            )),
            None => self.line("- Model: none; nobody judged whether the code does what it should"),
        }
        if method.raw_findings > 0 {
            self.line(format!(
                "- Critique: {} of {} kept, {} changed; the JSON report says why for each",
                report.findings.len(),
                plural(method.raw_findings as usize, "finding"),
                report.changed.len()
            ));
        }
        if !report.skipped.is_empty() {
            let skipped: Vec<String> = report
                .skipped
                .iter()
                .map(|(reason, count)| format!("{reason} ({count})"))
                .collect();
            self.line(format!("- Left out on purpose: {}", skipped.join(", ")));
        }
    }
}

/// What a hurried reader takes away.
fn sentence(report: &Report) -> String {
    let overview = &report.overview;
    if overview.files == 0 {
        return "There are no files to review here.".to_owned();
    }
    let languages: Vec<String> = overview
        .languages
        .iter()
        .filter(|share| share.code_lines * 100 >= overview.code_lines.max(1))
        .take(4)
        .map(|share| {
            format!(
                "{} {} %",
                share.language,
                (share.code_lines * 100 + overview.code_lines / 2) / overview.code_lines.max(1)
            )
        })
        .collect();
    let of = if languages.is_empty() {
        String::new()
    } else {
        format!(" ({})", languages.join(", "))
    };
    let size = format!(
        "{}, {} lines of code{of}.",
        number_of(u64::from(overview.files), "file"),
        thousands(overview.code_lines)
    );
    let counts: Vec<String> = Severity::ALL
        .iter()
        .rev()
        .map(|severity| (report.count(*severity), severity))
        .filter(|(count, _)| *count > 0)
        .map(|(count, severity)| format!("{count} {severity}"))
        .collect();
    let by = match (report.method.tools.is_empty(), report.method.model.is_some()) {
        (true, false) => " by the built-in checks alone",
        _ => "",
    };
    match counts.as_slice() {
        [] => format!("{size} Nothing was found{by}, which does not prove that nothing is there."),
        _ => format!("{size} Findings{by}: {}.", counts.join(", ")),
    }
}

fn item(finding: &Finding) -> String {
    let place = match (finding.line, finding.end_line) {
        (Some(line), Some(end)) => format!("lines {line}–{end}: "),
        (Some(line), None) => format!("line {line}: "),
        _ => String::new(),
    };
    let unsure = if finding.confidence == crate::review::finding::Confidence::Low {
        ", unsure"
    } else {
        ""
    };
    let more = if finding.count > 1 && !finding.message.starts_with(&finding.count.to_string()) {
        format!(" (and {} more like it in this file)", finding.count - 1)
    } else {
        String::new()
    };
    let sources = if finding.sources.len() > 1 || finding.sources.first().is_some_and(|source| source != "builtin") {
        format!(", {}", finding.sources.join(" + "))
    } else {
        String::new()
    };
    format!(
        "- **{}**{unsure} {place}{}{more} `{}`{sources}",
        finding.severity,
        text(&finding.message),
        plain(&finding.check)
    )
}

fn places(item: &Recommendation) -> String {
    let mut shown = item
        .places
        .iter()
        .take(PLACES)
        .map(|place| match (place.file.is_empty(), place.line) {
            (true, _) => "the repository".to_owned(),
            (false, 0) => code(place.file.as_str()),
            (false, line) => code(&format!("{}:{line}", place.file)),
        });
    let first = shown.next().unwrap_or_default();
    let others: Vec<String> = shown.collect();
    if others.is_empty() {
        return first;
    }
    let more = item.places.len().saturating_sub(PLACES);
    let more = if more > 0 {
        format!(" and {}", plural(more, "more place"))
    } else {
        String::new()
    };
    // The words are those of the first place; the others have the same check and their own words.
    let check = plain(&item.check);
    format!("{first}; `{check}` also at {}{more}", others.join(", "))
}

/// `12 debt.todo, 3 line.long`.
fn by_check(report: &Report) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Info)
    {
        *counts.entry(&finding.check).or_default() += finding.count.max(1) as usize;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    counts
        .iter()
        .take(12)
        .map(|(check, count)| format!("{count} × `{}`", plain(check)))
        .collect::<Vec<_>>()
        .join(", ")
}
