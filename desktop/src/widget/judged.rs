//! Scores, findings and opinions.

use iced::{
    Alignment, Border, Element, Length, Theme,
    widget::{column, container, row, space, text::Wrapping},
};
use orchestrator_desktop_model::{
    Tone,
    opinions::Opinion,
    report::{Finding, Report, Score},
};

use super::{body, heading, mono, small, surface};
use crate::theme::{self, font, gap, size};

/// How wide a bar of a score is.
const BAR: f32 = 72.0;

/// What reviewers said, one below the other.
pub fn opinions<Message: 'static>(opinions: &[Opinion]) -> Element<'static, Message> {
    let each = opinions.iter().map(|opinion| {
        let tone = tone_of(&opinion.verdict);
        let head = row![body(opinion.who.clone()).font(font::MEDIUM).width(Length::Fill)]
            .push((!opinion.verdict.is_empty()).then(|| surface::toned_chip(opinion.verdict.clone(), tone)))
            .push(opinion.score.map(|score| mono(format!("{score:.1}"))))
            .spacing(gap::SMALL)
            .align_y(Alignment::Center);
        let why = (!opinion.why.is_empty()).then(|| {
            body(opinion.why.clone())
                .style(theme::text::muted)
                .wrapping(Wrapping::WordOrGlyph)
        });
        column![head].push(why).spacing(gap::TINY).into()
    });
    column(each).spacing(gap::MEDIUM).into()
}

fn tone_of(verdict: &str) -> Tone {
    let verdict = verdict.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| verdict.contains(word));
    if has(&["reject", "fail", "block", "no"]) {
        Tone::Bad
    } else if has(&["need", "correct", "change", "revise"]) {
        Tone::Attention
    } else if has(&["accept", "approve", "pass", "good", "yes"]) {
        Tone::Good
    } else {
        Tone::Neutral
    }
}

/// The overall score and the scores.
pub fn scores<Message: 'static>(report: &Report) -> Option<Element<'static, Message>> {
    if report.overall.is_none() && report.scores.is_empty() {
        return None;
    }
    let overall = report.overall.map(|value| {
        let tone = Score {
            name: String::new(),
            value: Some(value),
        }
        .tone();
        row![
            iced::widget::text(format!("{value:.1}"))
                .size(size::FIGURE)
                .font(font::STRONG)
                .style(theme::text::toned(tone)),
            small("of 10").style(theme::text::muted)
        ]
        .push((!report.verdict.is_empty()).then(|| surface::toned_chip(report.verdict.clone(), tone)))
        .spacing(gap::SMALL)
        .align_y(Alignment::Center)
        .into()
    });
    let bars = report.scores.iter().map(score);
    let bars = column(bars).spacing(6.0);
    Some(column(overall).push(bars).spacing(gap::SMALL).into())
}

fn score<Message: 'static>(score: &Score) -> Element<'static, Message> {
    let tone = score.tone();
    let full = score.value.map_or(0.0, |value| (value / 10.0).clamp(0.0, 1.0) as f32);
    let part = move |wide: f32, tone: Option<Tone>| {
        container(space())
            .width(wide)
            .height(6.0)
            .style(move |theme: &Theme| container::Style {
                background: Some(
                    tone.map_or(theme::colours(theme).pressed, |tone| theme::tone(theme, tone))
                        .into(),
                ),
                border: Border {
                    radius: 3.0.into(),
                    ..Border::default()
                },
                ..container::Style::default()
            })
    };
    let bar = iced::widget::stack![part(BAR, None), part(BAR * full, Some(tone))];
    let number = score
        .value
        .map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"));
    row![
        body(score.title()).width(Length::Fill).wrapping(Wrapping::WordOrGlyph),
        bar,
        mono(number).width(30.0).align_x(Alignment::End)
    ]
    .spacing(gap::SMALL)
    .align_y(Alignment::Center)
    .into()
}

/// What was found, the worst first; so many at most.
pub fn findings<Message: 'static>(report: &Report, most: usize) -> Option<Element<'static, Message>> {
    if report.findings.is_empty() {
        return None;
    }
    let each = report.findings.iter().take(most).map(finding);
    let more = report.findings.len().saturating_sub(most);
    let more = (more > 0).then(|| small(format!("and {more} more")).style(theme::text::faint));
    Some(column(each).push(more).spacing(gap::MEDIUM).into())
}

fn finding<Message: 'static>(finding: &Finding) -> Element<'static, Message> {
    let place = (!finding.place.is_empty()).then(|| {
        mono(finding.place.clone())
            .style(theme::text::muted)
            .wrapping(Wrapping::WordOrGlyph)
    });
    let head = row![surface::toned_chip(finding.severity.word(), finding.severity.tone())]
        .push(place)
        .spacing(gap::SMALL)
        .align_y(Alignment::Center);
    let why = (!finding.why.is_empty()).then(|| {
        body(finding.why.clone())
            .style(theme::text::muted)
            .wrapping(Wrapping::WordOrGlyph)
    });
    column![head, body(finding.message.clone()).wrapping(Wrapping::WordOrGlyph)]
        .push(why)
        .spacing(gap::TINY)
        .into()
}

/// What to do first.
pub fn recommendations<Message: 'static>(report: &Report) -> Option<Element<'static, Message>> {
    let each = report.recommendations.iter().take(10).map(|words| {
        let words = body(words.clone()).wrapping(Wrapping::WordOrGlyph).width(Length::Fill);
        row![body("•").style(theme::text::faint), words]
            .spacing(gap::SMALL)
            .into()
    });
    (!report.recommendations.is_empty()).then(|| column(each).spacing(6.0).into())
}

/// A part with its name.
pub fn part<'a, Message: 'a>(name: &'a str, content: Element<'a, Message>) -> Element<'a, Message> {
    column![heading(name), content]
        .spacing(gap::SMALL)
        .width(Length::Fill)
        .into()
}
