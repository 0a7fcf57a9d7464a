//! The work under review beside what helps to decide, and the decision.

use iced::{
    Alignment, Element, Length,
    widget::{column, container, keyed_column, lazy, responsive, row, text::Wrapping},
};
use orchestrator_desktop_model::{Tone, format, opinions::Sorted, work::Work};
use orchestrator_protocol::{Checkpoint, TaskId};
use serde_json::Value;

use super::{Checkpoints, Message, feedback_id};
use crate::{
    screen::Shared,
    theme::{self, gap, glyph, size},
    widget::{self, body, button, button::Kind, editor::editor, fill, icon, judged, notice, small, surface, work},
};

/// From here on the work and what helps to decide stand side by side.
const BESIDE: f32 = 640.0;

/// The most findings that are shown.
const FINDINGS: usize = 30;

/// What was before the person waits no more.
pub(super) fn gone<'a>(last: bool) -> Element<'a, Message> {
    let (advice, action) = if last {
        ("Nothing else waits for you.", "Done")
    } else {
        (
            "Somebody else decided, or its task has ended. Nothing of yours was sent.",
            "Show the next one",
        )
    };
    let empty = notice::empty(
        glyph::USER_CHECK,
        "This one waits no more",
        advice,
        Some((action, Message::Step(true))),
    );
    container(empty)
        .height(Length::Fill)
        .style(theme::container::card)
        .into()
}

/// A checkpoint.
pub(super) fn view<'a>(
    screen: &'a Checkpoints,
    checkpoint: &'a Checkpoint,
    shared: &'a Shared,
) -> Element<'a, Message> {
    let lines = screen.lines(checkpoint.task.id);
    let reading = responsive(move |room| {
        let beside = room.width >= BESIDE;
        let key = (checkpoint.task.id, lines, beside);
        let read = lazy(key, move |(id, lines, beside)| read(*id, checkpoint, *lines, *beside));
        // What is made lazily says of itself that it is narrow.
        surface::scroll(container(read).width(Length::Fill).padding([gap::LARGE, 20.0]))
            .height(Length::Fill)
            .into()
    });
    let revised = screen.inbox.revision(&shared.fleet.checkpoints);
    let all = column![
        // With and without it: what is below would lose the keyboard otherwise, and letters become commands.
        revised.map_or_else(|| iced::widget::space().into(), other),
        container(head(screen, checkpoint, shared)).padding([gap::LARGE, 20.0]),
        surface::line(),
        // Another checkpoint is read from its start.
        keyed_column([(checkpoint.task.id, reading.into())]).height(Length::Fill),
        surface::line(),
        container(decision(screen, checkpoint, shared)).padding([gap::MEDIUM, 20.0]),
    ];
    container(all)
        .height(Length::Fill)
        .width(Length::Fill)
        .style(theme::container::card)
        .into()
}

/// That a revision has come meanwhile. What is looked at stays, or the next press would decide on something else.
fn other<'a>(revision: &Checkpoint) -> Element<'a, Message> {
    let words = body("The revision that you asked for has come.").width(Length::Fill);
    let show = button::secondary("Show it", Some(Message::Choose(revision.task.id)));
    let line = row![icon(glyph::INBOX), words, show]
        .spacing(gap::SMALL)
        .align_y(Alignment::Center);
    container(
        container(line)
            .padding([gap::TINY, gap::MEDIUM])
            .style(theme::container::toned(Tone::Active)),
    )
    .padding([gap::SMALL, gap::MEDIUM])
    .into()
}

fn head<'a>(screen: &'a Checkpoints, checkpoint: &'a Checkpoint, shared: &Shared) -> Element<'a, Message> {
    let task = &checkpoint.task;
    let question = iced::widget::text(format::clip(checkpoint.question.trim(), 600))
        .size(size::HEADING + 2.0)
        .font(theme::font::STRONG)
        .wrapping(Wrapping::WordOrGlyph);
    let waits = format!("Waits since {}", format::ago(task.created_at, shared.now));
    let waits = if waits.ends_with("now") {
        "Came just now".to_owned()
    } else {
        waits.replace(" ago", "")
    };
    let about = task.description.trim();
    let about = (!about.is_empty() && about != checkpoint.question.trim()).then(|| {
        body(format::clip(about, 400))
            .style(theme::text::muted)
            .wrapping(Wrapping::WordOrGlyph)
    });
    let asker = button::with_icon(
        Kind::Ghost,
        glyph::GIT_BRANCH,
        "Show its task",
        Some(Message::Show(task.id)),
    );
    let copy = button::with_icon(Kind::Ghost, glyph::COPY, "Copy the work", Some(Message::Copy(task.id)));
    let facts = row![small(waits).style(theme::text::muted)]
        .push((task.priority != 5).then(|| surface::chip(format!("Priority {}", task.priority))))
        .extend(
            task.labels
                .iter()
                .take(4)
                .map(|(key, value)| surface::chip(format!("{}: {}", format::clip(key, 20), format::clip(value, 30)))),
        )
        .push(fill())
        .push(copy)
        .push(asker)
        .spacing(gap::SMALL)
        .align_y(Alignment::Center);
    let wanted = screen.inbox.correction(checkpoint).map(|correction| {
        let words = format!("You asked for: {}", format::clip(correction.words.trim(), 300));
        let words = body(words)
            .style(theme::text::toned(Tone::Active))
            .wrapping(Wrapping::WordOrGlyph);
        row![surface::toned_chip("Revision", Tone::Active), words.width(Length::Fill)].spacing(gap::SMALL)
    });
    column![question]
        .push(about)
        .push(wanted)
        .push(facts)
        .spacing(gap::SMALL)
        .into()
}

