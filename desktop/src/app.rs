//! The shell: where one is, the connection, the keyboard, and what is said across screens.

mod ending;
mod fallback;
mod frame;
mod keys;
mod palette;
mod start;
#[cfg(test)]
mod tests;
mod told;

use std::time::Duration;

use iced::{Element, Size, Subscription, Task, Theme, clipboard, window};
use orchestrator_desktop_model::{Failure, Fleet, Link, Tone, fleet, format, script::Script, settings::Settings};
use orchestrator_protocol::Timestamp;

#[cfg(feature = "native")]
pub use self::start::start;
pub use self::start::{Start, application, run};
use crate::{
    clock,
    connection::{self, Api, Target, Update},
    keep,
    screen::{
        Event, Route, Shared, checkpoints::Checkpoints, new_task::NewTaskForm, overview::Overview,
        settings::SettingsScreen, task::TaskScreen, tasks::Tasks, workers::Workers,
    },
    secret, theme,
    words::{self, Word},
};

/// How long something said stays.
const SAID: Duration = Duration::from_secs(6);

/// How many places to go back to are kept.
const PLACES: usize = 50;

/// The app.
#[derive(Debug)]
pub struct App {
    shared: Shared,
    route: Route,
    before: Vec<Route>,
    said: Vec<Said>,
    palette: Option<palette::Palette>,
    system_is_dark: bool,
    /// Whether something was shown that was not told in words yet.
    words_due: bool,
    fallback: fallback::Fallback,
    token: Option<String>,
    /// Whether the app ends, as soon as what is inside it has.
    ends: bool,
    overview: Overview,
    tasks: Tasks,
    task: Option<TaskScreen>,
    checkpoints: Checkpoints,
    workers: Workers,
    new_task: NewTaskForm,
    settings: SettingsScreen,
}

/// Something that is said for a few seconds.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    tone: Tone,
    words: String,
    until: Timestamp,
}

/// What happens in the app.
#[derive(Debug, Clone)]
pub enum Message {
    /// A connection was set up, or cannot be.
    Opened(Result<Api, Failure>),
    /// What the fleet's connection says.
    Fleet(Update<fleet::Snapshot>),
    /// Parts of the fleet that were asked for again.
    Refreshed(Vec<fleet::Part>),
    /// A second has passed.
    Tick,
    /// The window has another size.
    Resized(Size),
    /// The system is light or dark.
    System(iced::theme::Mode),
    /// A key was pressed.
    Key(keys::Pressed),
    /// What is shown is to be read, to be told in words.
    ReadWords,
    /// What is shown, in words.
    Words(Vec<Word>),
    /// A font for a script has come, or not.
    Font(Script, bool),
    /// In the command palette.
    Palette(palette::Message),
    /// The command palette is to open.
    OpenPalette,
    /// Go there.
    Go(Route),
    /// Go back.
    Back,
    /// Connect anew.
    Reconnect,
    /// The app is to end.
    Close,
    /// What was inside it has ended: it can.
    Ended,
    /// On the overview.
    Overview(crate::screen::overview::Message),
    /// On the list of tasks.
    Tasks(crate::screen::tasks::Message),
    /// On a task.
    Task(crate::screen::task::Message),
    /// On the checkpoints.
    Checkpoints(crate::screen::checkpoints::Message),
    /// On the workers.
    Workers(crate::screen::workers::Message),
    /// On the form of a new task.
    NewTask(crate::screen::new_task::Message),
    /// On the settings.
    Settings(crate::screen::settings::Message),
}

impl App {
    /// The app as it starts.
    pub fn new(start: Start) -> (Self, Task<Message>) {
        Self::with(start, keep::load())
    }

