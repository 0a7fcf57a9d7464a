//! The list of tasks: however many, filtered by the server, kept up to date.

mod bulk;
mod table;

use std::time::Duration;

use iced::{
    Alignment, Element, Length, Task,
    keyboard::{Key, Modifiers, key::Named},
    widget::{Id, column, operation, row, stack, text_input},
};
use orchestrator_desktop_model::{
    Failure, Tone, format,
    list::{Filter, List, Row},
    look,
};
use orchestrator_protocol::{Page, TaskId, TaskState};

use self::bulk::Bulk;
use super::{Event, Route, Shared};
use crate::{
    theme::{self, gap, glyph, size},
    widget::{button, fill, hotkeys::hotkeys, notice, rows::Scrolled, small, surface},
};

const SEARCH: Id = Id::new("tasks-search");

/// How many rows a page has.
const PAGE: u32 = 200;

/// How near the end the next page is asked for.
const NEAR: f32 = 3_000.0;

/// How long typing rests before it is searched for.
const REST: Duration = Duration::from_millis(200);

/// How long the list may be old while much happens.
const LATER: Duration = Duration::from_millis(500);

/// The states that can be filtered for by a press, each alone.
const STATES: [TaskState; 7] = [
    TaskState::Running,
    TaskState::Waiting,
    TaskState::Ready,
    TaskState::NeedsAttention,
    TaskState::Failed,
    TaskState::Succeeded,
    TaskState::Cancelled,
];

/// Gives the field to search in the focus.
pub fn focus_search<M: Send + 'static>() -> Task<M> {
    operation::focus(SEARCH)
}

/// The screen.
#[derive(Debug, Default)]
pub struct Tasks {
    filter: Filter,
    typed: String,
    list: List,
    failure: Option<Failure>,
    /// Counts the filters: an answer of another number is old.
    number: u64,
    asked: bool,
    waits: bool,
    scrolled: Scrolled,
    /// The row that the keyboard is at.
    at: Option<TaskId>,
    confirming: Option<Bulk>,
    doing: Option<Bulk>,
}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {
    /// The first page has come, or not.
    First(u64, Result<Page<orchestrator_protocol::Task>, Failure>),
    /// Another page has come, or not.
    More(u64, Result<Page<orchestrator_protocol::Task>, Failure>),
    /// The list is asked for again.
    Again,
    /// Something was typed into the field to search in.
    Typed(String),
    /// Typing rests; the number says since when.
    Search(u64),
    /// One state, or any, is to be shown.
    State(Option<TaskState>),
    /// Tasks below others are to be shown too, or no more.
    Children(bool),
    /// Nothing is to be filtered.
    Clear,
    /// The list was scrolled.
    Scrolled(Scrolled),
    /// A task was pressed.
    Open(TaskId),
    /// The keyboard goes so many rows down or up.
    Step(i64),
    /// The row where the keyboard is is to be opened.
    Enter,
    /// A row is chosen, or no more.
    Choose(TaskId),
    /// The row where the keyboard is is chosen, or no more.
    ChooseHere,
    /// All are chosen, or none.
    ChooseAll(bool),
    /// Something is to be done to the chosen, after a question.
    Ask(Bulk),
    /// It is not, after all.
    Dismiss,
    /// It is.
    Do(Bulk),
    /// It was done to so many; the rest failed, the first for this reason.
    Done(Bulk, usize, Option<Failure>),
    /// A new task is to be made.
    New,
}

impl Tasks {
    /// The rows, as far as they have come.
    pub fn rows(&self) -> &[Row] {
        self.list.rows()
    }

    /// The screen comes up.
    pub fn enter(&mut self, shared: &Shared) -> Task<Message> {
        let Some(api) = shared.api.clone() else {
            return Task::none();
        };
        let (filter, number) = (self.filter.clone(), self.number);
        let first = async move { api.tasks(filter, PAGE, None).await };
        Task::perform(first, move |page| Message::First(number, page))
    }

