//! Numbers, spans and other people's texts as they are shown.

use std::time::Duration;

use orchestrator_core::protocol::{Task, Usage};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A span: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The first line of a text.
pub fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}

/// The text without what a terminal would obey: control characters, and those that turn the direction of writing.
pub fn clean(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = text.chars().filter(|c| !turns(*c));
    shown.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The text on one line, clean.
pub fn one_line(text: &str) -> String {
    clean(
        &text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .collect::<Vec<_>>()
            .join(" "),
    )
}

/// The text, clean, cut to a width in columns, with only ASCII where that is all that can be shown.
pub fn fit(text: &str, width: usize, ascii: bool) -> String {
    let mut clean = clean(text);
    let mark = if ascii { "..." } else { "…" };
    if ascii {
        clean = clean.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
    }
    if clean.width() <= width {
        return clean;
    }
    let room = width.saturating_sub(mark.width());
    let mut used = 0;
    let kept = clean.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used <= room
    });
    let mut cut: String = kept.collect();
    cut.extend(mark.chars().take(width));
    cut
}

/// What was spent.
pub fn usage(usage: &Usage) -> String {
    let mut parts = Vec::new();
    if usage.tokens() > 0 {
        parts.push(format!("{} tokens in, {} out", usage.input_tokens, usage.output_tokens));
    }
    if usage.cost_usd.as_nanos() > 0 {
        parts.push(format!("{:.4} USD", usage.cost_usd.as_dollars()));
    }
    if usage.wall_s > 0.0 {
        parts.push(format!("{:.1} s of work", usage.wall_s));
    }
    parts.join(", ")
}

/// The last line of a run.
pub fn summary(task: &Task, tasks: usize, failed: usize) -> String {
    let took = match (task.started_at, task.finished_at) {
        (Some(start), Some(end)) => format!(" after {}", span(end.since(start))),
        _ => String::new(),
    };
    let mut parts = vec![format!("{} {}{took}", task.task_type, task.state)];
    if tasks > 1 {
        parts.push(format!("{tasks} tasks"));
    }
    if failed > 0 && tasks > 1 {
        parts.push(format!("{failed} failed"));
    }
    let spent = usage(&task.tree_usage);
    let spent = if spent.is_empty() { spent } else { format!("; {spent}") };
    format!("{}{spent}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let said: Vec<String> = [0.04, 9.96, 59.0, 185.0, 7800.0, 200_000.0]
            .into_iter()
            .map(|s| span(Duration::from_secs_f64(s)))
            .collect();
        assert_eq!(said, ["0.0 s", "10.0 s", "59 s", "3 min 5 s", "2 h 10 min", "2 d"]);
    }

    #[test]
    fn what_is_cut_fits() {
        for (text, width, ascii, expected) in [
            ("short", 9, false, "short"),
            ("a long text", 7, false, "a long…"),
            ("a long text", 7, true, "a lo..."),
            ("漢字漢字", 5, false, "漢字…"),
            ("漢字漢字", 6, false, "漢字…"),
            ("äöü", 9, true, "???"),
            ("a long text", 2, true, ".."),
            ("\u{1b}[2Jx\u{202e}y", 9, false, " [2Jxy"),
        ] {
            let cut = fit(text, width, ascii);
            assert_eq!(cut, expected);
            assert!(cut.width() <= width, "{cut}");
        }
    }

    #[test]
    fn one_line_is_one_line() {
        assert_eq!(one_line("a\r\n\n  b\tc\u{7}\n"), "a b c ");
    }
}
