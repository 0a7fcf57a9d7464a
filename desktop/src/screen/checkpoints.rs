//! What waits for people.

use iced::{
    Element, Length, Task,
    widget::{column, row},
};
use orchestrator_desktop_model::{Failure, Tone, format};
use orchestrator_protocol::{Checkpoint, Decision, TaskId, Verdict};

use super::{Event, Route, Shared};
use crate::{
    theme::{self, gap, glyph},
    widget::{body, button, fill, heading, mono, notice, surface},
};

/// The screen.
#[derive(Debug, Default)]
pub struct Checkpoints {
    chosen: Option<TaskId>,
    failure: Option<Failure>,
}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {
    /// A checkpoint was chosen.
    Choose(TaskId),
    /// The person decided.
    Decide(TaskId, Verdict),
    /// The decision was taken, or not.
    Decided(Result<(), Failure>),
    /// The task that asks is to be shown.
    Show(TaskId),
}

impl Checkpoints {
    /// The screen comes up, at a checkpoint if one is named.
    pub fn enter(&mut self, chosen: Option<TaskId>) {
        self.chosen = chosen.or(self.chosen);
    }

    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, shared: &Shared) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Choose(id) => self.chosen = Some(id),
            Message::Decide(id, verdict) => {
                let Some(api) = shared.api.clone() else {
                    return (Task::none(), None);
                };
                let decision = Decision {
                    decision: verdict,
                    feedback: String::new(),
                };
                let decided = async move { api.decide(id, decision).await.map(drop) };
                return (Task::perform(decided, Message::Decided), None);
            }
            Message::Decided(Ok(())) => {
                self.failure = None;
                return (
                    Task::none(),
                    Some(Event::Say(Tone::Good, "The decision is on its way.".to_owned())),
                );
            }
            Message::Decided(Err(failure)) => self.failure = Some(failure),
            Message::Show(id) => return (Task::none(), Some(Event::Go(Route::Task(id)))),
        }
        (Task::none(), None)
    }

    /// What it shows.
    pub fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        let all = &shared.fleet.checkpoints;
        let content = if all.is_empty() {
            notice::empty(
                glyph::INBOX,
                "Nothing waits for you",
                "When an agent asks, it comes up here.",
                None,
            )
        } else {
            let failure = self.failure.as_ref().map(notice::failure_line);
            let cards = all.iter().map(|checkpoint| card(checkpoint, shared));
            column(failure)
                .push(surface::scroll(column(cards).spacing(gap::MEDIUM)))
                .spacing(gap::MEDIUM)
                .into()
        };
        surface::page("Checkpoints", Vec::new(), content)
    }
}

fn card<'a>(checkpoint: &'a Checkpoint, shared: &Shared) -> Element<'a, Message> {
    let id = checkpoint.task.id;
    let decide = |verdict| Some(Message::Decide(id, verdict));
    let parent = checkpoint.task.parent_id.map(Message::Show);
    let content = column![
        row![
            heading(&checkpoint.question).width(Length::Fill),
            body(format::ago(checkpoint.task.created_at, shared.now)).style(theme::text::faint)
        ],
        mono(checkpoint.content.get()),
        row![
            button::primary("Accept", decide(Verdict::Accept)),
            button::danger("Reject", decide(Verdict::Reject)),
            fill(),
            button::ghost("Show the task", parent),
        ]
        .spacing(gap::SMALL),
    ];
    surface::plain_card(content.spacing(gap::MEDIUM))
}
