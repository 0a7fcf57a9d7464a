//! Real linters: which there are, when they may run, and how they are run and read.
//!
//! Some linters execute code of what they check: clippy runs build scripts and procedural macros, eslint its
//! configuration, go vet the C tool chain. Those run only when the user trusts the repository. No linter writes into
//! the repository: build results go to a folder that the caller gives, caches and automatic fixes are switched off.

mod clippy;
mod output;
mod table;

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checks::secret::redact;
use super::checks::{patterns, shorten};
use super::finding::{Finding, Unchecked};
use super::options::{AnalyserChoice, Options};
use super::runner::{Invocation, Output, RunError, Runner};
use super::scope::{Scope, SourceFile};
use super::source::Language;
use table::{ANALYSERS, Analyser, Reach};

patterns! {
    // An absolute path of at least two parts; the last one says enough.
    ABSOLUTE = r"(?:/[\w.@+~-]+)+(/[\w.@+~-]+)";
}

/// An analyser that is there and may run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolRun {
    /// Its name, which is also the source of its findings.
    pub name: String,
    /// Its version, as it tells it.
    pub version: String,
}

/// Which analysers can be used on a repository.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Detection {
    /// Those that are present, wanted, of use here and allowed.
    pub tools: Vec<ToolRun>,
    /// Those that would have been of use, and why they are not.
    pub unchecked: Vec<Unchecked>,
}

/// What analysers found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Analysis {
    /// Their findings.
    pub findings: Vec<Finding>,
    /// What they could not do.
    pub unchecked: Vec<Unchecked>,
    /// The names of those that ran.
    pub ran: Vec<String>,
}

/// The names of all analysers that the review knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    ANALYSERS.iter().map(|analyser| analyser.name)
}

/// Finds out which analysers can be used. Runs each candidate's `--version` and nothing else.
pub async fn detect(root: &Path, scope: &Scope, options: &Options, runner: &dyn Runner) -> Detection {
    let mut detection = Detection::default();
    if let AnalyserChoice::Named(wanted) = &options.analysers {
        let unknown = wanted
            .iter()
            .filter(|name| !names().any(|known| known == name.as_str()));
        detection
            .unchecked
            .extend(unknown.map(|name| Unchecked::new(name.as_str(), "no such analyser is known")));
    }
    for analyser in ANALYSERS {
        if !options.analysers.wants(analyser.name) || !analyser.applies(scope) {
            continue;
        }
        let replaced = analyser
            .unless
            .iter()
            .any(|other| detection.tools.iter().any(|tool| tool.name == *other));
        if replaced && options.analysers == AnalyserChoice::Auto {
            continue;
        }
        match probe(analyser, root, options, runner).await {
            Ok(version) => detection.tools.push(ToolRun {
                name: analyser.name.to_owned(),
                version,
            }),
            Err(reason) => {
                // Nobody expects every linter of the world; only the usual one of a language is missed.
                if analyser.usual || options.analysers != AnalyserChoice::Auto {
                    detection.unchecked.push(Unchecked::new(analyser.name, reason));
                }
            }
        }
    }
    detection
}

