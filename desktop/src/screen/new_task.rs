//! The form of a new task.

use iced::{
    Element, Task,
    widget::{column, row},
};
use orchestrator_desktop_model::Failure;
use orchestrator_protocol::{Json, NewTask, TaskId};

use super::{Event, Route, Shared};
use crate::{
    theme::gap,
    widget::{
        button,
        field::{field, line},
        notice, surface,
    },
};

/// The screen.
#[derive(Debug, Default)]
pub struct NewTaskForm {
    task_type: String,
    description: String,
    input: String,
    failure: Option<Failure>,
}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {
    /// The task's type was changed.
    Type(String),
    /// What it is for was changed.
    Description(String),
    /// What the agent gets was changed.
    Input(String),
    /// It is to be submitted.
    Submit,
    /// It was, or was not.
    Submitted(Result<TaskId, Failure>),
}

impl NewTaskForm {
    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, shared: &Shared) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Type(text) => self.task_type = text,
            Message::Description(text) => self.description = text,
            Message::Input(text) => self.input = text,
            Message::Submit => {
                if let (Some(api), Ok(input)) = (shared.api.clone(), self.input()) {
                    let mut task = NewTask::new(self.task_type.trim(), input);
                    self.description.clone_into(&mut task.description);
                    let submitted = async move { api.submit(task).await.map(|task| task.id) };
                    return (Task::perform(submitted, Message::Submitted), None);
                }
            }
            Message::Submitted(Ok(id)) => {
                *self = Self::default();
                return (Task::none(), Some(Event::Go(Route::Task(id))));
            }
            Message::Submitted(Err(failure)) => self.failure = Some(failure),
        }
        (Task::none(), None)
    }

    fn input(&self) -> Result<Json, String> {
        if self.input.trim().is_empty() {
            return Ok(Json::NULL);
        }
        Json::parse(self.input.trim()).map_err(|error| format!("This is not JSON: {error}"))
    }

    /// What it shows.
    pub fn view<'a>(&'a self, _shared: &'a Shared) -> Element<'a, Message> {
        let wrong = self.input().err();
        let ready = wrong.is_none() && !self.task_type.trim().is_empty();
        let failure = self.failure.as_ref();
        let form = column(failure.map(notice::failure_line))
            .push(field(
                "Type",
                "Which agent runs it.",
                failure.and_then(|failure| failure.field("task_type")),
                line("code_review", &self.task_type, Message::Type),
            ))
            .push(field(
                "Description",
                "",
                None,
                line("What it is for", &self.description, Message::Description),
            ))
            .push(field(
                "Input",
                if wrong.is_some() {
                    "This is not JSON yet."
                } else {
                    "JSON"
                },
                None,
                line("{}", &self.input, Message::Input),
            ))
            .push(row![button::primary("Create", ready.then_some(Message::Submit))]);
        surface::page("New task", Vec::new(), form.spacing(gap::LARGE).max_width(640.0))
    }
}
