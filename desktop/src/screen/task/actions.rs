//! What can be done to a task.

use iced::{
    Alignment, Element, Length, Task,
    widget::{Row, column, container, mouse_area, opaque, row},
};
use orchestrator_desktop_model::{Failure, tree};
use orchestrator_protocol::TaskState;

use super::{Message, TaskScreen};
use crate::{
    connection::Api,
    screen::Shared,
    theme::{self, gap, glyph},
    widget::{
        body,
        button::{self, Kind},
        heading,
    },
};

/// What can be done to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// End it and everything below it.
    Cancel,
    /// Run it again, from its finished steps.
    Retry,
    /// Start nothing more of it.
    Pause,
    /// Let it go on.
    Resume,
}

impl Action {
    /// Whether it needs no question before it.
    pub(super) const fn is_harmless(self) -> bool {
        !matches!(self, Self::Cancel)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Cancel => "Cancel",
            Self::Retry => "Retry",
            Self::Pause => "Pause",
            Self::Resume => "Resume",
        }
    }

    /// What is said once it is done.
    pub(super) const fn done(self) -> &'static str {
        match self {
            Self::Cancel => "Cancelled.",
            Self::Retry => "It runs again, from its finished steps.",
            Self::Pause => "Paused: nothing more of it is started.",
            Self::Resume => "It goes on.",
        }
    }

    const fn glyph(self) -> char {
        match self {
            Self::Cancel => glyph::BAN,
            Self::Retry => glyph::ROTATE_CCW,
            Self::Pause => glyph::PAUSE,
            Self::Resume => glyph::PLAY,
        }
    }

    /// What can be done to a task in a state.
    fn of(state: TaskState) -> &'static [Self] {
        match state {
            TaskState::Blocked | TaskState::Scheduled | TaskState::Ready | TaskState::Running | TaskState::Waiting => {
                &[Self::Pause, Self::Cancel]
            }
            TaskState::Paused => &[Self::Resume, Self::Cancel],
            TaskState::NeedsAttention => &[Self::Retry, Self::Cancel],
            TaskState::Failed | TaskState::Cancelled => &[Self::Retry],
            TaskState::Succeeded => &[],
        }
    }

    async fn perform(self, api: Api, id: orchestrator_protocol::TaskId) -> Result<(), Failure> {
        match self {
            Self::Cancel => api.cancel(id).await,
            Self::Retry => api.retry(id).await,
            Self::Pause => api.pause(id).await,
            Self::Resume => api.resume(id).await,
        }
        .map(drop)
    }
}

impl TaskScreen {
    pub(super) fn act(&mut self, action: Action, shared: &Shared) -> Task<Message> {
        self.confirming = None;
        self.failure = None;
        let Some(api) = shared.api.clone() else {
            return Task::none();
        };
        Task::perform(action.perform(api, self.chosen), move |done| {
            Message::Done(action, done)
        })
    }
}

/// The buttons. Of a task below the one that is shown, they say whose they are.
pub(super) fn bar<'a>(task: &orchestrator_protocol::Task, is_top: bool) -> Row<'a, Message> {
    let whose = (!is_top && !Action::of(task.state).is_empty()).then(|| {
        let name = orchestrator_desktop_model::format::clip(&tree::name(task), 24);
        body(format!("{name}:")).style(theme::text::faint)
    });
    let buttons = Action::of(task.state).iter().map(|action| {
        let kind = match action {
            Action::Cancel => Kind::Danger,
            _ => Kind::Secondary,
        };
        button::with_icon(kind, action.glyph(), action.word(), Some(Message::Ask(*action)))
    });
    row(whose.map(Element::from))
        .extend(buttons)
        .spacing(gap::SMALL)
        .align_y(Alignment::Center)
}

/// The question before something that cannot be taken back.
pub(super) fn confirm<'a>(action: Action, task: &orchestrator_protocol::Task, below: usize) -> Element<'a, Message> {
    let name = orchestrator_desktop_model::format::clip(&tree::name(task), 60);
    let words = match below {
        0 => format!("“{name}” ends. What it has finished is kept, and it can be run again from there."),
        _ => format!(
            "“{name}” and everything below it end. What is finished is kept, and it can be run again from there."
        ),
    };
    let question = column![
        heading("Cancel this task?"),
        body(words).style(theme::text::muted),
        row![
            crate::widget::fill(),
            button::secondary("Keep it", Some(Message::Dismiss)),
            button::danger("Cancel the task", Some(Message::Do(action))),
        ]
        .spacing(gap::SMALL)
    ]
    .spacing(gap::LARGE)
    .max_width(440.0);
    let card = container(question).padding(gap::HUGE).style(theme::container::overlay);
    let veil = container(opaque(card))
        .center_x(Length::Fill)
        .center_y(Length::Fill)
        .style(theme::container::veil);
    opaque(mouse_area(veil).on_press(Message::Dismiss))
}
