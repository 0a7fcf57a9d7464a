//! Servers, tokens, theme.

mod form;

use iced::{
    Element, Task,
    keyboard::{Key, key::Named},
};
use orchestrator_client::ServerAddress;
use orchestrator_desktop_model::{
    Failure, FailureKind, Tone,
    servers::{Draft, used, without},
    settings::Mode,
};

use super::{Event, Shared};
use crate::{
    connection::{Api, Target},
    secret::{self, Kept},
    widget::hotkeys::hotkeys,
};

/// The screen.
#[derive(Debug, Default)]
pub struct SettingsScreen {
    /// The server that is being added or changed.
    draft: Option<Draft>,
    /// What is wrong with it.
    wrong: Option<String>,
    /// The server whose removal waits for a confirmation.
    removing: Option<usize>,
    test: Test,
    /// Where the last token was kept.
    kept: Option<Kept>,
}

/// A test of a connection.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Test {
    /// None was asked for.
    #[default]
    None,
    /// It runs, against this URL.
    Running(String),
    /// It went like this, against this URL.
    Done(String, Result<Found, Failure>),
}

/// What a test found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// How many workers are connected.
    pub workers: usize,
    /// Whether a token was sent.
    pub with_token: bool,
}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {
    /// A theme was chosen.
    Mode(Mode),
    /// A server is to be used.
    Use(usize),
    /// A server is to be added.
    Add,
    /// A server is to be changed.
    Edit(usize),
    /// The draft is given up.
    GiveUp,
    /// The draft's address was changed.
    Url(String),
    /// The draft's name was changed.
    Name(String),
    /// The draft's token was changed.
    Token(Secret),
    /// The draft is to be kept.
    Save,
    /// A token was kept, for this URL.
    Kept(String, Option<Secret>, Kept),
    /// The token of the server that is being changed is to be forgotten.
    Forget,
    /// A server is to be removed, once that is confirmed.
    Remove(usize),
    /// It is.
    Confirm(usize),
    /// It is not.
    Keep,
    /// The connection to a server in the list is to be tried.
    Try(usize),
    /// The connection to the draft is to be tried.
    TryDraft,
    /// It was.
    Tried(String, Result<Found, Failure>),
}

