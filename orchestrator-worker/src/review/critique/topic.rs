//! When two findings mean the same thing.

use std::collections::BTreeSet;

use crate::review::finding::{Finding, MODEL};

/// Names that different tools have for one of our checks.
#[rustfmt::skip]
const ALIASES: &[(&str, &[&str])] = &[
    ("danger.eval", &["ruff:S307", "ruff:S102", "ruff:PGH001", "bandit:B307", "bandit:B102", "eslint:no-eval", "eslint:no-implied-eval", "eslint:no-new-func"]),
    ("danger.shell", &["ruff:S602", "ruff:S604", "ruff:S605", "bandit:B602", "bandit:B604", "bandit:B605"]),
    ("danger.deserialize", &["ruff:S301", "ruff:S302", "ruff:S506", "bandit:B301", "bandit:B302", "bandit:B506"]),
    ("danger.tls", &["ruff:S501", "ruff:S323", "bandit:B501", "bandit:B323"]),
    ("danger.sql", &["ruff:S608", "bandit:B608"]),
    ("danger.temp_file", &["ruff:S306", "bandit:B306"]),
    ("danger.debug_server", &["ruff:S201", "bandit:B201"]),
    ("error.swallowed", &["ruff:S110", "ruff:S112", "ruff:E722", "ruff:BLE001", "ruff:SIM105", "bandit:B110", "bandit:B112", "eslint:no-empty"]),
    ("secret.assigned", &["ruff:S105", "ruff:S106", "ruff:S107", "bandit:B105", "bandit:B106", "bandit:B107"]),
    ("correctness.mutable_default", &["ruff:B006"]),
    ("debug.print", &["ruff:T201", "eslint:no-console", "clippy::print_stdout", "clippy::print_stderr"]),
    ("debug.breakpoint", &["ruff:T100", "eslint:no-debugger"]),
    ("debug.dbg", &["clippy::dbg_macro"]),
    ("error.unwrap", &["clippy::unwrap_used"]),
    ("debt.stub", &["clippy::todo", "clippy::unimplemented"]),
    ("debt.todo", &["ruff:FIX001", "ruff:FIX002", "ruff:TD002", "eslint:no-warning-comments"]),
    ("dead.commented_code", &["ruff:ERA001"]),
    ("size.function", &["clippy::too_many_lines", "ruff:PLR0915", "ruff:C901", "eslint:max-lines-per-function"]),
    ("nesting.deep", &["clippy::excessive_nesting", "ruff:PLR1702", "eslint:max-depth"]),
    ("line.long", &["ruff:E501", "eslint:max-len"]),
    ("unsafe.unexplained", &["clippy::undocumented_unsafe_blocks", "clippy::missing_safety_doc"]),
    ("syntax", &["ruff:invalid-syntax", "ruff:E999", "python:syntax", "node:syntax", "shell:syntax"]),
];

/// The name under which findings of different tools are compared.
fn topic(check: &str) -> &str {
    ALIASES
        .iter()
        .find(|(_, names)| names.contains(&check))
        .map_or(check, |(topic, _)| topic)
}

/// True when both say the same about the same place.
pub(super) fn same(a: &Finding, b: &Finding) -> bool {
    if a.file != b.file {
        return false;
    }
    let from_model = a.sources.iter().chain(&b.sources).any(|source| source == MODEL);
    let (Some(line_a), Some(line_b)) = (a.line, b.line) else {
        return a.line == b.line && topic(&a.check) == topic(&b.check) && a.message == b.message;
    };
    // Tools disagree about the line of a statement by one, models by a few.
    let distance = line_a.abs_diff(line_b);
    if topic(&a.check) == topic(&b.check) {
        let same_source = a.sources == b.sources;
        return if same_source {
            distance == 0 && a.message == b.message
        } else {
            distance <= 1
        };
    }
    from_model && a.dimension == b.dimension && distance <= 3 && overlap(a, b) >= 0.34
}

/// The share of telling words that two messages have in common.
fn overlap(a: &Finding, b: &Finding) -> f64 {
    let (a, b) = (words(&a.message), words(&b.message));
    let smaller = a.len().min(b.len());
    if smaller == 0 {
        0.0
    } else {
        a.intersection(&b).count() as f64 / smaller as f64
    }
}

fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.len() > 3)
        .map(|word| {
            word.to_lowercase()
                .trim_end_matches("ing")
                .trim_end_matches('s')
                .to_owned()
        })
        .collect()
}
