//! The graph of a tree, drawn: dragged, zoomed, pressed.

mod camera;
mod lines;
mod nodes;
mod pane;

use iced::{
    Element, Length, alignment,
    keyboard::{Key, key::Named},
    widget::{container, row, stack},
};
use orchestrator_desktop_model::{
    graph::{self, Layout},
    look,
    tree::TaskTree,
};
use orchestrator_protocol::TaskId;

use self::pane::Pane;
use super::Message;
use crate::{
    screen::Shared,
    theme::{self, gap},
    widget::{small, state},
};

/// The graph's layout.
#[derive(Debug, Default)]
pub(super) struct Graph {
    layout: Layout,
    shape: Option<u64>,
}

impl Graph {
    /// The tree has changed: it is laid out anew if its shape has.
    pub(super) fn update(&mut self, tree: &TaskTree) {
        if self.shape != Some(tree.shape) {
            self.layout = graph::layout(&tree.nodes());
            self.shape = Some(tree.shape);
        }
    }

    /// The task that an arrow key leads to.
    pub(super) fn key(&self, key: &Key<&str>, chosen: TaskId) -> Option<TaskId> {
        let (dx, dy) = match key {
            Key::Named(Named::ArrowRight) => (1.0, 0.0),
            Key::Named(Named::ArrowLeft) => (-1.0, 0.0),
            Key::Named(Named::ArrowDown) => (0.0, 1.0),
            Key::Named(Named::ArrowUp) => (0.0, -1.0),
            _ => return None,
        };
        let here = self.layout.place(chosen)?;
        self.layout.neighbour(here, dx, dy).map(|n| self.layout.places[n].id)
    }

    pub(super) fn view<'a>(&'a self, tree: &'a TaskTree, chosen: TaskId, shared: &Shared) -> Element<'a, Message> {
        let pane = Element::new(Pane {
            layout: &self.layout,
            shape: self.shape.unwrap_or_default(),
            tasks: &tree.tasks,
            chosen,
            now: shared.now,
        });
        let counts = tree.counts();
        let legend = counts.into_iter().map(|(of, count)| {
            let look = look::task(of);
            row![
                state::mark(look).size(13.0),
                small(format!("{} {}", count, look.word.to_lowercase())).style(theme::text::muted)
            ]
            .spacing(gap::TINY)
            .align_y(iced::Alignment::Center)
            .into()
        });
        let legend = container(row(legend).spacing(gap::MEDIUM).wrap()).padding([gap::SMALL, gap::MEDIUM]);
        let hint = container(small("Drag to move · scroll to zoom · double-click to fit").style(theme::text::faint))
            .padding([gap::SMALL, gap::MEDIUM])
            .width(Length::Fill)
            .height(Length::Fill)
            .align_x(alignment::Horizontal::Right)
            .align_y(alignment::Vertical::Bottom);
        super::pane(stack![pane, legend, hint])
    }
}
