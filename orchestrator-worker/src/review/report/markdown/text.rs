//! Small pieces of Markdown that hold any text.

use crate::review::checks::shorten;

/// Longest piece of prose from outside.
const MESSAGE_CHARS: usize = 240;

/// The first few names and how many more there are.
pub(super) fn listed(names: &[String], most: usize) -> String {
    let shown: Vec<String> = names.iter().take(most).map(|name| code(name)).collect();
    let more = names.len().saturating_sub(most);
    if more > 0 {
        format!("{} and {more} more", shown.join(", "))
    } else {
        shown.join(", ")
    }
}

/// 12,345 files.
pub(super) fn number_of(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// 12,345.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A code span that holds any text.
pub(super) fn code(name: &str) -> String {
    let name = plain(name);
    if name.contains('`') {
        format!("`` {name} ``")
    } else {
        format!("`{name}`")
    }
}

/// One line without control characters.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Prose from outside: one line, bounded, no HTML, no links, no images. Its code spans stay.
pub(super) fn text(prose: &str) -> String {
    let prose = shorten(&plain(prose), MESSAGE_CHARS);
    let prose = prose.replace('<', "&lt;").replace("](", "] (").replace("![", "! [");
    // An odd number of backticks would swallow the rest of the line.
    if prose.matches('`').count() % 2 == 1 {
        prose.replace('`', "'")
    } else {
        prose
    }
}
