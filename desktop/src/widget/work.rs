//! Work under review: facts, pages, prose, code, changes.

use iced::{
    Element, Length, Padding, Theme,
    widget::{column, container, row, text::Wrapping},
};
use orchestrator_desktop_model::{
    Tone,
    work::{Run, Section, Style, Work},
};

use super::{body, mono, page, small};
use crate::theme::{self, button::mix, font, gap};

/// Work, laid out. It owns what it shows, so that it can be kept until something else is to be shown.
pub fn view<Message: 'static>(work: &Work) -> Element<'static, Message> {
    let facts = (!work.facts.is_empty()).then(|| facts(&work.facts));
    column(facts)
        .extend(work.sections.iter().map(section))
        .spacing(gap::LARGE)
        .width(Length::Fill)
        .into()
}

/// Small values by name.
pub fn facts<Message: 'static>(facts: &[(String, String)]) -> Element<'static, Message> {
    let rows = facts.iter().map(|(name, value)| {
        let name = small(name.clone()).style(theme::text::muted).width(110.0);
        let value = body(value.clone()).wrapping(Wrapping::WordOrGlyph).width(Length::Fill);
        row![name, value].spacing(gap::SMALL).into()
    });
    column(rows).spacing(6.0).into()
}

fn section<Message: 'static>(section: &Section) -> Element<'static, Message> {
    let named = (!section.name.is_empty()).then(|| {
        small(section.name.clone())
            .font(font::MEDIUM)
            .style(theme::text::muted)
            .into()
    });
    let is_code = section
        .runs
        .iter()
        .all(|run| !matches!(run.style, Style::Prose | Style::Markdown));
    let runs: Element<'static, Message> = if is_code {
        lines(&section.runs)
    } else {
        column(section.runs.iter().map(mixed)).spacing(gap::SMALL).into()
    };
    column(named).push(runs).spacing(6.0).width(Length::Fill).into()
}

/// Lines of code, or of a change.
pub fn lines<Message: 'static>(runs: &[Run]) -> Element<'static, Message> {
    well(column(runs.iter().map(code)))
}

fn well<Message: 'static>(content: impl Into<Element<'static, Message>>) -> Element<'static, Message> {
    container(content)
        .padding([gap::SMALL, 0.0])
        .width(Length::Fill)
        .style(theme::container::well)
        .into()
}

fn mixed<Message: 'static>(run: &Run) -> Element<'static, Message> {
    match run.style {
        Style::Markdown => page::view(&run.text),
        Style::Prose => body(run.text.trim_matches('\n').to_owned())
            .wrapping(Wrapping::WordOrGlyph)
            .line_height(1.5)
            .into(),
        _ => well(code(run)),
    }
}

fn code<Message: 'static>(run: &Run) -> Element<'static, Message> {
    let words = mono(run.text.clone())
        .wrapping(Wrapping::WordOrGlyph)
        .line_height(1.5)
        .width(Length::Fill);
    let (words, tone) = match run.style {
        Style::Added => (words.style(theme::text::toned(Tone::Good)), Some(Tone::Good)),
        Style::Removed => (words.style(theme::text::toned(Tone::Bad)), Some(Tone::Bad)),
        Style::Place => (words.style(theme::text::muted), None),
        _ => (words, None),
    };
    container(words)
        .padding(Padding::from([0.0, gap::MEDIUM]))
        .width(Length::Fill)
        .style(move |theme: &Theme| match tone {
            Some(tone) => {
                let ground = mix(theme::colours(theme).ground, theme::tone(theme, tone), 0.10);
                container::Style::default().background(ground)
            }
            None => container::Style::default(),
        })
        .into()
}
