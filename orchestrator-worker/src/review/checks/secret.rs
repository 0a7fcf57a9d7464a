//! Credentials in files. A secret is never repeated: findings show its first four characters.

mod assignment;
mod format;
mod placeholder;

pub use placeholder::entropy;

use super::super::finding::{Confidence, Dimension, Finding, Severity};
use super::super::source::{Role, Source};

const WHY: &str = "Whoever can read the repository, its history or a copy of it can use this. Revoke it first, then load it \
                   from the environment or a secret store; removing the line does not remove it from the history.";

/// A credential in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Secret {
    /// The check's id, such as `secret.github_token`.
    pub check: &'static str,
    /// What it is, for people.
    pub name: &'static str,
    pub severity: Severity,
    pub confidence: Confidence,
    /// The bytes of the text that must not be shown.
    pub start: usize,
    pub end: usize,
}

/// The credentials in a file.
pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    let mut secrets = format::find(source.text);
    // Tests, examples and documentation are full of made-up values; only real formats count there.
    if matches!(source.role, Role::Source | Role::Build | Role::Config) {
        for guess in assignment::find(source) {
            if !secrets
                .iter()
                .any(|known| known.start < guess.end && guess.start < known.end)
            {
                secrets.push(guess);
            }
        }
    }
    secrets.sort_by_key(|secret| (secret.start, secret.end));
    secrets
        .into_iter()
        .filter(|secret| !source.is_test_line(source.line_at(secret.start)) || secret.check != assignment::CHECK)
        .map(|mut secret| {
            // A test module inside a production file; whole test files are left to the critique.
            if source.role != Role::Test && source.is_test_line(source.line_at(secret.start)) {
                secret.severity = secret.severity.min(Severity::Low);
                secret.confidence = Confidence::Low;
            }
            let shown = mask(&source.text[secret.start..secret.end]);
            Finding::builtin(secret.check, secret.severity, Dimension::Security, &source.path)
                .at(source.line_at(secret.start))
                .confident(secret.confidence)
                .says(format!("{} in the file ({shown})", secret.name), WHY)
        })
        .collect()
}

/// The first four characters of a secret, or fewer of a short one.
pub fn mask(secret: &str) -> String {
    let secret = secret.trim_start();
    let shown = 4.min(secret.chars().count() / 3);
    secret.chars().take(shown).chain(['…']).collect()
}

/// The text with every credential of a well-known format masked. For whatever leaves the machine or is stored:
/// messages of analysers, prompts, answers of models. Keeps the lines.
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for secret in format::find_all(text) {
        if secret.start < done {
            continue;
        }
        out.push_str(&text[done..secret.start]);
        out.push_str(&mask(&text[secret.start..secret.end]));
        // A key of many lines keeps its line ends, so that line numbers stay right.
        out.extend(std::iter::repeat_n(
            '\n',
            text[secret.start..secret.end].matches('\n').count(),
        ));
        done = secret.end;
    }
    out.push_str(&text[done..]);
    out
}

/// Like [`redact`], and with what looks like an assigned password or token in this file masked too.
pub fn redact_source(source: &Source<'_>) -> String {
    let mut text = source.text.to_owned();
    let mut guesses = assignment::find(source);
    guesses.sort_by_key(|guess| std::cmp::Reverse(guess.start));
    for guess in guesses {
        let shown = mask(&text[guess.start..guess.end]);
        text.replace_range(guess.start..guess.end, &shown);
    }
    redact(&text)
}

#[cfg(test)]
mod tests;