/// A text that is never said.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl SettingsScreen {
    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, shared: &Shared) -> (Task<Message>, Option<Event>) {
        let settings = &shared.settings;
        match message {
            Message::Mode(mode) => {
                let mut settings = settings.clone();
                settings.mode = mode;
                return (Task::none(), Some(Event::Keep(settings)));
            }
            Message::Use(place) => return (Task::none(), Some(Event::Keep(used(settings, place)))),
            Message::Add => self.draft(Some(Draft::default())),
            Message::Edit(place) => self.draft(Draft::of(settings, place)),
            Message::GiveUp => self.draft(None),
            Message::Url(text) => self.change(|draft| draft.url = text),
            Message::Name(text) => self.change(|draft| draft.name = text),
            Message::Token(Secret(text)) => self.change(|draft| draft.token = text),
            Message::Save => return self.save(shared),
            Message::Kept(url, token, kept) => return (Task::none(), Some(self.kept(url, token, kept))),
            Message::Forget => return (self.forget(shared), None),
            Message::Remove(place) => self.removing = Some(place),
            Message::Keep => self.removing = None,
            Message::Confirm(place) => return self.remove(place, shared),
            Message::Try(place) => {
                if let Some(server) = settings.servers.get(place) {
                    return (self.begin(server.url.clone(), None), None);
                }
            }
            Message::TryDraft => {
                if let Some(draft) = self.checked(shared) {
                    let token = Some(draft.token.trim().to_owned()).filter(|token| !token.is_empty());
                    return (self.begin(draft.url.trim().to_owned(), token), None);
                }
            }
            Message::Tried(url, result) => {
                if self.test == Test::Running(url.clone()) {
                    self.test = Test::Done(url, result);
                }
            }
        }
        (Task::none(), None)
    }

    fn draft(&mut self, draft: Option<Draft>) {
        self.draft = draft;
        self.wrong = None;
        self.removing = None;
        self.kept = None;
        self.test = Test::None;
    }

    fn change(&mut self, change: impl FnOnce(&mut Draft)) {
        if let Some(draft) = &mut self.draft {
            change(draft);
            self.wrong = None;
            self.test = Test::None;
        }
    }

    /// The draft, if nothing is wrong with it.
    fn checked(&mut self, shared: &Shared) -> Option<Draft> {
        let draft = self.draft.clone()?;
        let address = || {
            let url = draft.url.trim();
            ServerAddress::parse(url, None).err().map(|error| error.to_string())
        };
        self.wrong = draft.wrong(&shared.settings).or_else(address);
        self.wrong.is_none().then_some(draft)
    }

    fn save(&mut self, shared: &Shared) -> (Task<Message>, Option<Event>) {
        let Some(draft) = self.checked(shared) else {
            return (Task::none(), None);
        };
        self.draft(None);
        let settings = draft.put(&shared.settings);
        let (url, token) = (draft.url.trim().to_owned(), draft.token.trim().to_owned());
        let before = draft.place.and_then(|place| shared.settings.servers.get(place));
        let moved = before.map(|server| server.url.clone()).filter(|before| *before != url);
        let kept = async move {
            // A token belongs to an address; at a new one it has to be given again.
            if let Some(before) = moved {
                secret::keep(before, None).await;
            }
            match token.as_str() {
                "" => None,
                _ => Some((token.clone(), secret::keep(url.clone(), Some(token)).await, url)),
            }
        };
        let told = Task::perform(kept, |kept| kept).then(|kept| match kept {
            Some((token, kept, url)) => Task::done(Message::Kept(url, Some(Secret(token)), kept)),
            None => Task::none(),
        });
        (told, Some(Event::Keep(settings)))
    }

    fn forget(&mut self, shared: &Shared) -> Task<Message> {
        let place = self.draft.as_ref().and_then(|draft| draft.place);
        let Some(server) = place.and_then(|place| shared.settings.servers.get(place)) else {
            return Task::none();
        };
        let url = server.url.clone();
        self.change(|draft| draft.token.clear());
        Task::perform(secret::keep(url.clone(), None), move |kept| {
            Message::Kept(url.clone(), None, kept)
        })
    }

    fn kept(&mut self, url: String, token: Option<Secret>, kept: Kept) -> Event {
        self.kept = token.is_some().then_some(kept);
        Event::KeepToken {
            url,
            token: token.map(|Secret(token)| token),
        }
    }

    fn remove(&mut self, place: usize, shared: &Shared) -> (Task<Message>, Option<Event>) {
        self.removing = None;
        let settings = without(&shared.settings, place);
        if settings.servers.len() == shared.settings.servers.len() {
            return (Task::none(), None);
        }
        let url = shared.settings.servers[place].url.clone();
        let forgotten = Task::perform(secret::keep(url, None), |_| ()).then(|()| Task::none());
        (forgotten, Some(Event::Keep(settings)))
    }

    fn begin(&mut self, url: String, token: Option<String>) -> Task<Message> {
        self.test = Test::Running(url.clone());
        let tried = url.clone();
        Task::perform(attempt(url, token), move |result| Message::Tried(tried.clone(), result))
    }

    /// What it shows.
    pub fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        hotkeys(form::view(self, shared), |key, _| match key {
            Key::Named(Named::Escape) if self.removing.is_some() => Some(Message::Keep),
            Key::Named(Named::Escape) if self.draft.is_some() => Some(Message::GiveUp),
            _ => None,
        })
    }
}

async fn attempt(url: String, token: Option<String>) -> Result<Found, Failure> {
    let token = match token {
        Some(token) => Some(token),
        None => secret::load(&url).await,
    };
    let with_token = token.is_some();
    let api = Api::open(Target { url, token }).await?;
    let workers = api.workers().await?.len();
    Ok(Found { workers, with_token })
}

/// What a test found, in a line.
fn verdict(result: &Result<Found, Failure>) -> (Tone, String) {
    match result {
        Ok(found) => {
            let token = if found.with_token {
                "The token is accepted."
            } else {
                "It asks for no token."
            };
            let workers = match found.workers {
                0 => "No worker is connected.".to_owned(),
                1 => "One worker is connected.".to_owned(),
                n => format!("{n} workers are connected."),
            };
            (Tone::Good, format!("It answers. {token} {workers}"))
        }
        Err(failure) => {
            let advice = match failure.kind {
                FailureKind::Unreachable => "Check that the server runs and that the address is right.",
                FailureKind::Denied => "Check the token, and that its role allows to look.",
                _ => failure.advice(),
            };
            (
                Tone::Bad,
                format!(
                    "{}: {}. {advice}",
                    failure.title(),
                    failure.message.trim_end_matches('.')
                ),
            )
        }
    }
}

#[cfg(test)]
mod tests;