    /// Lists what this filter lets through from now on.
    pub fn set_filter(&mut self, filter: Filter) {
        self.typed = [
            (!filter.task_type.is_empty()).then(|| format!("type:{}", filter.task_type)),
            (!filter.label.is_empty()).then(|| format!("label:{}", filter.label)),
            (!filter.text.is_empty()).then(|| filter.text.clone()),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
        self.filter = filter;
        self.list = List::default();
        self.failure = None;
        self.asked = false;
        self.scrolled = Scrolled {
            seen: self.scrolled.seen,
            ..Scrolled::default()
        };
        self.at = None;
        self.number += 1;
    }

    fn filtered(&mut self, filter: Filter, shared: &Shared) -> Task<Message> {
        let typed = self.typed.clone();
        self.set_filter(filter);
        self.typed = typed;
        self.enter(shared)
    }

    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, shared: &Shared) -> (Task<Message>, Option<Event>) {
        let task = match message {
            Message::First(number, page) if number == self.number => {
                match page {
                    Ok(page) => {
                        self.failure = None;
                        self.list.first(&page);
                    }
                    Err(failure) => self.failure = Some(failure),
                }
                self.more(shared)
            }
            Message::More(number, page) if number == self.number => {
                self.asked = false;
                match page {
                    Ok(page) => self.list.more(&page),
                    Err(failure) => self.failure = Some(failure),
                }
                self.more(shared)
            }
            Message::Again => {
                self.waits = false;
                self.enter(shared)
            }
            Message::Typed(typed) => {
                self.typed = typed;
                self.number += 1;
                let number = self.number;
                match shared.api.clone() {
                    Some(api) => Task::perform(async move { api.sleep(REST).await }, move |()| Message::Search(number)),
                    None => Task::none(),
                }
            }
            Message::Search(number) if number == self.number => {
                let filter = self.filter.typed(&self.typed);
                self.filtered(filter, shared)
            }
            // Of a filter that is not set any more.
            Message::First(..) | Message::More(..) | Message::Search(_) => Task::none(),
            Message::State(state) => {
                let states = state.into_iter().collect();
                self.filtered(
                    Filter {
                        states,
                        ..self.filter.clone()
                    },
                    shared,
                )
            }
            Message::Children(children) => self.filtered(
                Filter {
                    children,
                    ..self.filter.clone()
                },
                shared,
            ),
            Message::Clear => {
                self.typed.clear();
                self.filtered(Filter::default(), shared)
            }
            Message::Scrolled(scrolled) => {
                self.scrolled = scrolled;
                self.more(shared)
            }
            Message::Open(id) => {
                self.at = Some(id);
                return (Task::none(), Some(Event::Go(Route::Task(id))));
            }
            Message::Enter => return (Task::none(), self.at.map(|id| Event::Go(Route::Task(id)))),
            Message::Step(by) => self.step(by),
            Message::Choose(id) => {
                self.list.choose(id);
                Task::none()
            }
            Message::ChooseHere => {
                if let Some(id) = self.at {
                    self.list.choose(id);
                }
                Task::none()
            }
            Message::ChooseAll(all) => {
                self.list.choose_all(all);
                Task::none()
            }
            Message::New => return (Task::none(), Some(Event::Go(Route::NewTask))),
            bulk => return self.update_bulk(bulk, shared),
        };
        (task, None)
    }

    /// Asks for the next page when the end of what has come is near.
    fn more(&mut self, shared: &Shared) -> Task<Message> {
        let below = self.list.rows().len() as f32 * table::ROW - self.scrolled.offset - self.scrolled.seen;
        let (Some(api), Some(cursor)) = (shared.api.clone(), self.list.next_cursor()) else {
            return Task::none();
        };
        if self.asked || below > NEAR {
            return Task::none();
        }
        self.asked = true;
        let (filter, number, cursor) = (self.filter.clone(), self.number, cursor.to_owned());
        let more = async move { api.tasks(filter, PAGE, Some(cursor)).await };
        Task::perform(more, move |page| Message::More(number, page))
    }

    fn step(&mut self, by: i64) -> Task<Message> {
        let count = self.list.rows().len();
        if count == 0 {
            return Task::none();
        }
        let here = self.at.and_then(|id| self.list.place(id));
        let there = here.map_or(0, |here| (here as i64 + by).clamp(0, count as i64 - 1) as usize);
        self.at = Some(self.list.rows()[there].id);
        let (top, height) = (there as f32 * table::ROW, table::ROW);
        let seen = self.scrolled.seen.min(1_600.0);
        let offset = if top < self.scrolled.offset {
            top
        } else if top + height > self.scrolled.offset + seen {
            top + height - seen
        } else {
            return Task::none();
        };
        table::scroll_to(offset)
    }

    /// Something happened in the fleet.
    pub fn happen(&mut self, events: &[orchestrator_protocol::Event], shared: &Shared) -> Task<Message> {
        for event in events {
            self.list.happen(event, &self.filter);
        }
        match shared.api.clone() {
            Some(api) if !self.waits && self.list.take_stale() => {
                self.waits = true;
                Task::perform(async move { api.sleep(LATER).await }, |()| Message::Again)
            }
            _ => Task::none(),
        }
    }