    /// The app as it starts with these settings.
    pub fn with(start: Start, mut settings: Settings) -> (Self, Task<Message>) {
        if let Some(server) = &start.server {
            // A page may talk to the server that it came from, and to no other.
            if cfg!(target_family = "wasm") {
                settings.servers.clear();
            }
            settings.choose(server);
        }
        let app = Self {
            shared: Shared {
                api: None,
                fleet: Fleet::default(),
                link: Link::Connecting,
                settings,
                now: clock::now(),
                zone: clock::zone(),
                size: Size::new(1280.0, 800.0),
            },
            route: Route::Overview,
            before: Vec::new(),
            said: Vec::new(),
            palette: None,
            system_is_dark: true,
            words_due: false,
            fallback: fallback::Fallback::default(),
            token: start.token,
            ends: false,
            overview: Overview::default(),
            tasks: Tasks::default(),
            task: None,
            checkpoints: Checkpoints::default(),
            workers: Workers::default(),
            new_task: NewTaskForm::default(),
            settings: SettingsScreen::default(),
        };
        let begin = Task::batch([app.connect(), iced::system::theme().map(Message::System)]);
        (app, begin)
    }

    fn connect(&self) -> Task<Message> {
        let Some(server) = self.shared.settings.server() else {
            return Task::none();
        };
        let (url, token) = (server.url.clone(), self.token.clone());
        let opened = async move {
            let token = match token {
                Some(token) => Some(token),
                None => secret::load(&url).await,
            };
            Api::open(Target { url, token }).await
        };
        Task::perform(opened, Message::Opened)
    }

    /// Forgets what came from the server, and connects to the one that is set.
    fn reconnect(&mut self) -> Task<Message> {
        let before = self.shared.api.take();
        self.shared.link = Link::Connecting;
        self.shared.fleet = Fleet::default();
        // One engine after the other: they may be on the same file.
        match before.filter(|api| api.is_inside()) {
            Some(before) => Task::future(async move { before.end().await })
                .discard()
                .chain(self.connect()),
            None => self.connect(),
        }
    }

    /// Something happened.
    pub fn update(&mut self, message: Message) -> Task<Message> {
        self.words_due = words::are_wanted();
        match message {
            Message::ReadWords => self.read_words(),
            Message::Words(words) => {
                self.words_due = false;
                self.tell(&words);
                self.fallback.load(&words)
            }
            Message::Font(script, is_here) => {
                self.fallback.loaded(script, is_here);
                Task::none()
            }
            Message::Opened(Ok(api)) => {
                self.shared.api = Some(api);
                self.enter()
            }
            Message::Opened(Err(failure)) => {
                self.shared.link = Link::Ended(failure);
                Task::none()
            }
            Message::Fleet(update) => self.fleet(update),
            Message::Refreshed(parts) => {
                let known: Vec<_> = self.shared.fleet.checkpoints.iter().map(|one| one.task.id).collect();
                for part in parts {
                    self.shared.fleet.refresh(part, self.shared.now);
                }
                self.new_task.learn(&self.shared);
                self.notify(&known)
            }
            Message::Tick => self.tick(),
            Message::Resized(size) => {
                self.shared.size = size;
                Task::none()
            }
            Message::System(mode) => {
                self.system_is_dark = mode != iced::theme::Mode::Light;
                Task::none()
            }
            Message::Key(pressed) => self.press(&pressed),
            Message::Palette(message) => self.palette(message),
            Message::OpenPalette => self.open_palette(),
            Message::Go(route) => self.go(route),
            Message::Back => self.back(),
            Message::Reconnect => self.reconnect(),
            Message::Close => self.close(),
            Message::Ended => iced::exit(),
            other => self.screen(other),
        }
    }

    /// Something happened on a screen.
    fn screen(&mut self, message: Message) -> Task<Message> {
        let shared = &self.shared;
        let (task, event) = match message {
            Message::Overview(message) => of(self.overview.update(message, shared), Message::Overview),
            Message::Tasks(message) => of(self.tasks.update(message, shared), Message::Tasks),
            Message::Task(message) => match &mut self.task {
                Some(screen) => of(screen.update(message, shared), Message::Task),
                None => (Task::none(), None),
            },
            Message::Checkpoints(message) => of(self.checkpoints.update(message, shared), Message::Checkpoints),
            Message::Workers(message) => of(self.workers.update(message, shared), Message::Workers),
            Message::NewTask(message) => of(self.new_task.update(message, shared), Message::NewTask),
            Message::Settings(message) => of(self.settings.update(message, shared), Message::Settings),
            _ => (Task::none(), None),
        };
        match event {
            Some(event) => Task::batch([task, self.obey(event)]),
            None => task,
        }
    }

