//! What the authors themselves wrote down as unfinished: TODO comments and stubs.

use super::pattern::{patterns, shorten};
use super::secret::redact;
use crate::review::finding::{Confidence, Dimension, Finding, Severity};
use crate::review::source::{Language, Source};

patterns! {
    // At the start of a comment, or followed by what makes it a note: `TODO: x`, `FIXME(ann)`.
    MARKER = r"(?:^[\s/*#;!<-]*(?P<a>TODO|FIXME|HACK|XXX|BUG)\b(?P<r>.*)|\b(?P<b>TODO|FIXME|HACK|XXX)(?P<s>(?:\([^)]*\))?:.*))$";
    STUB = r#"\btodo!\s*\(|\bTODO\(\s*["')]|\bunimplemented!\s*\("#;
    STUB_TEXT = r#"(?ix)(?:throw\s+new\s+\w*(?:error|exception)|panic|raise\s+\w*(?:error|exception)|die|fail)\s*\(?\s*["'`](?:[\w.:\x20]{0,40}\s)?(?:not\s+(?:yet\s+)?implemented|unimplemented|todo)\b"#;
    NOT_IMPLEMENTED = r"throw\s+new\s+NotImplementedException\s*\(";
}

pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    markers(source).into_iter().chain(stubs(source)).collect()
}

fn markers(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (comment, number) in source.mask.comments_by_line().zip(1..) {
        let comment = comment.trim();
        if comment.is_empty() {
            continue;
        }
        let Some(captures) = MARKER.captures(comment) else {
            continue;
        };
        let word = captures
            .name("a")
            .or_else(|| captures.name("b"))
            .map_or("TODO", |word| word.as_str());
        let text = captures
            .name("r")
            .or_else(|| captures.name("s"))
            .map_or("", |text| text.as_str());
        let text = text
            .trim_start_matches([':', ' ', '-'])
            .trim_end_matches(['*', '/', '-', '>', ' ']);
        // A note that goes on in the next line is shown as such.
        let goes_on = !text.is_empty() && !text.ends_with(['.', '!', '?', ')', '…']) && next_is_comment(source, number);
        let more = if goes_on { " …" } else { "" };
        let severity = if matches!(word, "FIXME" | "HACK" | "BUG") {
            Severity::Low
        } else {
            Severity::Info
        };
        let message = if text.is_empty() {
            format!("{word} without a word about what")
        } else {
            format!("{word}: {}{more}", shorten(&redact(text), 100))
        };
        let finding = Finding::builtin("debt.todo", severity, Dimension::Completeness, &source.path)
            .at(number)
            .says(
                message,
                "Work that its author knew to be missing. Do it, or give it an issue and a name; comments age unseen.",
            );
        findings.push(finding);
    }
    findings
}

/// True when the next line holds nothing but a comment.
fn next_is_comment(source: &Source<'_>, number: u32) -> bool {
    let (start, end) = (source.mask.line_start(number + 1), source.mask.line_start(number + 2));
    source
        .mask
        .code
        .get(start..end)
        .is_some_and(|code| code.trim().is_empty())
        && source
            .mask
            .comments
            .get(start..end)
            .is_some_and(|comment| comment.bytes().any(|byte| byte.is_ascii_alphanumeric()))
}

fn stubs(source: &Source<'_>) -> Vec<Finding> {
    let code = match source.language {
        Language::Rust | Language::Kotlin => STUB
            .find_iter(&source.mask.code)
            .map(|hit| hit.start())
            .collect::<Vec<_>>(),
        Language::CSharp => NOT_IMPLEMENTED
            .find_iter(&source.mask.code)
            .map(|hit| hit.start())
            .collect(),
        _ => Vec::new(),
    };
    let texts = STUB_TEXT
        .find_iter(source.text)
        .map(|hit| hit.start())
        .filter(|at| source.mask.is_code(*at));
    code.into_iter()
        .chain(texts)
        .filter(|at| !source.is_test_line(source.line_at(*at)))
        .map(|at| {
            // `unimplemented!` is often meant to stay, more so when it says why; `todo!` never is.
            let text = &source.text[at..];
            let severity = match (text.starts_with("unimplemented!"), text.starts_with("unimplemented!()")) {
                (true, false) => Severity::Info,
                (true, true) => Severity::Low,
                _ => Severity::Medium,
            };
            Finding::builtin("debt.stub", severity, Dimension::Completeness, &source.path)
                .at(source.line_at(at))
                .confident(Confidence::Medium)
                .says(
                    "Not implemented: this fails when it is reached",
                    "A caller meets a crash instead of a result. Implement it, or make the gap a typed error that is documented.",
                )
        })
        .collect()
}
