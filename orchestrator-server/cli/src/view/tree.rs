//! The picture of a tree: a few lines, whatever its size.

use std::collections::BTreeSet;

use orchestrator_core::protocol::{TaskState, Timestamp};
use unicode_width::UnicodeWidthStr;

use super::{
    model::{Group, Model, Node},
    words,
};

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// With colours.
    pub colours: bool,
    /// Only with ASCII.
    pub ascii: bool,
    /// At most so many columns.
    pub width: usize,
    /// At most so many lines.
    pub height: usize,
}

/// A line of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is written, colours included.
    pub text: String,
    /// How many columns it takes.
    pub width: usize,
}

/// How many running parts of a fan-out get a line of their own.
const SHOWN: usize = 6;

/// How many siblings may have ended before they are only counted.
const ENDED: usize = 6;

/// How wide a bar is.
const BAR: usize = 20;

/// Draws a tree. What does not fit in height is left out with a word about it: what has ended first.
pub fn draw(model: &Model, now: Timestamp, style: &Style) -> Vec<Line> {
    let Some(root) = model.root() else { return Vec::new() };
    let mut picture = Picture {
        model,
        now,
        style: *style,
        most_ended: ENDED,
        lines: Vec::new(),
    };
    picture.node(root, 0);
    if picture.lines.len() > style.height {
        picture.lines.clear();
        picture.most_ended = 0;
        picture.node(root, 0);
    }
    if picture.lines.len() > style.height {
        let more = picture.lines.len() + 1 - style.height;
        picture.lines.truncate(style.height - 1);
        picture.push(&format!("and {more} more"), 0, None);
    }
    picture.lines
}

struct Picture<'a> {
    model: &'a Model,
    now: Timestamp,
    style: Style,
    most_ended: usize,
    lines: Vec<Line>,
}

impl Picture<'_> {
    fn push(&mut self, text: &str, depth: usize, colour: Option<u8>) {
        let text = words::fit(
            &format!("{}{text}", "  ".repeat(depth)),
            self.style.width,
            self.style.ascii,
        );
        let width = text.width();
        let text = match colour.filter(|_| self.style.colours) {
            Some(colour) => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
            None => text,
        };
        self.lines.push(Line { text, width });
    }

    fn node(&mut self, here: &Node, depth: usize) {
        let (mark, colour) = mark(here.state);
        let text = format!("{mark} {}", self.text(here));
        self.push(&text, depth, Some(colour));
        // Whatever is below a finished part is finished too; the root shows what it was made of.
        if here.state.is_terminal() && depth > 0 {
            return;
        }
        let mut drawn: BTreeSet<&str> = BTreeSet::new();
        let (mut ended, mut bad) = (0, 0);
        let ends = self
            .model
            .children(here)
            .filter(|c| c.fan_out().is_none() && c.state.is_terminal());
        let fold = ends.count() > self.most_ended;
        for child in self.model.children(here) {
            match child.fan_out() {
                Some(name) if drawn.insert(name) => self.fan_out(here, name, depth + 1),
                Some(_) => {}
                None if fold && child.state.is_terminal() => {
                    ended += 1;
                    bad += usize::from(child.state != TaskState::Succeeded);
                }
                None => self.node(child, depth + 1),
            }
        }
        if ended > 0 {
            let bad = if bad > 0 {
                format!(", {bad} not succeeded")
            } else {
                String::new()
            };
            self.push(&format!("+ {ended} ended{bad}"), depth + 1, Some(32));
        }
    }

    fn fan_out(&mut self, parent: &Node, name: &str, depth: usize) {
        let Group { all, ended, bad } = self.model.group(parent.id, name);
        let bad = if bad > 0 {
            format!(", {bad} not succeeded")
        } else {
            String::new()
        };
        let text = format!("{name}  {}  {ended}/{all}{bad}", bar(ended, all));
        let (mark, colour) = mark(if ended == all {
            TaskState::Succeeded
        } else {
            TaskState::Running
        });
        self.push(&format!("{mark} {text}"), depth, Some(colour));
        let active = |part: &&Node| part.fan_out() == Some(name) && is_active(part);
        let running: Vec<&Node> = self.model.children(parent).filter(active).collect();
        for part in running.iter().take(SHOWN) {
            self.node(part, depth + 1);
        }
        if running.len() > SHOWN {
            self.push(&format!("and {} more running", running.len() - SHOWN), depth + 1, None);
        }
    }

    /// A task in words.
    fn text(&self, node: &Node) -> String {
        let mut parts = vec![words::one_line(&node.name)];
        if node.name != node.task_type && node.fan_out().is_none() {
            parts[0] = format!("{} ({})", parts[0], node.task_type);
        }
        let end = node.ended.unwrap_or(self.now);
        parts.extend(node.started.map(|started| words::span(end.since(started))));
        if node.attempt > 1 {
            parts.push(format!("attempt {}", node.attempt));
        }
        match node.state {
            TaskState::Paused | TaskState::NeedsAttention | TaskState::Scheduled => parts.push(node.state.to_string()),
            TaskState::Waiting if node.task_type == "checkpoint" => parts.push("waits for a decision".to_owned()),
            _ => {}
        }
        let open = !node.state.is_terminal();
        if let Some(progress) = node.progress.filter(|_| open) {
            let done = (progress.clamp(0.0, 1.0) * 100.0).round() as usize;
            parts.push(format!("{}  {done} %", bar(done, 100)));
        }
        let said = node.why.as_deref().or(node.line.as_deref().filter(|_| open));
        parts.extend(said.map(|said| words::first_line(said).to_owned()));
        parts.join("  ")
    }
}

fn is_active(node: &Node) -> bool {
    matches!(
        node.state,
        TaskState::Running | TaskState::Waiting | TaskState::Paused | TaskState::NeedsAttention
    )
}

