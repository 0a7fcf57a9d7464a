//! States: a shape, a word and a colour.

use iced::{
    Alignment, Element,
    widget::{Text, row},
};
use orchestrator_desktop_model::{Look, Shape, look};
use orchestrator_protocol::{TaskState, WorkerState};

use super::{body, icon};
use crate::theme::{self, font, glyph};

/// The icon of a shape.
pub const fn shape(shape: Shape) -> char {
    match shape {
        Shape::Dashed => glyph::CIRCLE_DASHED,
        Shape::Clock => glyph::CLOCK,
        Shape::Ring => glyph::CIRCLE,
        Shape::Dot => glyph::CIRCLE_DOT,
        Shape::Hourglass => glyph::HOURGLASS,
        Shape::Bars => glyph::CIRCLE_PAUSE,
        Shape::Triangle => glyph::TRIANGLE_ALERT,
        Shape::Check => glyph::CIRCLE_CHECK,
        Shape::Cross => glyph::CIRCLE_X,
        Shape::Slash => glyph::BAN,
    }
}

/// A look's shape in its colour.
pub fn mark<'a>(look: Look) -> Text<'a> {
    icon(shape(look.shape)).size(15.0).style(theme::text::toned(look.tone))
}

/// A look's shape and word.
pub fn badge<'a, Message: 'a>(look: Look) -> Element<'a, Message> {
    row![
        mark(look),
        body(look.word).font(font::MEDIUM).style(theme::text::toned(look.tone))
    ]
    .spacing(6.0)
    .align_y(Alignment::Center)
    .into()
}

/// A task's state.
pub fn task<'a, Message: 'a>(state: TaskState) -> Element<'a, Message> {
    badge(look::task(state))
}

/// A worker's state.
pub fn worker<'a, Message: 'a>(state: WorkerState) -> Element<'a, Message> {
    badge(look::worker(state))
}