async fn probe(analyser: &Analyser, root: &Path, options: &Options, runner: &dyn Runner) -> Result<String, String> {
    if !analyser.runs_code.is_empty() && !options.trust {
        return Err(format!(
            "skipped: it {}; pass --trust to allow that",
            analyser.runs_code
        ));
    }
    let mut invocation = Invocation::new(analyser.program, analyser.version, root);
    invocation.timeout = Duration::from_secs(30);
    invocation.max_output = 4 << 10;
    match runner.run(invocation).await {
        Ok(output) if output.code == Some(0) => {
            let text = output.text();
            let line = text
                .lines()
                .map(str::trim)
                .find(|line| line.bytes().any(|b| b.is_ascii_digit()))
                .unwrap_or("present");
            let line = line.strip_prefix("version: ").unwrap_or(line);
            let named = line
                .get(..analyser.name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(analyser.name));
            Ok(shorten(if named { &line[analyser.name.len()..] } else { line }, 60))
        }
        Ok(_) | Err(RunError::NotFound(_)) => Err("not installed".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Runs the analysers of single files over one file. `tools` is what [`detect`] found.
pub async fn analyse_file(
    root: &Path,
    file: &SourceFile,
    tools: &[ToolRun],
    options: &Options,
    runner: &dyn Runner,
) -> Analysis {
    let mut analysis = Analysis::default();
    for analyser in usable(tools, Reach::File).filter(|analyser| analyser.reads(file)) {
        let path = Path::new(".").join(file.path.to_path());
        let mut args: Vec<std::ffi::OsString> = analyser.args.iter().map(Into::into).collect();
        args.push(path.into_os_string());
        let mut invocation = Invocation::new(analyser.program, args, root);
        invocation.timeout = Duration::from_secs((options.analyser_timeout_secs / 10).max(5));
        invocation.max_output = 8 << 20;
        let context = output::Context {
            analyser: analyser.name,
            root,
            only: Some(&file.path),
        };
        match finish(analyser, runner.run(invocation).await, &context) {
            Ok(findings) => {
                analysis.findings.extend(findings.into_iter().map(clean));
                analysis.ran.push(analyser.name.to_owned());
            }
            Err(reason) => analysis.unchecked.push(Unchecked::new(
                file.path.to_string(),
                format!("{}: {reason}", analyser.name),
            )),
        }
    }
    analysis
}

/// Runs the analysers that need the whole repository, once. Findings outside of the scope's files are left out.
///
/// `work_dir` is a folder outside of the repository for build results; keeping it makes the next run faster.
pub async fn analyse_repository(
    root: &Path,
    scope: &Scope,
    tools: &[ToolRun],
    options: &Options,
    work_dir: &Path,
    runner: &dyn Runner,
) -> Analysis {
    let mut analysis = Analysis::default();
    for analyser in usable(tools, Reach::Repository) {
        for folder in analyser.folders(scope) {
            let mut invocation = Invocation::new(analyser.program, analyser.args, &root.join(&folder));
            invocation.timeout = Duration::from_secs(options.analyser_timeout_secs.max(1));
            invocation.max_output = 64 << 20;
            for (key, value) in analyser.env {
                invocation
                    .env
                    .push(((*key).to_owned(), value.replace("{work}", &work_dir.to_string_lossy())));
            }
            let place = root.join(&folder);
            let context = output::Context {
                analyser: analyser.name,
                root: &place,
                only: None,
            };
            match finish(analyser, runner.run(invocation).await, &context) {
                Ok(findings) => {
                    let findings = findings.into_iter().map(|finding| below(finding, &folder)).map(clean);
                    analysis
                        .findings
                        .extend(findings.filter(|finding| scope.files.iter().any(|file| file.path == finding.file)));
                    analysis.ran.push(analyser.name.to_owned());
                }
                Err(reason) => {
                    let what = if folder.is_empty() {
                        analyser.name.to_owned()
                    } else {
                        format!("{} in {folder}", analyser.name)
                    };
                    analysis.unchecked.push(Unchecked::new(what, reason));
                }
            }
        }
    }
    analysis.findings.sort_by(Finding::by_place);
    analysis
}

fn usable(tools: &[ToolRun], reach: Reach) -> impl Iterator<Item = &'static Analyser> {
    ANALYSERS
        .iter()
        .filter(move |analyser| analyser.reach == reach && tools.iter().any(|tool| tool.name == analyser.name))
}

/// Tells "found something" from "failed": a linter's exit code is not its verdict.
fn finish(
    analyser: &Analyser,
    result: Result<Output, RunError>,
    context: &output::Context<'_>,
) -> Result<Vec<Finding>, String> {
    let output = result.map_err(|error| error.to_string())?;
    if output.truncated {
        return Err("its output is too long".to_owned());
    }
    let failed = || {
        format!(
            "failed: {}",
            shorten(&redact(&without_paths(&output.complaint(), context.root)), 160)
        )
    };
    match output.code {
        Some(code) if analyser.exit_codes.contains(&code) => (analyser.parse)(&output, context).map_err(|reason| {
            if output.stdout.is_empty() && code != 0 {
                failed()
            } else {
                format!("its output could not be read: {reason}")
            }
        }),
        _ => Err(failed()),
    }
}

/// A report names no folders of the machine it was made on.
fn without_paths(text: &str, root: &Path) -> String {
    let root = root.to_string_lossy();
    let text = if root.len() > 1 {
        text.replace(&format!("{root}/"), "")
    } else {
        text.to_owned()
    };
    ABSOLUTE.replace_all(&text, "…$1").into_owned()
}

/// An analyser that quotes a line must not quote a secret with it.
fn clean(mut finding: Finding) -> Finding {
    finding.message = shorten(
        &redact(&finding.message)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
        300,
    );
    finding
}

/// The path of a finding made inside `folder`, relative to the repository.
fn below(mut finding: Finding, folder: &str) -> Finding {
    if !folder.is_empty() {
        finding.file = format!("{folder}/{}", finding.file).as_str().into();
    }
    finding
}

/// True when a file of one of these languages is in scope.
fn any_file(scope: &Scope, languages: &[Language]) -> bool {
    scope.files.iter().any(|file| languages.contains(&file.language))
}

#[cfg(test)]
mod tests;