fn bar(done: usize, all: usize) -> String {
    let full = (done * BAR).checked_div(all).unwrap_or(0).min(BAR);
    format!("[{}{}]", "=".repeat(full), " ".repeat(BAR - full))
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

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use orchestrator_core::protocol::{Event, EventBody, EventType, Seq, TaskId};

    use super::*;

    fn id(n: u128) -> TaskId {
        TaskId::from_uuid(uuid::Uuid::from_u128(n))
    }

    pub(in super::super) fn event(task: u128, kind: EventType, body: EventBody) -> Event {
        Event {
            seq: Seq(0),
            at: Timestamp::EPOCH,
            kind,
            task_id: Some(id(task)),
            root_id: Some(id(1)),
            body,
        }
    }

    pub(in super::super) fn born(task: u128, parent: Option<u128>, name: &str) -> Event {
        let body = EventBody {
            state: Some(TaskState::Ready),
            task_type: Some("agent".into()),
            parent_id: parent.map(id),
            step: Some(name.into()),
            ..EventBody::default()
        };
        event(task, EventType::TaskCreated, body)
    }

    pub(in super::super) fn state(task: u128, state: TaskState) -> Event {
        let body = EventBody {
            state: Some(state),
            attempt: Some(1),
            ..EventBody::default()
        };
        event(task, EventType::TaskState, body)
    }

    pub(in super::super) fn log(task: u128, text: &str) -> Event {
        let body = EventBody {
            text: Some(text.into()),
            ..EventBody::default()
        };
        event(task, EventType::TaskLog, body)
    }

    fn style(width: usize, height: usize) -> Style {
        Style {
            colours: false,
            ascii: false,
            width,
            height,
        }
    }

    fn drawn(events: &[Event], style: Style) -> String {
        let mut model = Model::new(id(1));
        for event in events {
            model.apply(event);
        }
        let now = Timestamp::EPOCH.plus(Duration::from_secs(2));
        let lines = draw(&model, now, &style);
        assert!(
            lines.iter().all(|l| style.colours || l.width == l.text.width()),
            "{lines:?}"
        );
        lines.into_iter().map(|l| l.text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_fan_out_is_one_line_and_what_runs() {
        let mut events = vec![born(1, None, "review"), state(1, TaskState::Running)];
        events.extend((0..500).map(|i| born(i + 2, Some(1), &format!("file[{i}]"))));
        events.extend((0..100).map(|i| state(i + 2, TaskState::Succeeded)));
        events.push(state(2, TaskState::Failed));
        events.push(state(102, TaskState::Running));
        events.push(log(102, "src/main.rs"));
        assert_eq!(
            drawn(&events, style(80, 20)),
            "> review (agent)  2.0 s\n  > file  [====                ]  100/500, 1 not succeeded\n    > file[100]  2.0 s  \
             src/main.rs"
        );
        events.extend((102..120).map(|i| state(i + 2, TaskState::Running)));
        assert!(drawn(&events, style(80, 20)).ends_with("and 13 more running"));
    }

    #[test]
    fn it_fits_and_obeys_nothing() {
        let mut events = vec![born(1, None, "t"), state(1, TaskState::Running)];
        events.push(log(1, "\u{1b}[2Jمرحبا 🦀 and much more than fits"));
        events.extend((0..10).map(|i| born(i + 2, Some(1), &format!("child {i}"))));
        let picture = drawn(&events, style(30, 4));
        assert!(!picture.contains('\u{1b}'), "{picture:?}");
        assert!(picture.lines().all(|l| l.width() <= 30), "{picture}");
        assert_eq!(picture.lines().count(), 4);
        assert!(picture.ends_with("and 8 more"), "{picture}");
        let narrow = drawn(&events, style(1, 3));
        assert!(narrow.lines().all(|l| l.width() <= 1), "{narrow}");
        let ascii = drawn(
            &events,
            Style {
                ascii: true,
                ..style(30, 4)
            },
        );
        assert!(ascii.is_ascii(), "{ascii}");
    }

    #[test]
    fn what_has_ended_makes_room() {
        let mut events = vec![born(1, None, "t"), state(1, TaskState::Running)];
        events.extend((2..6).map(|i| born(i, Some(1), &format!("child {i}"))));
        events.extend((2..5).map(|i| state(i, TaskState::Succeeded)));
        assert_eq!(drawn(&events, style(80, 20)).lines().count(), 5);
        assert_eq!(
            drawn(&events, style(80, 4)),
            "> t (agent)  2.0 s\n  . child 5 (agent)\n  + 3 ended"
        );
    }

    #[test]
    fn errors_are_shown_where_they_happened() {
        let mut failed = state(1, TaskState::Failed);
        failed.body.error = Some(orchestrator_core::TaskError::terminal("no such file\nat all"));
        assert!(drawn(&[born(1, None, "t"), failed], style(80, 9)).contains("x t (agent)  no such file"));
    }

    #[test]
    fn progress_is_a_bar_and_attempts_are_counted() {
        let mut again = state(1, TaskState::Running);
        again.body.attempt = Some(2);
        let progress = EventBody {
            progress: Some(0.5),
            ..EventBody::default()
        };
        let events = [born(1, None, "t"), again, event(1, EventType::TaskProgress, progress)];
        assert_eq!(
            drawn(&events, style(80, 9)),
            "> t (agent)  2.0 s  attempt 2  [==========          ]  50 %"
        );
        let coloured = drawn(
            &events,
            Style {
                colours: true,
                ..style(80, 9)
            },
        );
        assert!(
            coloured.starts_with("\u{1b}[36m") && coloured.ends_with("\u{1b}[0m"),
            "{coloured:?}"
        );
    }
}
