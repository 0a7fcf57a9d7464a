//! One task with everything below it.

use std::sync::Arc;

use iced::{
    Element, Subscription, Task,
    widget::{column, row},
};
use orchestrator_desktop_model::{
    Link, format,
    tree::{Snapshot, TaskTree},
};
use orchestrator_protocol::TaskId;

use super::{Event, Route, Shared};
use crate::{
    connection::{self, Update},
    theme::{self, gap},
    widget::{body, mono, notice, state, surface},
};

/// The screen.
#[derive(Debug)]
pub struct TaskScreen {
    tree: TaskTree,
    link: Link,
}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {
    /// What the task's own connection says.
    Told(Update<Snapshot>),
    /// Another task of the tree was chosen.
    Open(TaskId),
    /// Back to where one was.
    Back,
}

impl TaskScreen {
    /// The screen of a task.
    pub fn new(id: TaskId) -> Self {
        Self {
            tree: TaskTree::new(id),
            link: Link::Connecting,
        }
    }

    /// Which task it shows.
    pub fn id(&self) -> TaskId {
        self.tree.id
    }

    /// What it listens to.
    pub fn subscription(&self, shared: &Shared) -> Subscription<Message> {
        match &shared.api {
            Some(api) => connection::tree(api, self.tree.id).map(Message::Told),
            None => Subscription::none(),
        }
    }

    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, shared: &Shared) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Told(Update::Opened(snapshot)) => {
                self.link = Link::Live;
                self.tree.open(*snapshot);
            }
            Message::Told(Update::Happened(events)) => {
                let events: Arc<[_]> = events;
                events.iter().for_each(|event| self.tree.happen(event));
            }
            Message::Told(Update::Lost(reason)) => self.link.lose(reason, shared.now),
            Message::Told(Update::Ended(failure)) => self.link = Link::Ended(failure),
            Message::Open(id) => return (Task::none(), Some(Event::Go(Route::Task(id)))),
            Message::Back => return (Task::none(), Some(Event::Back)),
        }
        (Task::none(), None)
    }

    /// What it shows.
    pub fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        let content = match (self.tree.task(), &self.link) {
            (_, Link::Ended(failure)) => notice::failed(failure, Some(("Back", Message::Back))),
            (None, _) => notice::loading("Asking the server…"),
            (Some(task), _) => column![
                row![
                    state::task(task.state),
                    surface::chip(&task.task_type),
                    mono(task.id.to_string())
                ]
                .spacing(gap::MEDIUM),
                body(&task.description),
                body(format::ago(task.created_at, shared.now)).style(theme::text::muted),
            ]
            .spacing(gap::MEDIUM)
            .into(),
        };
        surface::page("Task", Vec::new(), content)
    }
}
