//! The end: an engine inside the app gives back what it runs before its window goes.

use iced::{
    Element, Length, Subscription, Task,
    widget::{container, opaque, row},
    window,
};

use super::{App, Message};
use crate::{
    theme::{self, gap, glyph},
    widget::{body, icon},
};

/// That the window was closed, or whoever started the program asked it to end.
pub(super) fn listen() -> Subscription<Message> {
    let closed = window::close_requests().map(|_| Message::Close);
    Subscription::batch([closed, asked()])
}

#[cfg(feature = "native")]
fn asked() -> Subscription<Message> {
    use orchestrator_signals::Signals;

    Subscription::run(|| {
        futures::stream::once(async {
            match Signals::listen() {
                Ok(mut signals) => signals.next().await,
                // The system ends the program as it always did.
                Err(_) => std::future::pending().await,
            }
            Message::Close
        })
    })
}

#[cfg(not(feature = "native"))]
fn asked() -> Subscription<Message> {
    Subscription::none()
}

impl App {
    /// Ends the app, once what is inside it has ended. Whoever asks twice does not want to wait.
    pub(super) fn close(&mut self) -> Task<Message> {
        match &self.shared.api {
            Some(api) if api.is_inside() && !self.ends => {
                self.ends = true;
                let api = api.clone();
                Task::perform(async move { api.end().await }, |()| Message::Ended)
            }
            _ => iced::exit(),
        }
    }
}

/// What is said until then. Nothing behind it can be pressed.
pub(super) fn view<'a>() -> Element<'a, Message> {
    let words = row![
        icon(glyph::TIMER).style(theme::text::muted),
        body("Closing. What is not finished goes on at the next start.")
    ];
    let card = container(words.spacing(gap::SMALL).align_y(iced::Alignment::Center))
        .padding([gap::LARGE, gap::HUGE])
        .style(theme::container::overlay);
    let all = container(card).center(Length::Fill).style(theme::container::veil);
    opaque(all)
}
