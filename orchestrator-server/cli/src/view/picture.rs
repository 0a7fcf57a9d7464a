//! The picture of a tree: a few lines, whatever its size.

use std::collections::BTreeMap;

use orchestrator_core::protocol::{TaskState, Timestamp};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{
    model::{Model, Node},
    words,
};

/// How to draw.
pub struct Style {
    /// With colours.
    pub colours: bool,
    /// At most so many columns.
    pub width: usize,
    /// At most so many lines.
    pub height: usize,
}

/// How many running parts of a fan-out get a line of their own.
const SHOWN: usize = 6;

/// Draws a tree. What does not fit in height is left out with a word about it.
pub fn draw(model: &Model, now: Timestamp, style: &Style) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(root) = model.root() {
        node(model, root, 0, now, style, &mut lines);
    }
    if lines.len() > style.height {
        let more = lines.len() - style.height + 1;
        lines.truncate(style.height - 1);
        lines.push(format!("… {more} more line(s)"));
    }
    lines
}

fn node(model: &Model, here: &Node, depth: usize, now: Timestamp, style: &Style, lines: &mut Vec<String>) {
    lines.push(line(here, depth, now, style));
    if here.state.is_terminal() && depth > 0 {
        return;
    }
    let mut groups: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
    for child in model.children(here) {
        if let Some(name) = child.fan_out() {
            groups.entry(name).or_default().push(child);
        }
    }
    let mut drawn: Vec<&str> = Vec::new();
    for child in model.children(here) {
        match child
            .fan_out()
            .filter(|name| groups.get(name).is_some_and(|g| g.len() > 1))
        {
            None => node(model, child, depth + 1, now, style, lines),
            Some(name) if drawn.contains(&name) => {}
            Some(name) => {
                drawn.push(name);
                fan_out(model, name, &groups[name], depth + 1, now, style, lines);
            }
        }
    }
}

fn fan_out(
    model: &Model,
    name: &str,
    parts: &[&Node],
    depth: usize,
    now: Timestamp,
    style: &Style,
    lines: &mut Vec<String>,
) {
    let ended = parts.iter().filter(|n| n.state.is_terminal()).count();
    let bad = parts
        .iter()
        .filter(|n| matches!(n.state, TaskState::Failed | TaskState::Cancelled))
        .count();
    let running: Vec<&&Node> = parts.iter().filter(|n| n.state == TaskState::Running).collect();
    let mut text = format!(
        "{}  {name}  {}  {ended}/{}",
        "  ".repeat(depth),
        bar(ended, parts.len()),
        parts.len()
    );
    if bad > 0 {
        text.push_str(&format!(", {bad} not succeeded"));
    }
    lines.push(fit(&text, style.width));
    for part in running.iter().take(SHOWN) {
        node(model, part, depth + 1, now, style, lines);
    }
}

fn bar(done: usize, all: usize) -> String {
    const WIDTH: usize = 20;
    let full = (done * WIDTH).checked_div(all).unwrap_or(0);
    format!("[{}{}]", "=".repeat(full), " ".repeat(WIDTH - full))
}

fn line(node: &Node, depth: usize, now: Timestamp, style: &Style) -> String {
    let (mark, colour) = mark(node.state);
    let mut text = format!("{}{mark} {}", "  ".repeat(depth), node.name);
    if node.name != node.task_type && node.fan_out().is_none() {
        text.push_str(&format!(" ({})", node.task_type));
    }
    if let Some(started) = node.started {
        text.push_str(&format!("  {}", words::span(node.ended.unwrap_or(now).since(started))));
    }
    if node.attempt > 1 {
        text.push_str(&format!("  attempt {}", node.attempt));
    }
    if let Some(progress) = node.progress.filter(|_| !node.state.is_terminal()) {
        text.push_str(&format!("  {:.0} %", progress * 100.0));
    }
    let said = node
        .error
        .as_deref()
        .or(node.line.as_deref().filter(|_| !node.state.is_terminal()));
    if let Some(said) = said {
        text.push_str(&format!("  {}", words::first_line(said)));
    }
    let text = fit(&text, style.width);
    if style.colours {
        format!("\u{1b}[{colour}m{text}\u{1b}[0m")
    } else {
        text
    }
}

