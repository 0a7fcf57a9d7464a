//! The rows, and what is above them.

use iced::{
    Alignment, Element, Length, Task,
    widget::{Id, checkbox, column, container, operation, progress_bar, row},
};
use orchestrator_desktop_model::{Tone, format, list::Row, look};
use orchestrator_protocol::TaskState;

use super::{Message, Tasks};
use crate::{
    screen::Shared,
    theme::{self, font, gap},
    widget::{body, one_line, rows, small, state, surface},
};

/// The height of a row.
pub(super) const ROW: f32 = 38.0;

const TABLE: Id = Id::new("tasks");

/// Scrolls so that this is at the top.
pub(super) fn scroll_to(offset: f32) -> Task<Message> {
    operation::scroll_to(
        TABLE,
        operation::AbsoluteOffset {
            x: None,
            y: Some(offset),
        },
    )
}

/// Which columns there is room for.
#[derive(Debug, Clone, Copy)]
struct Columns {
    kind: bool,
    labels: bool,
    cost: bool,
}

impl Columns {
    fn of(width: f32) -> Self {
        Self {
            kind: width > 860.0,
            labels: width > 1_500.0,
            cost: width > 1_080.0,
        }
    }
}

const CHOICE: f32 = 20.0;
const STATE: f32 = 136.0;
const KIND: f32 = 170.0;
const LABELS: f32 = 240.0;
const COST: f32 = 84.0;
const TOOK: f32 = 84.0;
const AGE: f32 = 78.0;

impl Tasks {
    pub(super) fn table<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        let columns = Columns::of(shared.size.width);
        let all = self.list.rows();
        let window = rows::window(all.len(), ROW, self.scrolled);
        let shown = all[window.clone()]
            .iter()
            .map(|one| (one.id, self.row(one, columns, shared)));
        let list = rows::rows(TABLE, all.len(), ROW, &window, shown, Message::Scrolled);
        container(column![self.head(columns), surface::line(), list])
            .height(Length::Fill)
            .padding(1.0)
            .style(theme::container::card)
            .into()
    }

    fn head(&self, columns: Columns) -> Element<'_, Message> {
        let word = |word: &'static str, width: Length| {
            container(small(word).font(font::MEDIUM).style(theme::text::faint)).width(width)
        };
        let right = |name, width: f32| word(name, width.into()).align_x(Alignment::End);
        let chosen = self.list.chosen();
        let tick = checkbox(chosen > 0)
            .on_toggle(Message::ChooseAll)
            .size(15.0)
            .style(theme::checkbox::tick);
        row![
            container(tick).width(CHOICE),
            word("State", STATE.into()),
            word("Task", Length::Fill)
        ]
        .push(columns.kind.then(|| word("Type", KIND.into())))
        .push(columns.labels.then(|| word("Labels", LABELS.into())))
        .push(columns.cost.then(|| right("Cost", COST)))
        .push(right("Took", TOOK))
        .push(right("Age", AGE))
        .spacing(gap::MEDIUM)
        .padding([9.0, gap::LARGE])
        .align_y(Alignment::Center)
        .into()
    }

    fn row<'a>(&'a self, one: &'a Row, columns: Columns, shared: &Shared) -> Element<'a, Message> {
        let id = one.id;
        let chosen = self.list.is_chosen(id);
        let tick = checkbox(chosen)
            .on_toggle(move |_| Message::Choose(id))
            .size(15.0)
            .style(theme::checkbox::tick);
        let cell = |content: iced::widget::Text<'a>, width: f32| container(one_line(content)).width(width).clip(true);
        let right =
            |words: String, width: f32| cell(body(words).style(theme::text::muted), width).align_x(Alignment::End);
        let took = one
            .started_at
            .map(|from| one.finished_at.unwrap_or(shared.now).since(from));
        let name = container(one_line(body(&*one.name).font(font::MEDIUM)))
            .width(Length::Fill)
            .clip(true);
        let labels = columns.labels.then(|| {
            let chips = one
                .labels
                .iter()
                .take(3)
                .map(|label| surface::chip(format::clip(label, 24)));
            container(row(chips).spacing(gap::TINY)).width(LABELS).clip(true)
        });
        let cost = if one.cost.as_nanos() == 0 {
            String::new()
        } else {
            format::money(one.cost)
        };
        let content = row![
            container(tick).width(CHOICE),
            container(Self::state(one)).width(STATE).clip(true),
            name
        ]
        .push(
            columns
                .kind
                .then(|| cell(body(&*one.task_type).style(theme::text::muted), KIND)),
        )
        .push(labels)
        .push(columns.cost.then(|| right(cost, COST)))
        .push(right(took.map_or_else(String::new, format::duration), TOOK))
        .push(right(format::ago(one.created_at, shared.now), AGE))
        .spacing(gap::MEDIUM)
        .height(Length::Fill)
        .align_y(Alignment::Center);
        iced::widget::button(content)
            .padding([0.0, gap::LARGE])
            .height(ROW)
            .width(Length::Fill)
            .style(theme::button::row(chosen || self.at == Some(id)))
            .on_press(Message::Open(id))
            .into()
    }

    fn state<'a>(one: &Row) -> Element<'a, Message> {
        match one.progress.filter(|_| one.state == TaskState::Running) {
            None => state::badge(look::task(one.state)),
            Some(done) => {
                let bar = progress_bar(0.0..=1.0, done as f32).girth(3.0).length(100.0);
                let bar = bar.style(theme::container::progress(Tone::Active));
                column![state::badge(look::task(one.state)), bar].spacing(2.0).into()
            }
        }
    }
}
