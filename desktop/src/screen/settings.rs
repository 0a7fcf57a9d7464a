//! Servers, tokens, theme.

use iced::{
    Element, Task,
    widget::{column, row},
};
use orchestrator_desktop_model::settings::Mode;

use super::{Event, Shared};
use crate::{
    theme::gap,
    widget::{
        button,
        field::{field, line},
        surface,
    },
};

/// The screen.
#[derive(Debug, Default)]
pub struct SettingsScreen {
    url: Option<String>,
    token: String,
}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {
    /// The server's address was changed.
    Url(String),
    /// The token was changed.
    Token(String),
    /// The server is to be used.
    Connect,
    /// A theme was chosen.
    Mode(Mode),
}

impl SettingsScreen {
    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, shared: &Shared) -> (Task<Message>, Option<Event>) {
        let mut settings = shared.settings.clone();
        match message {
            Message::Url(text) => self.url = Some(text),
            Message::Token(text) => self.token = text,
            Message::Connect => {
                if let Some(url) = self.url.take() {
                    settings.choose(url.trim());
                    return (Task::none(), Some(Event::Keep(settings)));
                }
                let url = settings.server().map(|server| server.url.clone()).unwrap_or_default();
                let token = Some(std::mem::take(&mut self.token)).filter(|token| !token.is_empty());
                return (Task::none(), Some(Event::KeepToken { url, token }));
            }
            Message::Mode(mode) => {
                settings.mode = mode;
                return (Task::none(), Some(Event::Keep(settings)));
            }
        }
        (Task::none(), None)
    }

    /// What it shows.
    pub fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        let current = shared.settings.server().map_or("", |server| &*server.url);
        let url = self.url.as_deref().unwrap_or(current);
        let modes = Mode::ALL.map(|mode| {
            let name = match mode {
                Mode::System => "System",
                Mode::Light => "Light",
                Mode::Dark => "Dark",
            };
            button::choice(name, shared.settings.mode == mode, Message::Mode(mode))
        });
        let form = column![
            field("Server", "", None, line("http://host:8080", url, Message::Url)),
            field("Token", "", None, line("", &self.token, Message::Token).secure(true)),
            row![button::primary("Connect", Some(Message::Connect))],
            field("Theme", "", None, row(modes).spacing(gap::SMALL)),
        ];
        surface::page("Settings", Vec::new(), form.spacing(gap::LARGE).max_width(640.0))
    }
}