/// A mark that is told apart without colours, and a colour.
fn mark(state: TaskState) -> (&'static str, u8) {
    match state {
        TaskState::Succeeded => ("+", 32),
        TaskState::Failed => ("x", 31),
        TaskState::Cancelled => ("-", 90),
        TaskState::Running => (">", 36),
        TaskState::Waiting => ("~", 34),
        TaskState::NeedsAttention => ("!", 33),
        TaskState::Paused => ("=", 33),
        TaskState::Blocked | TaskState::Scheduled | TaskState::Ready => (".", 37),
    }
}

/// The text without what a terminal would obey, cut to a width in columns.
fn fit(text: &str, width: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.width() <= width {
        return clean;
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in clean.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide > width.saturating_sub(1) {
            break;
        }
        used += wide;
        cut.push(c);
    }
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use orchestrator_core::protocol::{Event, EventBody, EventType, Seq, TaskId};

    use super::*;

    fn id(n: u128) -> TaskId {
        TaskId::from_uuid(uuid(n))
    }

    fn uuid(n: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(n)
    }

    fn event(task: u128, kind: EventType, body: EventBody) -> Event {
        Event {
            seq: Seq(0),
            at: Timestamp::EPOCH,
            kind,
            task_id: Some(id(task)),
            root_id: Some(id(1)),
            body,
        }
    }

    fn born(task: u128, parent: Option<u128>, name: &str) -> Event {
        let body = EventBody {
            state: Some(TaskState::Ready),
            task_type: Some("agent".into()),
            parent_id: parent.map(id),
            step: Some(name.into()),
            ..EventBody::default()
        };
        event(task, EventType::TaskCreated, body)
    }

    fn state(task: u128, state: TaskState) -> Event {
        event(
            task,
            EventType::TaskState,
            EventBody {
                state: Some(state),
                attempt: Some(1),
                ..EventBody::default()
            },
        )
    }

    fn drawn(events: &[Event], width: usize, height: usize) -> String {
        let mut model = Model::new(id(1));
        events.iter().for_each(|e| model.apply(e));
        let now = Timestamp::EPOCH.plus(Duration::from_secs(2));
        draw(
            &model,
            now,
            &Style {
                colours: false,
                width,
                height,
            },
        )
        .join("\n")
    }

    #[test]
    fn a_fan_out_is_one_line_and_what_runs() {
        let mut events = vec![born(1, None, "review"), state(1, TaskState::Running)];
        events.extend((0..500).map(|i| born(i + 2, Some(1), &format!("file[{i}]"))));
        events.extend((0..100).map(|i| state(i + 2, TaskState::Succeeded)));
        events.push(state(102, TaskState::Running));
        events.push(event(
            102,
            EventType::TaskLog,
            EventBody {
                text: Some("src/main.rs".into()),
                ..EventBody::default()
            },
        ));
        assert_eq!(
            drawn(&events, 80, 20),
            "> review (agent)  2.0 s\n    file  [====                ]  100/500\n    > file[100]  2.0 s  src/main.rs"
        );
    }

    #[test]
    fn it_fits_and_obeys_nothing() {
        let mut events = vec![born(1, None, "t"), state(1, TaskState::Running)];
        let text = "\u{1b}[2Jمرحبا 🦀 and much more than fits";
        events.push(event(
            1,
            EventType::TaskLog,
            EventBody {
                text: Some(text.into()),
                ..EventBody::default()
            },
        ));
        events.extend((0..10).map(|i| born(i + 2, Some(1), &format!("child {i}"))));
        let picture = drawn(&events, 30, 4);
        assert!(!picture.contains('\u{1b}'), "{picture:?}");
        assert!(picture.lines().all(|l| l.width() <= 30), "{picture}");
        assert_eq!(picture.lines().count(), 4);
        assert!(picture.ends_with("more line(s)"), "{picture}");
    }

    #[test]
    fn errors_are_shown_where_they_happened() {
        let mut failed = state(1, TaskState::Failed);
        failed.body.error = Some(orchestrator_core::TaskError::terminal("no such file"));
        assert!(drawn(&[born(1, None, "t"), failed], 80, 9).contains("x t (agent)  no such file"));
    }
}
