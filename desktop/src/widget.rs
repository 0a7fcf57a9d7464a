//! The pieces that screens are made of.

pub mod button;
pub mod chart;
pub mod editor;
pub mod field;
pub mod hotkeys;
pub mod judged;
pub mod notice;
pub mod page;
pub mod press;
pub mod rows;
pub mod spoken;
pub mod state;
pub mod surface;
pub mod work;

use iced::{
    Element, Length,
    widget::{Text, space, text},
};

use crate::theme::{font, size};

/// An icon: one of `theme::glyph`.
pub fn icon<'a>(glyph: char) -> Text<'a> {
    text(glyph)
        .font(font::ICONS)
        .size(16.0)
        .line_height(1.0)
        .shaping(text::Shaping::Basic)
}

/// A text in the middle of reading.
pub fn body<'a>(words: impl text::IntoFragment<'a>) -> Text<'a> {
    text(words).size(size::BODY)
}

/// A caption.
pub fn small<'a>(words: impl text::IntoFragment<'a>) -> Text<'a> {
    text(words).size(size::SMALL)
}

/// The title of a card.
pub fn heading<'a>(words: impl text::IntoFragment<'a>) -> Text<'a> {
    text(words).size(size::HEADING).font(font::STRONG)
}

/// The title of a screen.
pub fn title<'a>(words: impl text::IntoFragment<'a>) -> Text<'a> {
    text(words).size(size::TITLE).font(font::STRONG)
}

/// A name, an id, a number: in the fixed font.
pub fn mono<'a>(words: impl text::IntoFragment<'a>) -> Text<'a> {
    text(words).size(size::SMALL).font(font::MONO)
}

/// A text on one line, cut where its place ends.
pub fn one_line(words: Text<'_>) -> Text<'_> {
    words.wrapping(text::Wrapping::None)
}

/// Room that takes what is left.
pub fn fill<'a, Message: 'a>() -> Element<'a, Message> {
    space().width(Length::Fill).into()
}
