//! Cards, headers, lines.

use iced::{
    Alignment, Element, Length, Padding,
    widget::{Scrollable, column, container, row, scrollable},
};
use orchestrator_desktop_model::Tone;

use super::{fill, heading, small, title};
use crate::theme::{self, gap};

/// A screen: its title, what can be done, and the rest.
pub fn page<'a, Message: 'a>(
    name: &'a str,
    actions: Vec<Element<'a, Message>>,
    content: impl Into<Element<'a, Message>>,
) -> Element<'a, Message> {
    let head = row![title(name), fill()]
        .extend(actions)
        .spacing(gap::SMALL)
        .height(36.0)
        .align_y(Alignment::Center);
    column![head, content.into()]
        .spacing(gap::LARGE)
        .padding([20.0, 28.0])
        .width(Length::Fill)
        .height(Length::Fill)
        .into()
}

/// A card without a title.
pub fn plain_card<'a, Message: 'a>(content: impl Into<Element<'a, Message>>) -> Element<'a, Message> {
    container(content)
        .padding(gap::LARGE)
        .width(Length::Fill)
        .style(theme::container::card)
        .into()
}

/// A card with a title.
pub fn card<'a, Message: 'a>(name: &'a str, content: impl Into<Element<'a, Message>>) -> Element<'a, Message> {
    plain_card(column![heading(name), content.into()].spacing(gap::MEDIUM))
}

/// A chip: a label, a type.
pub fn chip<'a, Message: 'a>(words: impl iced::widget::text::IntoFragment<'a>) -> Element<'a, Message> {
    container(small(words))
        .padding([2.0, 7.0])
        .style(theme::container::chip)
        .into()
}

/// A chip of a tone.
pub fn toned_chip<'a, Message: 'a>(
    words: impl iced::widget::text::IntoFragment<'a>,
    tone: Tone,
) -> Element<'a, Message> {
    container(small(words))
        .padding([2.0, 7.0])
        .style(theme::container::toned(tone))
        .into()
}

/// A thin line across.
pub fn line<'a, Message: 'a>() -> Element<'a, Message> {
    container(iced::widget::space())
        .width(Length::Fill)
        .height(1.0)
        .style(theme::container::line)
        .into()
}

/// What scrolls down, with a thin bar.
pub fn scroll<'a, Message: 'a>(content: impl Into<Element<'a, Message>>) -> Scrollable<'a, Message> {
    // Room for the bar, so that it never lies on what is read.
    scroll_rows(
        container(content)
            .padding(Padding::ZERO.right(14.0))
            .width(Length::Fill),
    )
}

/// Rows from edge to edge that scroll down, each with room for the bar at its end.
pub fn scroll_rows<'a, Message: 'a>(rows: impl Into<Element<'a, Message>>) -> Scrollable<'a, Message> {
    let bar = scrollable::Scrollbar::new().width(8.0).scroller_width(6.0).margin(1.0);
    scrollable(rows)
        .direction(scrollable::Direction::Vertical(bar))
        .style(theme::scrollable::thin)
        .width(Length::Fill)
}
