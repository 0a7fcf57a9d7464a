//! What a person sees while a task runs: a live tree on a terminal, plain lines elsewhere.

mod model;
mod picture;
mod plain;
pub mod words;

use std::io::{self, Write};

use crossterm::{
    cursor::{Hide, MoveToColumn, MoveUp, Show},
    queue,
    terminal::{self, Clear, ClearType},
};
use orchestrator_core::protocol::{Event, Task, TaskId, Timestamp};

use self::{model::Model, plain::Plain};
use crate::output::Output;

/// A view of one tree.
pub struct View {
    model: Model,
    output: Output,
    live: bool,
    plain: Plain,
    /// How many lines the last picture has.
    drawn: u16,
    changed: bool,
}

impl View {
    /// A view of a tree that nothing is known of yet.
    pub fn new(root: TaskId, output: Output) -> Self {
        let live = output.is_live();
        Self {
            model: Model::new(root),
            output,
            live,
            plain: Plain::default(),
            drawn: 0,
            changed: true,
        }
    }

    /// Takes in what happened.
    pub fn apply(&mut self, event: &Event) {
        self.model.apply(event);
        self.changed = true;
        if !self.live
            && let Some(line) = self.plain.line(&self.model, event)
        {
            self.output.remark(&line);
        }
    }

    /// Says something beside the picture.
    pub fn remark(&mut self, text: &str) {
        self.erase();
        self.output.remark(text);
    }

    /// Draws the picture, where there is one.
    pub fn draw(&mut self, now: Timestamp) {
        if !self.live || !(self.changed || self.model.is_moving()) {
            return;
        }
        self.changed = false;
        let (width, height) = terminal::size().unwrap_or((80, 24));
        let style = picture::Style {
            colours: self.output.colours(),
            width: usize::from(width.saturating_sub(1)),
            height: usize::from(height.saturating_sub(1)).max(3),
        };
        let lines = picture::draw(&self.model, now, &style);
        self.erase();
        let mut out = io::stderr().lock();
        let _ = queue!(out, Hide);
        for line in &lines {
            let _ = writeln!(out, "{line}");
        }
        let _ = out.flush();
        self.drawn = u16::try_from(lines.len()).unwrap_or(0);
    }

    fn erase(&mut self) {
        if self.drawn > 0 {
            let mut out = io::stderr().lock();
            let _ = queue!(
                out,
                MoveUp(self.drawn),
                MoveToColumn(0),
                Clear(ClearType::FromCursorDown)
            );
            let _ = out.flush();
            self.drawn = 0;
        }
    }

    /// Leaves the last picture and gives the terminal back.
    pub fn end(&mut self) {
        if self.live {
            let mut out = io::stderr().lock();
            let _ = queue!(out, Show);
            let _ = out.flush();
        }
        self.drawn = 0;
    }

    /// The last line, when the task has ended.
    pub fn finish(&mut self, task: &Task) {
        self.end();
        self.output.remark(&words::summary(task, self.model.len()));
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.end();
    }
}