/// All that is read. It is made once for each checkpoint: the work may be large.
fn read(id: TaskId, checkpoint: &Checkpoint, lines: usize, beside: bool) -> Element<'static, Message> {
    let mut context = checkpoint.context.to_value();
    take_hint(&mut context);
    let sorted = Sorted::new(checkpoint.content.to_value(), checkpoint.evaluation.to_value(), context);
    let laid = Work::of(&sorted.content, lines);
    let words: Element<'static, Message> = if laid.is_empty() && sorted.report.is_none() {
        body("The agent asks without showing work.")
            .style(theme::text::faint)
            .into()
    } else {
        work::view(&laid)
    };
    let more = (laid.left_out > 0).then(|| {
        let words = format!("{} more lines", format::count(laid.left_out as u64));
        row![
            small(words).style(theme::text::muted),
            button::ghost("Show more", Some(Message::More(id)))
        ]
        .spacing(gap::SMALL)
        .align_y(Alignment::Center)
    });
    let work = column![words].push(more).spacing(gap::MEDIUM).width(Length::Fill);
    if sorted.is_bare() {
        return work.into();
    }
    let help = help(&sorted);
    if beside {
        row![work.width(Length::FillPortion(5)), help.width(Length::FillPortion(3))]
            .spacing(gap::HUGE)
            .into()
    } else {
        column![help, surface::line(), work].spacing(gap::LARGE).into()
    }
}

/// How an agent wants to be answered: `help` of what it asks with. It stands where the answer is written.
fn take_hint(context: &mut Value) -> Option<String> {
    let Value::String(help) = context.as_object_mut()?.remove("help")? else {
        return None;
    };
    Some(help)
}

fn hint(checkpoint: &Checkpoint) -> Element<'static, Message> {
    let Some(help) = take_hint(&mut checkpoint.context.to_value()) else {
        return iced::widget::space().into();
    };
    let words = small(format::clip(help.trim(), 400))
        .style(theme::text::muted)
        .wrapping(Wrapping::WordOrGlyph);
    container(words).padding([gap::TINY, 0.0]).into()
}

fn help(sorted: &Sorted) -> iced::widget::Column<'static, Message> {
    let report = sorted.report.as_ref();
    let scores = report.and_then(judged::scores);
    let findings = report.and_then(|report| judged::findings(report, FINDINGS));
    let advice = report.and_then(judged::recommendations);
    let opinions = (!sorted.opinions.is_empty()).then(|| judged::opinions(&sorted.opinions));
    let context = Work::of(&sorted.context, 120);
    let context = (!context.is_empty()).then(|| work::view(&context));
    let found = report.map_or(0, |report| report.findings.len());
    let found = if found == 1 {
        "1 finding".to_owned()
    } else {
        format!("{found} findings")
    };
    column(scores.map(|scores| judged::part("Scores", scores)))
        .push(opinions.map(|opinions| judged::part("Reviewers", opinions)))
        .push(findings.map(|findings| column![widget::heading(found), findings].spacing(gap::SMALL)))
        .push(advice.map(|advice| judged::part("Recommended", advice)))
        .push(context.map(|context| judged::part("Context", context)))
        .spacing(gap::HUGE)
}

fn decision<'a>(screen: &'a Checkpoints, checkpoint: &'a Checkpoint, shared: &'a Shared) -> Element<'a, Message> {
    let id = checkpoint.task.id;
    // Read once: what an agent asks with may be large.
    let hint = lazy(id, move |_| hint(checkpoint));
    let failure = screen.failure.as_ref().filter(|(of, _)| *of == id);
    let failure = failure.map(|(_, failure)| notice::failure_line(failure));
    let missing = screen.missing.filter(|(of, _)| *of == id).map(|(_, what)| what);
    let draft = screen.drafts.get(&id).unwrap_or(&screen.blank);
    let feedback = editor(
        draft,
        "What to change, or why. The agent gets it with your decision.",
        move |action| Message::Write(id, action),
        Message::Correct(id),
    )
    .id(feedback_id())
    .min_height(52.0)
    .max_height(160.0);
    let missing = missing.map(|what| small(what).style(theme::text::toned(Tone::Bad)));
    let can = shared.api.is_some();
    let only = |message: Message| can.then_some(message);
    let buttons: Element<'a, Message> = if screen.rejecting == Some(id) {
        row![
            body("Rejecting tells the agent to stop here.").style(theme::text::muted),
            fill(),
            button::ghost("Keep it", Some(Message::Keep)),
            button::with_icon(Kind::Danger, glyph::X, "Really reject", only(Message::Reject(id))),
        ]
        .spacing(gap::SMALL)
        .align_y(Alignment::Center)
        .into()
    } else {
        let hint = if shared.is_narrow() {
            "A  C  R"
        } else {
            "A accept · C correct · R reject · ↑↓ others"
        };
        row![
            small(hint).style(theme::text::faint),
            fill(),
            button::with_icon(Kind::Danger, glyph::X, "Reject", only(Message::Reject(id))),
            button::with_icon(Kind::Secondary, glyph::PENCIL, "Correct", only(Message::Correct(id))),
            button::with_icon(Kind::Primary, glyph::CHECK, "Accept", only(Message::Accept(id))),
        ]
        .spacing(gap::SMALL)
        .align_y(Alignment::Center)
        .into()
    };
    column(failure)
        .push(column![hint, feedback])
        .push(missing)
        .push(buttons)
        .spacing(gap::SMALL)
        .into()
}
