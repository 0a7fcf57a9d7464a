//! What waits for people: an inbox, one decision after the other.

mod detail;
mod inbox;

use std::collections::BTreeMap;

use iced::{
    Element, Length, Task,
    keyboard::{Key, Modifiers, key::Named},
    widget::{Id, column, operation, row, text_editor::Action, text_editor::Content},
};
use orchestrator_desktop_model::{
    Failure, FailureKind, Tone, format,
    inbox::{Current, Inbox, missing, told},
};
use orchestrator_protocol::{Checkpoint, Decision, Event as Happened, TaskId, TaskState, Verdict};

use super::{Event, Route, Shared};
use crate::{
    connection::Api,
    theme::{gap, glyph},
    widget::{hotkeys::hotkeys, notice, surface},
};

/// How many lines of the work are shown before one asks for more, and how many more then.
const LINES: usize = 400;

/// The screen.
#[derive(Debug, Default)]
pub struct Checkpoints {
    inbox: Inbox,
    drafts: BTreeMap<TaskId, Content>,
    blank: Content,
    /// The one that is to be rejected, until the person confirms it.
    rejecting: Option<TaskId>,
    /// What did not work, and with which one.
    failure: Option<(TaskId, Failure)>,
    /// What is missing before corrections can be sent.
    missing: Option<(TaskId, &'static str)>,
    lines: Option<(TaskId, usize)>,
}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {
    /// A checkpoint was chosen.
    Choose(TaskId),
    /// The next one, or the one before.
    Step(bool),
    /// The feedback was changed.
    Write(TaskId, Action),
    /// Corrections are to be written, or sent when they are.
    Correct(TaskId),
    /// It is accepted.
    Accept(TaskId),
    /// It is to be rejected: a second time means it.
    Reject(TaskId),
    /// It is not to be rejected after all.
    Keep,
    /// The decision was taken, or not.
    Decided(TaskId, Verdict, String, Result<(), Refusal>),
    /// The task that asks is to be shown.
    Show(TaskId),
    /// More lines of the work are wanted.
    More(TaskId),
    /// The work is to be copied.
    Copy(TaskId),
}

/// Why a decision was not taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// It waits no more: what was decided, where somebody has.
    Late(Option<Verdict>),
    /// It may still wait.
    Failed(Failure),
}

impl Checkpoints {
    /// The screen comes up, at a checkpoint if one is named.
    pub fn enter(&mut self, chosen: Option<TaskId>) {
        self.inbox.enter(chosen);
    }

    /// Something happened, wherever one is: a task that has ended will not ask again.
    pub fn happen(&mut self, events: &[Happened]) {
        for event in events {
            if let (Some(id), Some(state)) = (event.task_id, event.body.state)
                && state.is_terminal()
            {
                self.inbox.ended(id);
            }
        }
    }

