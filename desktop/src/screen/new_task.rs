//! The form of a new task.

mod fields;
mod form;
mod switch;

use std::{collections::BTreeMap, sync::Arc};

use iced::{
    Element, Task,
    widget::text_editor::{Action, Content, Edit},
};
use orchestrator_desktop_model::{
    Failure,
    form::{self as model, Field, Form, Wrong},
    list::Filter,
    schema::{Filled, Shape, Spot},
};
use orchestrator_protocol::{CheckpointFrequency, Json, Privacy, SideEffects, TaskId};

use super::{Event, Route, Shared};
use crate::connection::Api;

/// More than this is not laid out in a field: it would only make the field slow.
const LARGEST: usize = 256 * 1024;

/// The screen. What is written stays when one leaves it.
#[derive(Debug, Default)]
pub struct NewTaskForm {
    form: Form,
    description: Content,
    input: Content,
    sending: bool,
    /// Whether empty fields are mistakes already.
    tried: bool,
    failure: Option<Failure>,
    example: Example,
    /// What a worker announced of the type that is written, and its fields.
    schema: Option<Json>,
    shape: Option<Arc<Shape>>,
    /// Whether the person rather writes JSON.
    as_json: bool,
    /// Why what is written as JSON cannot be shown in fields.
    cannot: Option<String>,
    /// The fields of many lines.
    contents: BTreeMap<Spot, Content>,
    left: Option<switch::Left>,
}

