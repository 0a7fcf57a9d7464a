//! What was left behind after debugging, and tests that were switched off.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::{constant, plural};
use crate::review::finding::{Confidence, Dimension, Finding, Severity};
use crate::review::source::{Language, Role, Source};

/// Where a pattern counts.
#[derive(Clone, Copy, PartialEq)]
enum Where {
    /// Outside of tests.
    Production,
    /// In files that are part of a library: a program may print.
    Library,
    /// In tests only.
    Tests,
}

struct Leftover {
    check: &'static str,
    languages: &'static [Language],
    pattern: &'static str,
    place: Where,
    severity: Severity,
    dimension: Dimension,
    noun: &'static str,
    why: &'static str,
}

const SCRIPT: &[Language] = &[Language::JavaScript, Language::TypeScript, Language::Component];
const BREAK: &str = "It stops the program for a debugger that no user has. Remove it.";
const PRINT: &str = "A library's caller did not ask for output, and cannot route or silence it. Use the project's logger, or remove it.";
const ONLY: &str = "All the other tests are silently not run. Remove it before the next failure goes unseen.";
const SKIPPED: &str =
    "A skipped test protects nothing and is seldom switched on again. Fix it, delete it, or say until when.";

const fn print(languages: &'static [Language], pattern: &'static str, noun: &'static str) -> Leftover {
    Leftover {
        check: "debug.print",
        languages,
        pattern,
        place: Where::Library,
        severity: Severity::Low,
        dimension: Dimension::CodeQuality,
        noun,
        why: PRINT,
    }
}

const fn stop(languages: &'static [Language], pattern: &'static str, noun: &'static str) -> Leftover {
    Leftover {
        check: "debug.breakpoint",
        languages,
        pattern,
        place: Where::Production,
        severity: Severity::Medium,
        dimension: Dimension::CodeQuality,
        noun,
        why: BREAK,
    }
}

const fn skipped(languages: &'static [Language], pattern: &'static str, noun: &'static str) -> Leftover {
    Leftover {
        check: "test.skipped",
        languages,
        pattern,
        place: Where::Tests,
        severity: Severity::Info,
        dimension: Dimension::Testability,
        noun,
        why: SKIPPED,
    }
}

#[rustfmt::skip]
const LEFTOVERS: &[Leftover] = &[
    print(SCRIPT, r"(?:^|[^\w.])console\.(?:log|debug|dir|trace)\s*\(", "`console.log` call"),
    print(&[Language::Python], r"(?m)^\s*print\s*\(", "`print` call"),
    print(&[Language::Rust], r"\be?println!\s*\(", "`println!` call"),
    print(&[Language::Go], r"\bfmt\.Print(?:ln|f)?\s*\(|(?m:^\s*)println\(", "`fmt.Print` call"),
    print(&[Language::Java, Language::Kotlin], r"\bSystem\.(?:out|err)\.print|\.printStackTrace\s*\(\s*\)", "`System.out`/`printStackTrace` call"),
    print(&[Language::Php], r"\b(?:var_dump|print_r|dd)\s*\(", "dump call"),
    Leftover { check: "debug.dbg", place: Where::Production, ..print(&[Language::Rust], r"\bdbg!\s*\(", "`dbg!` call") },
    stop(SCRIPT, r"(?m)(?:^|[;{}\s])debugger\s*(?:;|$)", "`debugger` statement"),
    stop(&[Language::Python], r"(?:^|[^\w.])(?:breakpoint\s*\(\s*\)|i?pdb\.set_trace\s*\()", "breakpoint"),
    stop(&[Language::Ruby], r"(?m)\bbinding\.(?:pry|irb)\b|^\s*(?:byebug|debugger)\s*$", "breakpoint"),
    Leftover { check: "test.only", severity: Severity::High, why: ONLY,
        ..skipped(SCRIPT, r"\b(?:it|describe|test|context)\.only\s*\(|(?m:^\s*)(?:fdescribe|fit)\s*\(", "focused test") },
    skipped(SCRIPT, r"\b(?:it|describe|test|context)\.skip\s*\(|(?m:^\s*)(?:xdescribe|xit)\s*\(", "skipped test"),
    skipped(&[Language::Python], r"(?m)^\s*@(?:pytest\.mark\.skip\b|unittest\.skip\b)", "skipped test"),
    skipped(&[Language::Rust], r"#\[ignore\b", "ignored test"),
    skipped(&[Language::Java, Language::Kotlin], r"(?m)^\s*@(?:Disabled|Ignore)\b", "disabled test"),
];

static COMPILED: LazyLock<Vec<Regex>> =
    LazyLock::new(|| LEFTOVERS.iter().map(|leftover| constant(leftover.pattern)).collect());

/// One finding a kind: how many there are, and where the first one is.
pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (leftover, regex) in LEFTOVERS.iter().zip(COMPILED.iter()) {
        if !leftover.languages.contains(&source.language) {
            continue;
        }
        let file_counts = match leftover.place {
            Where::Library => source.library && source.role == Role::Source && !is_program(source),
            Where::Production | Where::Tests => true,
        };
        if !file_counts {
            continue;
        }
        let lines: Vec<u32> = regex
            .find_iter(&source.mask.code)
            .map(|hit| source.line_at(hit.end() - 1))
            // Inside a macro it is the macro's user who prints.
            .filter(|line| source.language != Language::Rust || !source.line(*line).contains('$'))
            .filter(|line| source.is_test_line(*line) == (leftover.place == Where::Tests))
            .collect();
        let Some(first) = lines.first() else { continue };
        let mut finding = Finding::builtin(leftover.check, leftover.severity, leftover.dimension, &source.path)
            .at(*first)
            .confident(Confidence::Medium)
            .says(plural(lines.len(), leftover.noun), leftover.why);
        finding.count = lines.len() as u32;
        findings.push(finding);
    }
    findings
}

/// A file that talks to its user: a script, a command line, a logger.
fn is_program(source: &Source<'_>) -> bool {
    let text = source.text;
    let name = source.path.name();
    let by_name = [
        "cli", "main", "command", "console", "logger", "log", "print", "report", "debug", "repl", "term",
    ]
    .iter()
    .any(|word| name.to_ascii_lowercase().contains(word))
        || source
            .path
            .folders()
            .any(|folder| matches!(folder, "bin" | "cmd" | "cli" | "commands" | "scripts" | "management"));
    let by_text = text.starts_with("#!")
        || match source.language {
            Language::Python => [
                "__main__",
                "argparse",
                "import click",
                "import typer",
                "sys.argv",
                "optparse",
            ]
            .iter()
            .any(|mark| text.contains(mark)),
            Language::Go => text.contains("package main"),
            Language::JavaScript | Language::TypeScript => text.contains("process.argv") || text.contains("commander"),
            Language::Java | Language::Kotlin => text.contains("void main(") || text.contains("fun main("),
            _ => false,
        };
    by_name || by_text
}
