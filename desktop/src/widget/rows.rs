//! Lists of any length: only the rows that are seen are made.

use std::ops::Range;

use iced::{
    Element, Length,
    widget::{Id, column, keyed::Column as Keyed, scrollable, space},
};
use orchestrator_desktop_model::output;

use crate::theme;

/// How far a list is scrolled, as its last [`Scrolled`] said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scrolled {
    /// What is above what is seen.
    pub offset: f32,
    /// The height of what is seen.
    pub seen: f32,
    /// The height of everything.
    pub all: f32,
}

impl Default for Scrolled {
    /// As before the first message: enough for the largest windows.
    fn default() -> Self {
        Self {
            offset: 0.0,
            seen: 1_600.0,
            all: 0.0,
        }
    }
}

impl Scrolled {
    /// Whether the end is seen.
    pub fn is_at_end(self) -> bool {
        self.offset + self.seen >= self.all - 2.0
    }

    /// How much of it is left to see below.
    pub fn below(self) -> f32 {
        (self.all - self.offset - self.seen).max(0.0)
    }
}

impl From<scrollable::Viewport> for Scrolled {
    fn from(viewport: scrollable::Viewport) -> Self {
        Self {
            offset: viewport.absolute_offset().y,
            seen: viewport.bounds().height,
            all: viewport.content_bounds().height,
        }
    }
}

/// The rows of a list that are to be made.
pub fn window(count: usize, height: f32, scrolled: Scrolled) -> Range<usize> {
    output::window(count, height, scrolled.offset, scrolled.seen)
}

/// A list of rows of one height. `shown` are those of `window`, each with a key that goes with it wherever it moves.
pub fn rows<'a, Key, Message>(
    id: Id,
    count: usize,
    height: f32,
    window: &Range<usize>,
    shown: impl Iterator<Item = (Key, Element<'a, Message>)>,
    on_scroll: impl Fn(Scrolled) -> Message + 'a,
) -> Element<'a, Message>
where
    Key: Copy + PartialEq + 'static,
    Message: 'a,
{
    let above = window.start as f32 * height;
    let below = count.saturating_sub(window.end) as f32 * height;
    let content = column![
        space().height(above),
        Keyed::with_children(shown).width(Length::Fill),
        space().height(below)
    ];
    let bar = scrollable::Scrollbar::new().width(8.0).scroller_width(6.0).margin(1.0);
    scrollable(content)
        .id(id)
        .direction(scrollable::Direction::Vertical(bar))
        .style(theme::scrollable::thin)
        .width(Length::Fill)
        .height(Length::Fill)
        .on_scroll(move |viewport| on_scroll(viewport.into()))
        .into()
}