    /// Does what a screen asks for.
    fn obey(&mut self, event: Event) -> Task<Message> {
        match event {
            Event::Go(route) => self.go(route),
            Event::Back => self.back(),
            Event::List(filter) => {
                self.tasks.set_filter(filter);
                self.go(Route::Tasks)
            }
            Event::Say(tone, words) => {
                self.say(tone, words);
                Task::none()
            }
            Event::Keep(settings) => {
                let url = |settings: &Settings| settings.server().map(|server| server.url.clone());
                let other = url(&settings) != url(&self.shared.settings);
                self.shared.settings = settings;
                if let Err(why) = keep::save(&self.shared.settings) {
                    self.say(Tone::Attention, format!("The settings are not kept: {why}"));
                }
                if other {
                    // A token is for the server that it was given for, and for no other one.
                    self.token = None;
                    return self.reconnect();
                }
                Task::none()
            }
            Event::KeepToken { url, token } => {
                if self.shared.settings.server().is_none_or(|server| server.url != url) {
                    return Task::none();
                }
                self.token = token;
                self.reconnect()
            }
            Event::Reconnect => self.reconnect(),
            Event::Copy(text) => {
                self.say(Tone::Good, "Copied.".to_owned());
                clipboard::write(text)
            }
        }
    }

    fn say(&mut self, tone: Tone, words: String) {
        let until = self.shared.now.plus(SAID);
        self.said.retain(|said| said.words != words);
        self.said.push(Said { tone, words, until });
    }

    /// Says which checkpoints have opened, and asks the window for attention.
    fn notify(&mut self, known: &[orchestrator_protocol::TaskId]) -> Task<Message> {
        let checkpoints = self.shared.fleet.checkpoints.iter();
        let opened: Vec<String> = checkpoints
            .filter(|checkpoint| !known.contains(&checkpoint.task.id))
            .map(|checkpoint| {
                let what = if self.checkpoints.is_revision(checkpoint) {
                    "The revision has come"
                } else {
                    "An agent asks"
                };
                format!("{what}: {}", format::first_line(&checkpoint.question, 90))
            })
            .collect();
        if opened.is_empty() {
            return Task::none();
        }
        for words in opened {
            self.say(Tone::Attention, words);
        }
        let attention = Some(window::UserAttention::Informational);
        window::latest().and_then(move |id| window::request_user_attention(id, attention))
    }

    fn fleet(&mut self, update: Update<fleet::Snapshot>) -> Task<Message> {
        match update {
            Update::Opened(snapshot) => {
                self.shared.link = Link::Live;
                self.shared.fleet.open(*snapshot, self.shared.now);
                self.new_task.learn(&self.shared);
                self.enter()
            }
            Update::Happened(events) => {
                self.shared.link = Link::Live;
                events.iter().for_each(|event| self.shared.fleet.happen(event));
                self.checkpoints.happen(&events);
                match self.route {
                    Route::Tasks => self.tasks.happen(&events, &self.shared).map(Message::Tasks),
                    Route::Workers => self.workers.happen(&events, &self.shared).map(Message::Workers),
                    _ => Task::none(),
                }
            }
            Update::Lost(reason) => {
                self.shared.link.lose(reason, self.shared.now);
                Task::none()
            }
            Update::Ended(failure) => {
                self.shared.link = Link::Ended(failure);
                Task::none()
            }
        }
    }

