//! The list of what waits.

use iced::{
    Element, Length,
    widget::{Container, button, column, container, row, text::Wrapping},
};
use orchestrator_desktop_model::{
    Tone, format,
    inbox::{self, Inbox},
};
use orchestrator_protocol::{Checkpoint, TaskId};

use super::Message;
use crate::{
    screen::Shared,
    theme::{self, font, gap},
    widget::{body, small, surface},
};

/// How many rows are made: nobody decides more than these in one go, and the next ones come up as they go.
const ROWS: usize = 200;

pub(super) fn view<'a>(
    waiting: &[&'a Checkpoint],
    open: Option<TaskId>,
    inbox: &Inbox,
    shared: &'a Shared,
) -> Container<'a, Message> {
    let rows = waiting.iter().take(ROWS).map(|checkpoint| {
        let is_revision = inbox.correction(checkpoint).is_some();
        line(checkpoint, Some(checkpoint.task.id) == open, is_revision, shared)
    });
    let more = waiting.len().saturating_sub(ROWS);
    let more = (more > 0).then(|| {
        container(small(format!("{more} more come up as these are decided.")).style(theme::text::faint))
            .padding(gap::MEDIUM)
    });
    let list = column(rows).push(more).width(Length::Fill);
    container(surface::scroll_rows(list).height(Length::Fill))
        .padding([gap::TINY, 0.0])
        .height(Length::Fill)
        .style(theme::container::card)
}

fn line<'a>(checkpoint: &'a Checkpoint, chosen: bool, is_revision: bool, shared: &Shared) -> Element<'a, Message> {
    let task = &checkpoint.task;
    let question = format::first_line(&checkpoint.question, 90);
    let age = small(format::ago(task.created_at, shared.now)).style(theme::text::faint);
    let from = task.labels.get("team").or_else(|| task.labels.values().next());
    let about = inbox::about(checkpoint);
    let about = (!about.is_empty()).then(|| small(about).style(theme::text::muted).wrapping(Wrapping::WordOrGlyph));
    let urgent = (task.priority < 5).then(|| surface::toned_chip(format!("P{}", task.priority), Tone::Attention));
    let foot = row![age]
        .push(from.map(|from| small(format::clip(from, 24)).style(theme::text::faint)))
        .push(urgent)
        .spacing(gap::SMALL)
        .align_y(iced::Alignment::Center);
    let revision = is_revision.then(|| surface::toned_chip("After your correction", Tone::Active));
    let words = body(question).font(font::MEDIUM).wrapping(Wrapping::WordOrGlyph);
    button(column(revision).push(words).push(about).push(foot).spacing(gap::TINY))
        .padding([10.0, 14.0])
        .width(Length::Fill)
        .style(theme::button::row(chosen))
        .on_press(Message::Choose(task.id))
        .into()
}