    /// A key that no field took; none when it means nothing here.
    fn key(&self, key: &Key<&str>, modifiers: Modifiers) -> Option<Message> {
        if let Some(bulk) = self.confirming {
            return match key {
                Key::Named(Named::Escape) => Some(Message::Dismiss),
                Key::Named(Named::Enter) => Some(Message::Do(bulk)),
                _ => None,
            };
        }
        if modifiers.command() {
            return (*key == Key::Character("a")).then_some(Message::ChooseAll(true));
        }
        let page = (self.scrolled.seen.min(1_600.0) / table::ROW) as i64;
        Some(match key {
            Key::Named(Named::ArrowDown) => Message::Step(1),
            Key::Named(Named::ArrowUp) => Message::Step(-1),
            Key::Named(Named::PageDown) => Message::Step(page),
            Key::Named(Named::PageUp) => Message::Step(-page),
            Key::Named(Named::Home) => Message::Step(i64::MIN / 4),
            Key::Named(Named::End) => Message::Step(i64::MAX / 4),
            Key::Named(Named::Enter) => Message::Enter,
            Key::Named(Named::Space) => Message::ChooseHere,
            Key::Named(Named::Escape) if self.list.chosen() > 0 => Message::ChooseAll(false),
            _ => return None,
        })
    }

    /// What it shows.
    pub fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        let content = match &self.failure {
            Some(failure) if !self.list.is_known() => notice::failed(failure, Some(("Try again", Message::Again))),
            None if !self.list.is_known() => notice::loading("Asking the server…"),
            _ if self.list.rows().is_empty() && self.filter.is_open() => notice::empty(
                glyph::LIST_CHECKS,
                "No tasks yet",
                "What is submitted comes up here: from this app, from the command line, or from a program.",
                Some(("New task", Message::New)),
            ),
            _ if self.list.rows().is_empty() => notice::empty(
                glyph::SEARCH,
                "Nothing matches",
                "No task is like that. Search for other words, or for any state.",
                Some(("Show all", Message::Clear)),
            ),
            _ => self.table(shared),
        };
        let actions = vec![button::with_icon(
            button::Kind::Primary,
            glyph::PLUS,
            "New task",
            Some(Message::New),
        )];
        let failure = self
            .failure
            .as_ref()
            .filter(|_| self.list.is_known())
            .map(notice::failure_line);
        // One part above the list whatever it holds, and a stack with and without the question: the list would forget where
        // it is scrolled to otherwise.
        let above = column![self.bar(shared)]
            .push(self.bulk_bar())
            .push(failure)
            .spacing(gap::MEDIUM);
        let all = column![above, content].spacing(gap::MEDIUM);
        let page = surface::page("Tasks", actions, all);
        let all = stack![page].push(self.confirming.map(|bulk| self.confirm(bulk)));
        hotkeys(all, |key, modifiers| self.key(&key, modifiers))
    }

    fn bar<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        let search = text_input("Search, or type:code_review label:team:core (Ctrl+F)", &self.typed)
            .id(SEARCH)
            .on_input(Message::Typed)
            .size(size::BODY)
            .padding([7.0, 10.0])
            .width(Length::FillPortion(2))
            .style(theme::input::line);
        let one = |state: Option<TaskState>| match (state, &*self.filter.states) {
            (None, []) => true,
            (Some(state), [only]) => state == *only,
            _ => false,
        };
        let states = std::iter::once(None).chain(STATES.into_iter().map(Some)).map(|state| {
            let word = state.map_or("All", |state| look::task(state).word);
            button::choice(word, one(state), Message::State(state))
        });
        let children = button::choice(
            "Subtasks too",
            self.filter.children,
            Message::Children(!self.filter.children),
        );
        let states = row(states).spacing(2.0);
        let shown = self.list.rows().len() as u64;
        let more = if self.list.next_cursor().is_some() { "+" } else { "" };
        let count = small(format!("{}{more} shown", format::count(shown))).style(theme::text::faint);
        if shared.size.width < 1_450.0 {
            let top = row![search, children, count]
                .spacing(gap::MEDIUM)
                .align_y(Alignment::Center);
            return column![top, states].spacing(gap::SMALL).into();
        }
        row![search, states, fill(), children, count]
            .spacing(gap::MEDIUM)
            .align_y(Alignment::Center)
            .into()
    }

    /// What is said when something was done to many.
    fn said(bulk: Bulk, done: usize, failure: Option<&Failure>) -> (Tone, String) {
        let what = bulk.done(done);
        match failure {
            None => (Tone::Good, what),
            Some(failure) => (
                Tone::Attention,
                format!("{what} The rest was refused: {}", failure.message),
            ),
        }
    }
}