/// The input of the newest task of the type.
#[derive(Debug, Clone, Default, PartialEq)]
enum Example {
    /// It was not asked for.
    #[default]
    Unknown,
    /// It is on its way.
    Asked,
    /// Why there is none.
    None(&'static str),
}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {
    /// A field was changed.
    Set(Field, String),
    /// What it is for was changed.
    Description(Action),
    /// What the agent gets was changed.
    Input(Action),
    /// A part of it was written, in a field of one line.
    Line(Spot, String),
    /// A part of it was written, in a field of many lines.
    Lines(Spot, Action),
    /// A part of it was chosen.
    Pick(Spot, Json),
    /// What has no field is to be dropped.
    DropUnshown,
    /// It is to be written in fields, or as JSON.
    AsJson(bool),
    /// The input is to be laid out.
    Tidy,
    /// The input of the newest task of the type is wanted.
    Example,
    /// It has come, or not.
    Exampled(String, Result<Option<Json>, Failure>),
    /// The priority was chosen.
    Priority(u8),
    /// Who may see it was chosen.
    Privacy(Privacy),
    /// How often to ask people was chosen.
    Checkpoints(CheckpointFrequency),
    /// What running it twice does was chosen.
    SideEffects(SideEffects),
    /// Everything is to be empty again.
    Clear,
    /// It is to be submitted.
    Submit,
    /// It was, or was not.
    Submitted(Result<TaskId, Failure>),
}

impl NewTaskForm {
    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, shared: &Shared) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Set(field, text) => {
                if field == Field::Type {
                    self.example = Example::Unknown;
                }
                self.set(field, text);
                self.learn(shared);
            }
            Message::Description(action) => {
                if write(&mut self.description, action) {
                    self.set(Field::Description, self.description.text());
                }
            }
            Message::Input(action) => {
                if write(&mut self.input, action) {
                    self.set(Field::Input, self.input.text());
                }
            }
            Message::Line(spot, text) => self.write_line(spot, text),
            Message::Lines(spot, action) => self.write_lines(spot, action),
            Message::Pick(spot, value) => self.changed(|fields| fields.pick(spot, value)),
            Message::DropUnshown => self.changed(Filled::drop_unshown),
            Message::AsJson(as_json) => {
                self.as_json = as_json;
                if as_json {
                    self.leave_fields();
                } else {
                    self.enter_fields();
                }
            }
            Message::Tidy => {
                if let Ok(input) = Json::parse(self.form.text(Field::Input).trim()) {
                    self.put_input(&input);
                }
            }
            Message::Example => return (self.ask(shared), None),
            Message::Exampled(of, result) if of == self.form.text(Field::Type).trim() => self.exampled(result),
            Message::Exampled(..) => {}
            Message::Priority(priority) => self.form.priority = priority,
            Message::Privacy(privacy) => self.form.privacy = privacy,
            Message::Checkpoints(checkpoints) => self.form.checkpoints = checkpoints,
            Message::SideEffects(side_effects) => self.form.side_effects = side_effects,
            Message::Clear => *self = Self::default(),
            Message::Submit => return (self.submit(shared), None),
            Message::Submitted(Ok(id)) => {
                *self = Self::default();
                return (Task::none(), Some(Event::Go(Route::Task(id))));
            }
            Message::Submitted(Err(failure)) => {
                self.sending = false;
                self.failure = Some(failure);
            }
        }
        (Task::none(), None)
    }

    /// What the server said of a field is old once the field is changed.
    fn set(&mut self, field: Field, text: String) {
        self.form.set(field, text);
        if field == Field::Input {
            self.cannot = None;
        }
        self.heard(field);
    }

    /// What the server said of a field is old.
    fn heard(&mut self, field: Field) {
        if let Some(failure) = &mut self.failure {
            let (wrong, _) = model::refused(failure);
            if wrong.contains_key(&field) {
                self.failure = None;
            }
        }
    }

    fn put_input(&mut self, input: &Json) {
        if let Some(fields) = &self.form.fields {
            if let Ok(fields) = Filled::read(fields.shape().clone(), input.get()) {
                self.put_fields(fields);
                self.heard(Field::Input);
                return;
            }
            self.leave_fields();
        }
        let text = model::pretty(input);
        self.input = Content::with_text(&text);
        self.set(Field::Input, text);
    }

    fn ask(&mut self, shared: &Shared) -> Task<Message> {
        let of = self.form.text(Field::Type).trim().to_owned();
        let Some(api) = shared.api.clone().filter(|_| !of.is_empty()) else {
            return Task::none();
        };
        self.example = Example::Asked;
        let asked = of.clone();
        Task::perform(newest(api, asked), move |result| Message::Exampled(of.clone(), result))
    }

    fn exampled(&mut self, result: Result<Option<Json>, Failure>) {
        self.example = match result {
            Ok(Some(input)) if input.get().len() > LARGEST => Example::None("The input of the last one is too large."),
            Ok(Some(input)) => {
                self.put_input(&input);
                Example::Unknown
            }
            Ok(None) => Example::None("There is no earlier task of this type."),
            Err(_) => Example::None("The last one cannot be asked for now."),
        };
    }

    fn submit(&mut self, shared: &Shared) -> Task<Message> {
        self.tried = true;
        let (Some(api), Ok(task), false) = (shared.api.clone(), self.form.task(), self.sending) else {
            return Task::none();
        };
        self.sending = true;
        self.failure = None;
        let submitted = async move { api.submit(task).await.map(|task| task.id) };
        Task::perform(submitted, Message::Submitted)
    }

    /// What is wrong: what the person sees at once, and what the server has said.
    fn wrong(&self) -> Wrong {
        let mut wrong = if self.tried {
            self.form.task().err().unwrap_or_default()
        } else {
            self.form.wrong_so_far()
        };
        if let Some(failure) = &self.failure {
            for (field, message) in model::refused(failure).0 {
                wrong.entry(field).or_insert(message);
            }
        }
        wrong
    }

    /// What it shows.
    pub fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        form::view(self, shared)
    }
}

/// Says whether the text has changed. A paste that is too large is not taken.
fn write(content: &mut Content, action: Action) -> bool {
    let edits = action.is_edit();
    if let Action::Edit(Edit::Paste(text)) = &action
        && text.len() > LARGEST
    {
        return false;
    }
    content.perform(action);
    edits
}

async fn newest(api: Api, task_type: String) -> Result<Option<Json>, Failure> {
    let filter = Filter {
        task_type,
        children: true,
        ..Filter::default()
    };
    let page = api.tasks(filter, 1, None).await?;
    Ok(page.items.into_iter().next().map(|task| task.input))
}

#[cfg(test)]
mod tests;
