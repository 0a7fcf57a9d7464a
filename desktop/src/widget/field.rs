//! Fields with their names.

use iced::{
    Element, Length,
    widget::{Column, TextInput, column, text_input},
};
use orchestrator_desktop_model::Tone;

use super::small;
use crate::theme::{self, font, gap, size};

/// A field with its name, and what is wrong with it or helps to fill it in.
pub fn field<'a, Message: 'a>(
    name: &'a str,
    help: &'a str,
    wrong: Option<&'a str>,
    input: impl Into<Element<'a, Message>>,
) -> Column<'a, Message> {
    let below = match wrong {
        Some(wrong) => Some(small(wrong).style(theme::text::toned(Tone::Bad))),
        None if help.is_empty() => None,
        None => Some(small(help).style(theme::text::faint)),
    };
    column![small(name).font(font::MEDIUM).style(theme::text::muted), input.into()]
        .push(below)
        .spacing(gap::TINY)
        .width(Length::Fill)
}

/// A line of text to fill in.
pub fn line<'a, Message: Clone + 'a>(
    placeholder: &str,
    value: &str,
    on_input: impl Fn(String) -> Message + 'a,
) -> TextInput<'a, Message> {
    text_input(placeholder, value)
        .on_input(on_input)
        .size(size::BODY)
        .padding([7.0, 10.0])
        .style(theme::input::line)
}
