//! What happened in the tree, line by line.

use iced::{
    Alignment, Element, Length, Task,
    widget::{Id, container, row},
};
use orchestrator_desktop_model::{format, look, tree, tree::TaskTree};
use orchestrator_protocol::{Event, EventType};

use crate::{
    screen::Shared,
    theme::{self, font, gap, glyph},
    widget::{
        body, icon, mono, notice, one_line,
        rows::{self, Scrolled},
        state,
    },
};

const ROW: f32 = 26.0;

/// How far it is scrolled.
#[derive(Debug, Default)]
pub(super) struct History {
    scrolled: Scrolled,
}

/// What happens there.
#[derive(Debug, Clone)]
pub enum Message {
    /// It was scrolled.
    Scrolled(Scrolled),
}

impl History {
    pub(super) fn update(&mut self, message: &Message) -> Task<super::Message> {
        let Message::Scrolled(scrolled) = message;
        self.scrolled = *scrolled;
        Task::none()
    }

    pub(super) fn view<'a>(&'a self, tree: &'a TaskTree, shared: &'a Shared) -> Element<'a, Message> {
        let all = &tree.history;
        if all.is_empty() {
            return super::pane(notice::empty(glyph::HISTORY, "Nothing has happened yet", "", None));
        }
        // The newest first.
        let window = rows::window(all.len(), ROW, self.scrolled);
        let shown = window.clone().map(|n| {
            let event = &all[all.len() - 1 - n];
            (event.seq.0, line(event, tree, shared))
        });
        let shown: Vec<_> = shown.collect();
        super::pane(rows::rows(
            Id::new("history"),
            all.len(),
            ROW,
            &window,
            shown.into_iter(),
            Message::Scrolled,
        ))
    }
}

fn line<'a>(event: &'a Event, tree: &'a TaskTree, shared: &'a Shared) -> Element<'a, Message> {
    let name = event
        .task_id
        .and_then(|id| tree.tasks.get(&id))
        .map(tree::name)
        .unwrap_or_default();
    let mark = match (event.kind, event.body.state) {
        (EventType::TaskState, Some(of)) => state::mark(look::task(of)),
        (kind, _) => icon(glyph_of(kind)).size(15.0).style(theme::text::faint),
    };
    let content = row![
        mono(format::time_of_day(event.at, &shared.zone)).style(theme::text::faint),
        mark,
        container(one_line(body(format::clip(&name, 36)).font(font::MEDIUM)))
            .width(230.0)
            .clip(true),
        one_line(body(told(event)).style(theme::text::muted)).width(Length::Fill),
    ]
    .spacing(gap::MEDIUM)
    .align_y(Alignment::Center);
    container(content)
        .height(ROW)
        .padding([0.0, gap::MEDIUM])
        .width(Length::Fill)
        .align_y(Alignment::Center)
        .clip(true)
        .into()
}

const fn glyph_of(kind: EventType) -> char {
    match kind {
        EventType::TaskCreated => glyph::PLUS,
        EventType::TaskStep => glyph::CHECK,
        EventType::TaskUsage => glyph::DOLLAR_SIGN,
        EventType::CheckpointOpened => glyph::HAND,
        EventType::CheckpointDecided => glyph::USER_CHECK,
        EventType::Evaluation => glyph::STAR,
        _ => glyph::CIRCLE,
    }
}

/// An event in words.
fn told(event: &Event) -> String {
    let body = &event.body;
    let why = body.text.as_deref().filter(|text| !text.is_empty());
    match event.kind {
        EventType::TaskCreated => format!("submitted as {}", body.task_type.as_deref().unwrap_or("a task")),
        EventType::TaskState => {
            let word = body
                .state
                .map_or("changed", |state| look::task(state).word)
                .to_lowercase();
            let error = body.error.as_ref().map(|error| error.message.as_str());
            let attempt = body
                .attempt
                .filter(|n| *n > 1)
                .map(|n| format!(", attempt {n}"))
                .unwrap_or_default();
            let more = error
                .or(why)
                .map(|why| format!(": {}", format::first_line(why, 200)))
                .unwrap_or_default();
            format!("{word}{attempt}{more}")
        }
        EventType::TaskStep => format!("finished the step {}", body.step.as_deref().unwrap_or_default()),
        EventType::TaskUsage => body.usage.as_ref().map_or_else(String::new, |usage| {
            format!(
                "spent {} and {} tokens",
                format::money(usage.cost_usd),
                format::count(usage.tokens())
            )
        }),
        EventType::CheckpointOpened => "asks a person".to_owned(),
        EventType::CheckpointDecided => body.decision.as_ref().map_or_else(
            || "was decided".to_owned(),
            |decision| {
                let feedback = format::first_line(&decision.feedback, 160);
                let colon = if feedback.is_empty() { "" } else { ": " };
                format!("was decided, {:?}{colon}{feedback}", decision.decision).to_lowercase()
            },
        ),
        _ => event.kind.as_str().replace('_', " "),
    }
}
