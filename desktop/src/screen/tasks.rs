//! The list of tasks.

use iced::{
    Element, Length, Task,
    widget::{column, row},
};
use orchestrator_desktop_model::{
    Failure, format,
    list::{Filter, List},
};
use orchestrator_protocol::{Page, TaskId};

use super::{Event, Route, Shared};
use crate::{
    theme::{self, gap, glyph},
    widget::{body, mono, notice, state, surface},
};

/// The screen.
#[derive(Debug, Default)]
pub struct Tasks {
    filter: Filter,
    list: List,
    failure: Option<Failure>,
}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {
    /// A first page has come, or not.
    Listed(Result<Page<orchestrator_protocol::Task>, Failure>),
    /// A task was chosen.
    Open(TaskId),
}

impl Tasks {
    /// The screen comes up.
    pub fn enter(&mut self, shared: &Shared) -> Task<Message> {
        let Some(api) = shared.api.clone() else {
            return Task::none();
        };
        let filter = self.filter.clone();
        Task::perform(async move { api.tasks(filter, 100, None).await }, Message::Listed)
    }

    /// Lists what this filter lets through from now on.
    pub fn set_filter(&mut self, filter: Filter) {
        self.filter = filter;
        self.list = List::default();
    }

    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, _shared: &Shared) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Listed(Ok(page)) => self.list.first(page),
            Message::Listed(Err(failure)) => self.failure = Some(failure),
            Message::Open(id) => return (Task::none(), Some(Event::Go(Route::Task(id)))),
        }
        (Task::none(), None)
    }

    /// Something happened in the fleet.
    pub fn happen(&mut self, events: &[orchestrator_protocol::Event], shared: &Shared) -> Task<Message> {
        let again = events
            .iter()
            .fold(false, |again, event| self.list.happen(event) | again);
        if again { self.enter(shared) } else { Task::none() }
    }

    /// What it shows.
    pub fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        let content = match &self.failure {
            Some(failure) => notice::failed(failure, None),
            None if !self.list.known => notice::loading("Asking the server…"),
            None if self.list.rows.is_empty() => notice::empty(
                glyph::LIST_CHECKS,
                "No tasks",
                "Tasks that are submitted come up here.",
                None,
            ),
            None => surface::scroll(column(self.list.rows.iter().map(|task| line(task, shared)))).into(),
        };
        surface::page("Tasks", Vec::new(), content)
    }
}

fn line<'a>(task: &'a orchestrator_protocol::Task, shared: &Shared) -> Element<'a, Message> {
    let cells = row![
        iced::widget::container(state::task(task.state)).width(140.0),
        body(&task.task_type).width(160.0),
        body(format::first_line(&task.description, 120)).width(Length::Fill),
        mono(format::ago(task.created_at, shared.now)).style(theme::text::faint),
    ];
    iced::widget::button(cells.spacing(gap::MEDIUM))
        .style(theme::button::row(false))
        .padding([gap::SMALL, gap::MEDIUM])
        .on_press(Message::Open(task.id))
        .into()
}
