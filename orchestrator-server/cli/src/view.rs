//! What a person sees while a task runs: a live tree on a terminal, plain lines elsewhere.

mod model;
mod plain;
mod terminal;
mod tree;
pub mod words;

use std::io::{self, Stderr};

use orchestrator_core::protocol::{Event, EventType, Task, TaskId, TaskState, Timestamp};

use self::{model::Model, plain::Plain, terminal::Terminal};
use crate::{args::Progress, output::Output};

/// Whether whoever looks has seen what happened before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everything is new: the task has just been submitted.
    Early,
    /// Comes to a task with a past, which is told in one line.
    Late,
}

/// How it is shown.
enum Shown {
    Live(Terminal<Stderr>),
    Plain(Plain),
    Not,
}

/// A view of one tree.
pub struct View {
    root: TaskId,
    model: Model,
    output: Output,
    shown: Shown,
    /// What happened before is the past.
    since: Option<Timestamp>,
    changed: bool,
}

impl View {
    /// A view of a tree that nothing is known of yet.
    pub fn new(root: TaskId, audience: Audience, now: Timestamp, output: Output) -> Self {
        let shown = match output.progress() {
            Progress::Live | Progress::Auto => Shown::Live(Terminal::new(io::stderr())),
            Progress::Plain => Shown::Plain(Plain::default()),
            Progress::None => Shown::Not,
        };
        Self {
            root,
            model: Model::new(root),
            output,
            shown,
            since: (audience == Audience::Late).then_some(now),
            changed: true,
        }
    }

    /// The task at the top.
    pub fn root(&self) -> TaskId {
        self.root
    }

    /// At most so many of the tasks that run now.
    pub fn running(&self, most: usize) -> Vec<TaskId> {
        self.model.running().take(most).collect()
    }

    /// Takes in what happened. `caught_up` says that nothing older is to come.
    pub fn apply(&mut self, event: &Event, caught_up: bool) {
        self.model.apply(event);
        self.changed = true;
        if self.since.is_some_and(|since| event.at <= since) {
            if caught_up {
                self.sum_up_the_past();
            }
            return;
        }
        self.sum_up_the_past();
        let Shown::Plain(plain) = &mut self.shown else {
            self.explain(event);
            return;
        };
        if let Some(line) = plain.line(&self.model, event) {
            self.output.remark(&line);
        }
        self.explain(event);
    }

    /// Says once, in lines, how far the task was.
    fn sum_up_the_past(&mut self) {
        if self.since.take().is_some()
            && matches!(self.shown, Shown::Plain(_))
            && let Some(line) = plain::past(&self.model)
        {
            self.output.remark(&line);
        }
    }

    /// Says how to answer a question that has just been asked.
    fn explain(&mut self, event: &Event) {
        let (EventType::CheckpointOpened, Some(id)) = (event.kind, event.task_id) else {
            return;
        };
        let asked = event.body.data.as_ref().and_then(|d| d.get("question")?.as_str());
        let question = words::one_line(asked.unwrap_or("a decision is needed"));
        self.remark(&format!(
            "{question}\n  answer in another terminal: orchestrator decide {id} accept|correct|reject [--feedback TEXT]"
        ));
    }

    /// Says something beside the picture.
    pub fn remark(&mut self, text: &str) {
        if matches!(self.shown, Shown::Not) {
            return;
        }
        if let Shown::Live(terminal) = &mut self.shown {
            terminal.erase();
        }
        self.output.remark(text);
        self.changed = true;
    }

    /// Draws the picture, where there is one.
    pub fn draw(&mut self, now: Timestamp) {
        let Shown::Live(terminal) = &mut self.shown else { return };
        let resized = terminal.measure();
        if !(self.changed || resized || self.model.is_moving()) {
            return;
        }
        self.changed = false;
        let style = tree::Style {
            colours: self.output.colours(),
            ascii: self.output.ascii(),
            width: terminal.width(),
            height: terminal.height(),
        };
        terminal.show(tree::draw(&self.model, now, &style));
    }

    /// Leaves the last picture and gives the terminal back.
    pub fn end(&mut self) {
        if let Shown::Live(terminal) = &mut self.shown {
            terminal.leave();
        }
    }

    /// The last line, when the task has ended.
    pub fn finish(&mut self, task: &Task) {
        self.end();
        if matches!(self.shown, Shown::Not) {
            return;
        }
        let failed = self.model.count(|state| state == TaskState::Failed);
        let mut summary = words::summary(task, self.model.len(), failed);
        if let (TaskState::Cancelled, Some(why)) = (task.state, self.model.root().and_then(|root| root.why.as_deref()))
        {
            summary = format!("{summary}: {}", words::one_line(why));
        }
        self.output.remark(&summary);
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.end();
    }
}