    fn tick(&mut self) -> Task<Message> {
        self.shared.now = clock::now();
        let now = self.shared.now;
        self.said.retain(|said| said.until > now);
        self.shared.fleet.sample(now);
        let stale = self.shared.fleet.take_stale();
        match &self.shared.api {
            Some(api) if self.shared.link.is_live() && stale != fleet::Stale::default() => {
                Task::perform(connection::refresh(api.clone(), stale), Message::Refreshed)
            }
            _ => Task::none(),
        }
    }

    fn go(&mut self, route: Route) -> Task<Message> {
        if route == self.route {
            return Task::none();
        }
        self.before.push(self.route);
        if self.before.len() > PLACES {
            self.before.remove(0);
        }
        self.route = route;
        self.enter()
    }

    fn back(&mut self) -> Task<Message> {
        let Some(route) = self.before.pop() else {
            return Task::none();
        };
        self.route = route;
        self.enter()
    }

    /// Lets the screen where one is now ask for what it shows.
    fn enter(&mut self) -> Task<Message> {
        match self.route {
            Route::Tasks => self.tasks.enter(&self.shared).map(Message::Tasks),
            Route::Workers => self.workers.enter(&self.shared).map(Message::Workers),
            Route::Task(id) => {
                if self.task.as_ref().is_none_or(|screen| screen.id() != id) {
                    self.task = Some(TaskScreen::new(id));
                }
                Task::none()
            }
            Route::Checkpoints(chosen) => {
                self.checkpoints.enter(chosen);
                Task::none()
            }
            _ => Task::none(),
        }
    }

    /// What the app listens to.
    pub fn subscription(&self) -> Subscription<Message> {
        let fleet = self
            .shared
            .api
            .as_ref()
            .map(|api| connection::fleet(api).map(Message::Fleet));
        let task = match (&self.task, self.route) {
            (Some(screen), Route::Task(_)) => screen.subscription(&self.shared).map(Message::Task),
            _ => Subscription::none(),
        };
        Subscription::batch([
            fleet.unwrap_or_else(Subscription::none),
            task,
            clock::every(Duration::from_secs(1)).map(|()| Message::Tick),
            window::resize_events().map(|(_, size)| Message::Resized(size)),
            ending::listen(),
            iced::system::theme_changes().map(Message::System),
            keys::listen().map(Message::Key),
            self.listen_for_words(),
        ])
    }

    /// The theme.
    pub fn theme(&self) -> Theme {
        theme::theme(self.shared.settings.mode, self.system_is_dark)
    }

    /// The title of the window.
    pub fn title(&self) -> String {
        match self.shared.fleet.checkpoints.len() {
            0 => "Orchestrator".to_owned(),
            n => format!("({n}) Orchestrator"),
        }
    }

    /// What it shows.
    pub fn view(&self) -> Element<'_, Message> {
        let shared = &self.shared;
        let screen = match self.route {
            Route::Overview => self.overview.view(shared).map(Message::Overview),
            Route::Tasks => self.tasks.view(shared).map(Message::Tasks),
            Route::Task(_) => match &self.task {
                Some(screen) => screen.view(shared).map(Message::Task),
                None => iced::widget::space().into(),
            },
            Route::Checkpoints(_) => self.checkpoints.view(shared).map(Message::Checkpoints),
            Route::Workers => self.workers.view(shared).map(Message::Workers),
            Route::NewTask => self.new_task.view(shared).map(Message::NewTask),
            Route::Settings => self.settings.view(shared).map(Message::Settings),
        };
        let above = match &self.palette {
            _ if self.ends => Some(ending::view()),
            Some(palette) => Some(palette.view().map(Message::Palette)),
            None => None,
        };
        // A stack with and without it: what is below would forget where it is scrolled to otherwise.
        iced::widget::stack![frame::view(self, screen)].push(above).into()
    }
}

/// What a screen gave, in the words of the app.
fn of<M: Send + 'static>(
    (task, event): (Task<M>, Option<Event>),
    wrap: impl Fn(M) -> Message + Send + 'static,
) -> (Task<Message>, Option<Event>) {
    (task.map(wrap), event)
}
