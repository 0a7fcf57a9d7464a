//! Small helpers around regular expressions for the checks.

use regex::Regex;

/// Builds a constant pattern. Every table of patterns is built by a test, so a mistake in one cannot be shipped.
pub(crate) fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern, built by a test")
}

/// Declares lazily built constant patterns.
macro_rules! patterns {
    ($($name:ident = $pattern:expr;)+) => {
        $(static $name: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| crate::review::checks::pattern::constant($pattern));)+
    };
}
pub(crate) use patterns;

/// `1 line`, `2 lines`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// The first `limit` characters of a text, with an ellipsis when there are more.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    let text = text.trim();
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}
