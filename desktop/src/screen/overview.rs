//! The fleet at a glance.

use iced::{
    Element, Length, Task,
    widget::{column, row},
};
use orchestrator_desktop_model::{format, look};
use orchestrator_protocol::TaskState;

use super::{Event, Shared};
use crate::{
    theme::{self, font, gap, size},
    widget::{body, fill, notice, state, surface},
};

/// The screen.
#[derive(Debug, Default)]
pub struct Overview {}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {}

impl Overview {
    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, _shared: &Shared) -> (Task<Message>, Option<Event>) {
        match message {}
    }

    /// What it shows.
    pub fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        if !shared.fleet.known {
            return surface::page("Overview", Vec::new(), notice::loading("Asking the server…"));
        }
        let figures = [
            TaskState::Running,
            TaskState::Ready,
            TaskState::Waiting,
            TaskState::Failed,
        ]
        .map(|of| figure(of, shared.fleet.count(of)));
        surface::page("Overview", Vec::new(), row(figures).spacing(gap::LARGE))
    }
}

fn figure<'a>(of: TaskState, n: u64) -> Element<'a, Message> {
    let number = iced::widget::text(format::count(n))
        .size(size::FIGURE)
        .font(font::STRONG);
    let word = row![
        state::mark(look::task(of)),
        body(look::task(of).word).style(theme::text::muted),
        fill()
    ];
    surface::plain_card(
        column![word.spacing(gap::SMALL), number]
            .spacing(gap::SMALL)
            .width(Length::Fill),
    )
}