    /// Whether a checkpoint shows what was revised as the person wanted.
    pub fn is_revision(&self, checkpoint: &Checkpoint) -> bool {
        self.inbox.correction(checkpoint).is_some()
    }

    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, shared: &Shared) -> (Task<Message>, Option<Event>) {
        let all = &shared.fleet.checkpoints;
        if !matches!(message, Message::Reject(_) | Message::Decided(..)) {
            self.rejecting = None;
        }
        match message {
            Message::Choose(id) => self.inbox.choose(id),
            Message::Step(forward) => self.inbox.step(all, forward),
            Message::Write(id, action) => {
                self.inbox.choose(id);
                if action.is_edit() {
                    self.missing = None;
                }
                self.drafts.entry(id).or_default().perform(action);
            }
            Message::Correct(id) => {
                if let Some(what) = missing(Verdict::Correct, &self.feedback(id)) {
                    self.inbox.choose(id);
                    // The first time the field is only gone to: nothing is wrong yet.
                    self.missing = self.drafts.contains_key(&id).then_some((id, what));
                    self.drafts.entry(id).or_default();
                    return (operation::focus(feedback_id()), None);
                }
                return (self.decide(id, Verdict::Correct, shared), None);
            }
            Message::Accept(id) => return (self.decide(id, Verdict::Accept, shared), None),
            Message::Reject(id) if self.rejecting == Some(id) => {
                return (self.decide(id, Verdict::Reject, shared), None);
            }
            Message::Reject(id) => self.rejecting = Some(id),
            Message::Keep => {}
            Message::Decided(id, verdict, question, result) => {
                return (Task::none(), Some(self.decided(id, verdict, &question, result)));
            }
            Message::Show(id) => return (Task::none(), Some(Event::Go(Route::Task(id)))),
            Message::More(id) => self.lines = Some((id, self.lines(id) * 4)),
            Message::Copy(id) => {
                let found = all.iter().find(|checkpoint| checkpoint.task.id == id);
                return (Task::none(), found.map(|checkpoint| Event::Copy(plain(checkpoint))));
            }
        }
        (Task::none(), None)
    }

    fn feedback(&self, id: TaskId) -> String {
        self.drafts
            .get(&id)
            .map(|draft| draft.text().trim().to_owned())
            .unwrap_or_default()
    }

    fn lines(&self, id: TaskId) -> usize {
        self.lines.filter(|(of, _)| *of == id).map_or(LINES, |(_, lines)| lines)
    }

    /// Sends a decision; the next checkpoint comes up at once.
    fn decide(&mut self, id: TaskId, verdict: Verdict, shared: &Shared) -> Task<Message> {
        let all = &shared.fleet.checkpoints;
        let is_open = self.inbox.waiting(all).iter().any(|open| open.task.id == id);
        let (Some(api), true) = (shared.api.clone(), is_open) else {
            return Task::none();
        };
        let question = all.iter().find(|checkpoint| checkpoint.task.id == id);
        let question = question.map_or_else(String::new, |checkpoint| format::first_line(&checkpoint.question, 60));
        let decision = Decision {
            decision: verdict,
            feedback: self.feedback(id),
        };
        self.rejecting = None;
        self.missing = None;
        self.failure = None;
        self.inbox.send(id, &decision, all);
        Task::perform(send(api, id, decision), move |result| {
            Message::Decided(id, verdict, question.clone(), result)
        })
    }

    fn decided(&mut self, id: TaskId, verdict: Verdict, question: &str, result: Result<(), Refusal>) -> Event {
        match result {
            Ok(()) => {
                self.drafts.remove(&id);
                let then = match verdict {
                    Verdict::Correct => "\nThe revision comes up here when the agent has it.",
                    Verdict::Accept | Verdict::Reject => "",
                };
                Event::Say(Tone::Good, format!("{}: {question}{then}", told(verdict)))
            }
            Err(Refusal::Late(other)) => {
                self.drafts.remove(&id);
                let what = other.map_or_else(
                    || "It waits no more".to_owned(),
                    |verdict| format!("Somebody else was first – {}", told(verdict).to_lowercase()),
                );
                Event::Say(Tone::Attention, format!("{what}: {question}"))
            }
            Err(Refusal::Failed(failure)) => {
                self.inbox.take_back(id);
                let words = format!("Not sent: {question}");
                self.failure = Some((id, failure));
                Event::Say(Tone::Bad, words)
            }
        }
    }

    /// What it shows.
    pub fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        if !shared.fleet.known {
            return surface::page("Checkpoints", Vec::new(), notice::unknown(&shared.link));
        }
        let waiting = self.inbox.waiting(&shared.fleet.checkpoints);
        let current = self.inbox.current(&shared.fleet.checkpoints);
        let open = match current {
            Current::Open(checkpoint) => Some(checkpoint.task.id),
            _ => None,
        };
        let right = match current {
            Current::Nothing => return surface::page("Checkpoints", Vec::new(), self.nothing(shared)),
            Current::Gone(_) => detail::gone(waiting.is_empty()),
            Current::Open(checkpoint) => detail::view(self, checkpoint, shared),
        };
        let narrow = shared.is_narrow();
        let list = inbox::view(&waiting, open, &self.inbox, shared).width(if narrow { 236.0 } else { 280.0 });
        let left = match waiting.len() {
            1 => "1 waits".to_owned(),
            n => format!("{n} wait"),
        };
        let left = match self.inbox.awaited(&shared.fleet.checkpoints).len() {
            0 => left,
            n => format!("{left} · {n} sent back"),
        };
        let count = crate::widget::body(left).style(crate::theme::text::muted);
        let page = surface::page(
            "Checkpoints",
            vec![count.into()],
            row![list, column![right].width(Length::Fill)]
                .spacing(gap::LARGE)
                .height(Length::Fill),
        );
        hotkeys(page, move |key, modifiers| self.key(key, modifiers, open))
    }

    /// What is said while nothing waits: of what was sent back, where it comes again.
    fn nothing(&self, shared: &Shared) -> Element<'_, Message> {
        match self.inbox.awaited(&shared.fleet.checkpoints)[..] {
            [] => notice::empty(
                glyph::INBOX,
                "Nothing waits for you",
                "When an agent asks for a decision, it comes up here by itself.",
                None,
            ),
            [(asker, _)] => notice::empty(
                glyph::HOURGLASS,
                "Sent back with your corrections",
                "The agent works on them. When it asks again, the revision comes up here by itself.",
                Some(("Show its task", Message::Show(asker))),
            ),
            _ => notice::empty(
                glyph::HOURGLASS,
                "Sent back with your corrections",
                "The agents work on them. When they ask again, the revisions come up here by themselves.",
                None,
            ),
        }
    }

    fn key(&self, key: Key<&str>, modifiers: Modifiers, open: Option<TaskId>) -> Option<Message> {
        if modifiers.command() || modifiers.alt() {
            return None;
        }
        match (key, open) {
            (Key::Named(Named::ArrowDown) | Key::Character("j"), _) | (Key::Named(Named::Enter), None) => {
                Some(Message::Step(true))
            }
            (Key::Named(Named::ArrowUp) | Key::Character("k"), _) => Some(Message::Step(false)),
            (Key::Character("a"), Some(id)) => Some(Message::Accept(id)),
            (Key::Character("c"), Some(id)) => Some(Message::Correct(id)),
            (Key::Character("r"), Some(id)) => Some(Message::Reject(id)),
            (Key::Character("o"), Some(id)) => Some(Message::Show(id)),
            (Key::Named(Named::Escape), Some(_)) if self.rejecting.is_some() => Some(Message::Keep),
            _ => None,
        }
    }
}

fn feedback_id() -> Id {
    Id::new("feedback")
}

/// The work as it is copied: a text as itself, anything else as JSON.
fn plain(checkpoint: &Checkpoint) -> String {
    let content = &checkpoint.content;
    content
        .to::<String>()
        .unwrap_or_else(|_| orchestrator_desktop_model::form::pretty(content))
}

async fn send(api: Api, id: TaskId, decision: Decision) -> Result<(), Refusal> {
    let Err(failure) = api.decide(id, decision).await else {
        return Ok(());
    };
    match failure.kind {
        FailureKind::Missing => Err(Refusal::Late(None)),
        // Refused since it is decided already? Then say by what.
        FailureKind::Refused => match api.task(id).await {
            Ok(task) if task.state != TaskState::Waiting => {
                let decision = task.output.and_then(|output| output.to::<Decision>().ok());
                Err(Refusal::Late(decision.map(|decision| decision.decision)))
            }
            _ => Err(Refusal::Failed(failure)),
        },
        _ => Err(Refusal::Failed(failure)),
    }
}

#[cfg(test)]
mod tests;
