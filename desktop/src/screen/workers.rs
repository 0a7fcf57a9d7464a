//! The machines: what they offer, how busy they are, what they run.

mod machine;

use iced::{
    Element, Length, Padding, Task,
    keyboard::{Key, key::Named},
    widget::{column, container, grid, responsive, space},
};
use orchestrator_desktop_model::{
    Failure, FailureKind, Tone,
    list::Filter,
    machines::{Machines, summary},
};
use orchestrator_protocol::{Event as Happened, TaskId, TaskState, WorkerId};

use super::{Event, Route, Shared};
use crate::{
    connection::Api,
    theme::{self, gap, glyph},
    widget::{body, field::line, hotkeys::hotkeys, notice, surface},
};

/// The most running tasks that are asked for at once.
const RUNNING: u32 = 500;

/// How long to wait before the running tasks are asked for again: they may change all the time.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

/// The screen.
#[derive(Debug, Default)]
pub struct Workers {
    machines: Machines,
    draining: Option<WorkerId>,
    failure: Option<Failure>,
}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {
    /// What a shown machine must contain was changed.
    Filter(String),
    /// A worker is to take no more, once that is confirmed.
    Drain(WorkerId),
    /// It is.
    Confirm(WorkerId),
    /// It is not.
    Keep,
    /// It was told, or not.
    Drained(Result<String, Failure>),
    /// The running tasks have come, or not.
    Running(Result<Vec<orchestrator_protocol::Task>, Failure>),
    /// A task is to be shown.
    Show(TaskId),
}

impl Workers {
    /// The screen comes up.
    pub fn enter(&mut self, shared: &Shared) -> Task<Message> {
        self.ask(shared, false)
    }

    /// Something happened while the screen is up.
    pub fn happen(&mut self, events: &[Happened], shared: &Shared) -> Task<Message> {
        let changed = events
            .iter()
            .fold(false, |changed, event| self.machines.happen(event) | changed);
        if changed { self.ask(shared, true) } else { Task::none() }
    }

    fn ask(&mut self, shared: &Shared, later: bool) -> Task<Message> {
        match &shared.api {
            Some(api) if self.machines.want() => Task::perform(running(api.clone(), later), Message::Running),
            _ => Task::none(),
        }
    }

    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, shared: &Shared) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Filter(text) => self.machines.filter = text,
            Message::Drain(id) => {
                self.failure = None;
                self.machines.confirming = Some(id);
            }
            Message::Keep => self.machines.confirming = None,
            Message::Confirm(id) => {
                self.machines.confirming = None;
                if let Some(api) = shared.api.clone() {
                    self.draining = Some(id);
                    let drained = async move { api.drain(id).await.map(|worker| worker.name) };
                    return (Task::perform(drained, Message::Drained), None);
                }
            }
            Message::Drained(result) => {
                self.draining = None;
                return (Task::none(), self.drained(result));
            }
            Message::Running(result) => {
                if self.machines.told(result.ok()) {
                    return (self.ask(shared, true), None);
                }
            }
            Message::Show(id) => return (Task::none(), Some(Event::Go(Route::Task(id)))),
        }
        (Task::none(), None)
    }

    fn drained(&mut self, result: Result<String, Failure>) -> Option<Event> {
        match result {
            Ok(name) => Some(Event::Say(Tone::Good, format!("{name} takes no more tasks."))),
            Err(failure) if failure.kind == FailureKind::Missing => Some(Event::Say(
                Tone::Attention,
                "The worker is not connected any more.".to_owned(),
            )),
            Err(failure) => {
                self.failure = Some(failure);
                None
            }
        }
    }

    /// What it shows.
    pub fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        let workers = &shared.fleet.workers;
        if !shared.fleet.known {
            return surface::page("Workers", Vec::new(), notice::unknown(&shared.link));
        }
        if workers.is_empty() {
            let advice = "Start one on this machine or another: orchestrator-worker --server URL";
            let empty = notice::empty(glyph::SERVER, "No worker is connected", advice, None);
            return surface::page("Workers", Vec::new(), empty);
        }
        let shown = self.machines.shown(workers);
        let list: Element<'a, Message> = if shown.is_empty() {
            notice::empty(
                glyph::SEARCH,
                "No worker is like that",
                "Names, labels and task types are searched.",
                Some(("Show all", Message::Filter(String::new()))),
            )
        } else {
            self.list(shown, shared)
        };
        // Something with and without a failure: the list would forget where it is scrolled to otherwise.
        let failure: Element<'a, Message> = match &self.failure {
            Some(failure) => container(notice::failure_line(failure))
                .padding(Padding::ZERO.bottom(gap::MEDIUM))
                .into(),
            None => space().into(),
        };
        let search = line("Name, label or task type", &self.machines.filter, Message::Filter).width(220.0);
        let content = column![failure, list];
        let page = surface::page("Workers", vec![Self::line(shared), search.into()], content);
        hotkeys(page, |key, _| match key {
            Key::Named(Named::Escape) if self.machines.confirming.is_some() => Some(Message::Keep),
            _ => None,
        })
    }

    fn line<'a>(shared: &Shared) -> Element<'a, Message> {
        let all = summary(&shared.fleet.workers);
        let draining = match all.draining {
            0 => String::new(),
            n => format!(" · {n} draining"),
        };
        let words = format!(
            "{} online{draining} · {} running on {} slots",
            all.online, all.running, all.slots
        );
        iced::widget::container(body(words).style(theme::text::muted))
            .padding([0.0, gap::SMALL])
            .into()
    }

    fn list<'a>(&'a self, shown: Vec<&'a orchestrator_protocol::Worker>, shared: &'a Shared) -> Element<'a, Message> {
        let confirming = self.machines.to_confirm(&shared.fleet.workers);
        responsive(move |room| {
            let cards = shown.iter().map(|worker| {
                let draining = self.draining == Some(worker.id);
                let asked = confirming == Some(worker.id);
                machine::card(worker, self.machines.running_on(worker.id), asked, draining, shared)
            });
            let across = ((room.width / 420.0) as usize).clamp(1, 4);
            let cards = grid(cards).columns(across).spacing(gap::LARGE).height(Length::Shrink);
            surface::scroll(cards).height(Length::Fill).into()
        })
        .into()
    }
}

async fn running(api: Api, later: bool) -> Result<Vec<orchestrator_protocol::Task>, Failure> {
    if later {
        api.sleep(PAUSE).await;
    }
    let filter = Filter {
        states: vec![TaskState::Running],
        children: true,
        ..Filter::default()
    };
    Ok(api.tasks(filter, RUNNING, None).await?.items)
}

#[cfg(test)]
mod tests;
