//! Buttons. Without a message they are disabled.

use iced::{
    Alignment, Element, Theme,
    widget::{button, container, row, text, tooltip},
};

use super::{icon, press::press, small};
use crate::theme::{self, font, gap, size};

type Style = fn(&Theme, button::Status) -> button::Style;

fn labelled<'a, Message: Clone + 'a>(
    glyph: Option<char>,
    label: &'a str,
    style: Style,
    message: Option<Message>,
) -> Element<'a, Message> {
    let word = text(label).size(size::BODY).font(font::MEDIUM);
    let content = row(glyph.map(|glyph| icon(glyph).size(14.0).into()))
        .push(word)
        .spacing(6.0)
        .align_y(Alignment::Center);
    let button = button(content)
        .padding([6.0, 12.0])
        .style(style)
        .on_press_maybe(message.clone());
    press(button, message)
}

/// What a person most likely wants.
pub fn primary<'a, Message: Clone + 'a>(label: &'a str, message: Option<Message>) -> Element<'a, Message> {
    labelled(None, label, theme::button::primary, message)
}

/// What else can be done.
pub fn secondary<'a, Message: Clone + 'a>(label: &'a str, message: Option<Message>) -> Element<'a, Message> {
    labelled(None, label, theme::button::secondary, message)
}

/// What destroys something.
pub fn danger<'a, Message: Clone + 'a>(label: &'a str, message: Option<Message>) -> Element<'a, Message> {
    labelled(None, label, theme::button::danger, message)
}

/// What is hardly there until the pointer is on it.
pub fn ghost<'a, Message: Clone + 'a>(label: &'a str, message: Option<Message>) -> Element<'a, Message> {
    labelled(None, label, theme::button::ghost, message)
}

/// How much a button with an icon stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What a person most likely wants.
    Primary,
    /// What else can be done.
    Secondary,
    /// What destroys something.
    Danger,
    /// What is hardly there until the pointer is on it.
    Ghost,
}

/// A button with an icon before its word.
pub fn with_icon<'a, Message: Clone + 'a>(
    kind: Kind,
    glyph: char,
    label: &'a str,
    message: Option<Message>,
) -> Element<'a, Message> {
    let style = match kind {
        Kind::Primary => theme::button::primary,
        Kind::Secondary => theme::button::secondary,
        Kind::Danger => theme::button::danger,
        Kind::Ghost => theme::button::ghost,
    };
    labelled(Some(glyph), label, style, message)
}

/// A button that is only an icon; its name comes up under the pointer.
pub fn only_icon<'a, Message: Clone + 'a>(
    glyph: char,
    name: &'a str,
    message: Option<Message>,
) -> Element<'a, Message> {
    let button = button(icon(glyph).size(16.0))
        .padding(6.0)
        .style(theme::button::ghost)
        .on_press_maybe(message.clone());
    hint(press(button, message), name)
}

/// Words that come up under the pointer.
pub fn hint<'a, Message: 'a>(content: impl Into<Element<'a, Message>>, words: &'a str) -> Element<'a, Message> {
    let words = container(small(words))
        .padding([gap::TINY, gap::SMALL])
        .style(theme::container::overlay);
    tooltip(content, words, tooltip::Position::Bottom).gap(gap::TINY).into()
}

/// One of several, of which one is chosen: a tab or a filter.
pub fn choice<'a, Message: Clone + 'a>(label: &'a str, chosen: bool, message: Message) -> Element<'a, Message> {
    counted(label, 0, chosen, message)
}

/// The same, with how many there are where there are any.
pub fn counted<'a, Message: Clone + 'a>(
    label: &'a str,
    count: usize,
    chosen: bool,
    message: Message,
) -> Element<'a, Message> {
    let number = (count > 0).then(|| text(count).size(size::SMALL).style(theme::text::faint));
    let content = row![text(label).size(size::BODY).font(font::MEDIUM)].push(number);
    let button = button(content.spacing(6.0).align_y(Alignment::Center))
        .padding([5.0, 10.0])
        .style(theme::button::choice(chosen))
        .on_press(message.clone());
    press(button, Some(message))
}
