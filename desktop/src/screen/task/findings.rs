//! The findings, scores and recommendations that a task's output carries.

use iced::{
    Alignment, Element, Length,
    widget::{column, container, progress_bar, row, text::Wrapping},
};
use orchestrator_desktop_model::report::{Finding, Report, Score, Severity};
use orchestrator_protocol::{Task as AnyTask, TaskId};

use super::Message;
use crate::{
    theme::{self, font, gap, glyph, size},
    widget::{body, heading, icon, mono, notice, small, surface},
};

/// The most findings that are shown: the worst.
const MOST: usize = 300;

/// What the output says of work.
#[derive(Debug, Default)]
pub(super) struct Findings {
    of: Option<(TaskId, usize)>,
    report: Option<Report>,
}

impl Findings {
    pub(super) fn show(&mut self, task: &AnyTask) {
        let output = task.output.as_ref();
        let of = (task.id, output.map_or(0, |output| output.get().len()));
        if self.of != Some(of) {
            self.of = Some(of);
            self.report = output.and_then(|output| Report::of(&output.to_value()));
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.report.as_ref().map_or(0, |report| report.findings.len())
    }

    pub(super) fn view(&self) -> Element<'_, Message> {
        let Some(report) = &self.report else {
            let advice = "When the output of the chosen task carries findings, reviews or scores, they come up here.";
            return super::pane(notice::empty(glyph::SHIELD_CHECK, "No findings", advice, None));
        };
        let scores = (report.overall.is_some() || !report.scores.is_empty()).then(|| scores(report));
        let advice = (!report.recommendations.is_empty()).then(|| recommendations(report));
        let found = findings(report);
        let all = column(scores).push(advice).push(found).spacing(gap::HUGE).padding(20.0);
        super::pane(surface::scroll(all))
    }
}

fn scores(report: &Report) -> Element<'_, Message> {
    let overall = report.overall.map(|overall| {
        let tone = Score {
            name: String::new(),
            value: Some(overall),
        }
        .tone();
        let number = row![
            iced::widget::text(format!("{overall:.1}"))
                .size(34.0)
                .font(font::STRONG)
                .style(theme::text::toned(tone)),
            body("/ 10").style(theme::text::faint)
        ]
        .spacing(gap::TINY)
        .align_y(Alignment::End);
        let verdict = (!report.verdict.is_empty()).then(|| surface::toned_chip(report.verdict.as_str(), tone));
        column![number].push(verdict).spacing(gap::SMALL).width(150.0)
    });
    let bars = report.scores.iter().map(|score| {
        let value = score.value.unwrap_or(0.0);
        let number = score
            .value
            .map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"));
        let bar = progress_bar(0.0..=10.0, value as f32)
            .girth(8.0)
            .style(theme::container::progress(score.tone()));
        row![
            body(score.title()).width(130.0),
            container(bar).width(Length::Fill),
            body(number).font(font::MEDIUM).width(36.0).align_x(Alignment::End)
        ]
        .spacing(gap::MEDIUM)
        .align_y(Alignment::Center)
        .into()
    });
    row(overall.map(Element::from))
        .push(column(bars).spacing(gap::SMALL).max_width(520.0))
        .spacing(gap::HUGE)
        .into()
}

fn recommendations(report: &Report) -> Element<'_, Message> {
    let lines = report.recommendations.iter().take(10).enumerate().map(|(n, words)| {
        row![
            body(format!("{}.", n + 1)).style(theme::text::faint).width(20.0),
            body(words).width(Length::Fill).wrapping(Wrapping::WordOrGlyph)
        ]
        .into()
    });
    column![heading("What to do first"), column(lines).spacing(6.0)]
        .spacing(gap::SMALL)
        .into()
}

const fn glyph_of(severity: Severity) -> char {
    match severity {
        Severity::Critical => glyph::OCTAGON_X,
        Severity::High => glyph::CIRCLE_ALERT,
        Severity::Medium => glyph::TRIANGLE_ALERT,
        Severity::Low => glyph::FLAG,
        Severity::Info => glyph::INFO,
    }
}

fn findings(report: &Report) -> Element<'_, Message> {
    let counts = [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
        Severity::Info,
    ]
    .into_iter()
    .map(|severity| (severity, report.count(severity)))
    .filter(|(_, count)| *count > 0)
    .map(|(severity, count)| {
        surface::toned_chip(format!("{count} {}", severity.word().to_lowercase()), severity.tone())
    });
    let title = match report.findings.len() {
        0 => "Nothing was found".to_owned(),
        1 => "1 finding".to_owned(),
        n => format!("{n} findings"),
    };
    let head = row![heading(title)]
        .extend(counts)
        .spacing(gap::SMALL)
        .align_y(Alignment::Center);
    let lines = report.findings.iter().take(MOST).map(finding);
    let rest = report.findings.len().saturating_sub(MOST);
    let more = (rest > 0)
        .then(|| small(format!("and {rest} more, less severe; the output has them all")).style(theme::text::faint));
    column![head].extend(lines).push(more).spacing(gap::SMALL).into()
}

fn finding(finding: &Finding) -> Element<'_, Message> {
    let tone = finding.severity.tone();
    let place = (!finding.place.is_empty()).then(|| mono(&finding.place).style(theme::text::muted));
    let check = (!finding.check.is_empty()).then(|| mono(&finding.check).style(theme::text::faint));
    let where_ = row(place.map(Element::from)).push(check).spacing(gap::MEDIUM);
    let why = (!finding.why.is_empty()).then(|| {
        body(&finding.why)
            .style(theme::text::muted)
            .wrapping(Wrapping::WordOrGlyph)
    });
    let severity = column![
        icon(glyph_of(finding.severity)).style(theme::text::toned(tone)),
        small(finding.severity.word()).style(theme::text::toned(tone))
    ]
    .spacing(2.0)
    .width(58.0)
    .align_x(Alignment::Center);
    let words = column![
        body(&finding.message)
            .size(size::BODY)
            .font(font::MEDIUM)
            .wrapping(Wrapping::WordOrGlyph),
        where_
    ]
    .push(why)
    .spacing(gap::TINY)
    .width(Length::Fill);
    container(row![severity, words].spacing(gap::MEDIUM))
        .padding([10.0, gap::MEDIUM])
        .width(Length::Fill)
        .style(theme::container::well)
        .into()
}
