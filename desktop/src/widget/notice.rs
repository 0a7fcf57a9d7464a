//! When there is nothing, not yet, or no more: empty, loading and failed.

use iced::{
    Alignment, Element, Length,
    widget::{column, container, row},
};
use orchestrator_desktop_model::{Failure, FailureKind, Link, Tone};

use super::{body, button, heading, icon, small};
use crate::theme::{self, gap, glyph};

fn middle<'a, Message: 'a>(content: impl Into<Element<'a, Message>>) -> Element<'a, Message> {
    container(content)
        .center_x(Length::Fill)
        .center_y(Length::Fill)
        .padding(gap::HUGE)
        .into()
}

/// There is nothing, and this is how it comes to be something.
pub fn empty<'a, Message: Clone + 'a>(
    glyph: char,
    name: &'a str,
    advice: &'a str,
    action: Option<(&'a str, Message)>,
) -> Element<'a, Message> {
    let words = column![
        icon(glyph).size(28.0).style(theme::text::faint),
        heading(name),
        body(advice).style(theme::text::muted).center(),
    ]
    .push(action.map(|(label, message)| button::primary(label, Some(message))))
    .spacing(gap::MEDIUM)
    .max_width(420.0)
    .align_x(Alignment::Center);
    middle(words)
}

/// It is on its way.
pub fn loading<'a, Message: 'a>(what: &'a str) -> Element<'a, Message> {
    let words = row![
        icon(glyph::LOADER).style(theme::text::faint),
        body(what).style(theme::text::muted)
    ]
    .spacing(gap::SMALL)
    .align_y(Alignment::Center);
    middle(words)
}

/// Nothing has come yet: it is on its way, or this is why it does not come.
pub fn unknown<'a, Message: Clone + 'a>(link: &'a Link) -> Element<'a, Message> {
    match link {
        Link::Connecting | Link::Live => loading("Asking the server…"),
        Link::Lost { .. } => loading("Waiting for the server…"),
        Link::Ended(failure) => failed(failure, None),
    }
}

const fn glyph_of(kind: FailureKind) -> char {
    match kind {
        FailureKind::Unreachable => glyph::CLOUD_OFF,
        FailureKind::Denied => glyph::LOCK,
        FailureKind::Missing => glyph::SEARCH,
        FailureKind::Refused => glyph::CIRCLE_ALERT,
        FailureKind::Address | FailureKind::Strange => glyph::UNPLUG,
    }
}

/// It failed: all of a screen.
pub fn failed<'a, Message: Clone + 'a>(
    failure: &'a Failure,
    action: Option<(&'a str, Message)>,
) -> Element<'a, Message> {
    let words = column![
        icon(glyph_of(failure.kind))
            .size(28.0)
            .style(theme::text::toned(Tone::Bad)),
        heading(failure.title()),
        body(&failure.message).center(),
        body(failure.advice()).style(theme::text::muted).center(),
    ]
    .push(action.map(|(label, message)| button::secondary(label, Some(message))))
    .spacing(gap::MEDIUM)
    .max_width(520.0)
    .align_x(Alignment::Center);
    middle(words)
}

/// A line of a tone across the top of something.
pub fn banner<'a, Message: Clone + 'a>(
    glyph: char,
    words: impl iced::widget::text::IntoFragment<'a>,
    tone: Tone,
    action: Option<(&'a str, Message)>,
) -> Element<'a, Message> {
    let line = row![icon(glyph).size(15.0), small(words).width(Length::Fill)]
        .push(action.map(|(label, message)| button::ghost(label, Some(message))))
        .spacing(gap::SMALL)
        .align_y(Alignment::Center);
    container(line)
        .padding([gap::SMALL, gap::MEDIUM])
        .width(Length::Fill)
        .style(theme::container::toned(tone))
        .into()
}

/// A failure as a line.
pub fn failure_line<'a, Message: Clone + 'a>(failure: &'a Failure) -> Element<'a, Message> {
    banner(glyph_of(failure.kind), &*failure.message, Tone::Bad, None)
}
