//! One machine.

use iced::{
    Alignment, Border, Element, Length, Theme,
    widget::{button as press, column, container, row, space, text::Wrapping, tooltip},
};
use orchestrator_desktop_model::{Tone, fleet::Measurement, format, machines::consequence, tree};
use orchestrator_protocol::{Task, Worker, WorkerState};

use super::Message;
use crate::{
    screen::Shared,
    theme::{self, font, gap, glyph},
    widget::{body, button, button::Kind, chart, fill, heading, icon, mono, one_line, small, state, surface},
};

/// How many task types, labels and running tasks a card shows.
const KINDS: usize = 5;
const LABELS: usize = 6;
const TASKS: usize = 4;

/// From here on a slot is not a mark of its own any more.
const MARKS: u32 = 16;

/// A card. `asked` when it waits for the confirmation of a drain, `draining` when that is on its way.
pub(super) fn card<'a>(
    worker: &'a Worker,
    running: &'a [Task],
    asked: bool,
    draining: bool,
    shared: &'a Shared,
) -> Element<'a, Message> {
    let name = one_line(heading(format::clip(&worker.name, 40)));
    let head = row![
        container(name).width(Length::Fill).clip(true),
        state::worker(worker.state)
    ]
    .spacing(gap::MEDIUM)
    .align_y(Alignment::Center);
    let content = column![head, slots(worker), loads(worker, shared), offers(worker)]
        .push((!running.is_empty()).then(|| tasks(worker, running, shared)))
        .push(surface::line())
        .push(if asked {
            confirm(worker)
        } else {
            foot(worker, draining, shared)
        })
        .spacing(gap::MEDIUM);
    surface::plain_card(content)
}

fn slots<'a>(worker: &Worker) -> Element<'a, Message> {
    let words = body(format!("{} of {} slots", worker.running, worker.slots)).style(theme::text::muted);
    let mark = |taken: bool| {
        container(space())
            .width(Length::FillPortion(1))
            .height(6.0)
            .style(move |theme: &Theme| container::Style {
                background: Some(
                    if taken {
                        theme::tone(theme, Tone::Active)
                    } else {
                        theme::colours(theme).pressed
                    }
                    .into(),
                ),
                border: Border {
                    radius: 3.0.into(),
                    ..Border::default()
                },
                ..container::Style::default()
            })
            .into()
    };
    let share = |part: u32, taken: bool| {
        (part > 0).then(|| container(mark(taken)).width(Length::FillPortion(part.min(1_000) as u16)))
    };
    let bar = if worker.slots <= MARKS {
        row((0..worker.slots).map(|slot| mark(slot < worker.running))).spacing(3.0)
    } else {
        let taken = worker.running.min(worker.slots);
        row(share(taken, true).map(Into::into)).push(share(worker.slots - taken, false))
    };
    row![container(words).width(96.0), bar.width(Length::Fill)]
        .spacing(gap::MEDIUM)
        .align_y(Alignment::Center)
        .into()
}

fn loads<'a>(worker: &Worker, shared: &Shared) -> Element<'a, Message> {
    if [worker.cpu_percent, worker.memory_percent, worker.disk_percent] == [None; 3] {
        return small("It does not say how busy its machine is.")
            .style(theme::text::faint)
            .into();
    }
    let load = |name: &'a str, now: Option<f64>, read: fn(&Measurement) -> Option<f32>| {
        let measured = shared.fleet.measurements.get(&worker.id);
        let values: Vec<f32> = measured.into_iter().flatten().filter_map(read).collect();
        let tone = match now {
            Some(percent) if percent >= 90.0 => Tone::Attention,
            Some(_) => Tone::Active,
            None => Tone::Neutral,
        };
        let number = now.map_or_else(|| "–".to_owned(), |percent| format!("{percent:.0} %"));
        column![
            row![
                small(name).style(theme::text::muted),
                fill(),
                mono(number).style(theme::text::toned(if tone == Tone::Attention {
                    tone
                } else {
                    Tone::Neutral
                }))
            ],
            chart::sparkline(values, 100.0, tone, 26.0)
        ]
        .spacing(2.0)
        .width(Length::FillPortion(1))
    };
    row![
        load("CPU", worker.cpu_percent, |measured| measured.cpu),
        load("Memory", worker.memory_percent, |measured| measured.memory),
        load("Disk", worker.disk_percent, |measured| measured.disk),
    ]
    .spacing(gap::LARGE)
    .into()
}

fn offers(worker: &Worker) -> Element<'_, Message> {
    let kinds = chips(worker.task_types.iter(), KINDS, |words| {
        surface::toned_chip(words, Tone::Active)
    });
    // What is installed in which version is looked up, not read.
    let (versions, labels): (Vec<&String>, Vec<&String>) =
        worker.labels.iter().partition(|label| label.starts_with("version:"));
    let labels = chips(labels.into_iter().chain(versions), LABELS, surface::chip);
    column(kinds).push(labels).spacing(6.0).into()
}

/// So many chips, and the rest under the pointer.
fn chips<'a>(
    words: impl Iterator<Item = &'a String>,
    most: usize,
    chip: impl Fn(String) -> Element<'a, Message>,
) -> Option<Element<'a, Message>> {
    let words: Vec<&str> = words.map(|word| &**word).collect();
    let shown = words.iter().take(most).map(|word| chip(format::clip(word, 40)));
    let more = (words.len() > most).then(|| {
        let rest = container(small(words[most..].join("  ")).wrapping(Wrapping::WordOrGlyph))
            .max_width(320.0)
            .padding(gap::SMALL)
            .style(theme::container::overlay);
        let count = surface::chip(format!("+{}", words.len() - most));
        tooltip(count, rest, tooltip::Position::Bottom).into()
    });
    let all = row(shown.chain(more)).spacing(6.0).wrap().vertical_spacing(6.0);
    (!words.is_empty()).then(|| all.into())
}

fn tasks<'a>(worker: &Worker, running: &'a [Task], shared: &Shared) -> Element<'a, Message> {
    let lines = running.iter().take(TASKS).map(|task| {
        let what = tree::about(task, 60);
        let what = if what.is_empty() {
            format!("{} {}", task.task_type, format::short_id(task.id))
        } else {
            what
        };
        let since = task
            .started_at
            .map_or_else(String::new, |at| format::ago(at, shared.now).replace(" ago", ""));
        let progress = task
            .progress
            .map(|progress| mono(format!("{:.0} %", progress.clamp(0.0, 1.0) * 100.0)));
        let words = container(one_line(body(what))).width(Length::Fill).clip(true);
        let line = row![state::mark(orchestrator_desktop_model::look::task(task.state)), words]
            .push(progress)
            .push(small(since).style(theme::text::faint))
            .spacing(gap::SMALL)
            .align_y(Alignment::Center);
        press(line)
            .padding([gap::TINY, 6.0])
            .width(Length::Fill)
            .style(theme::button::row(false))
            .on_press(Message::Show(task.id))
            .into()
    });
    let more = (worker.running as usize).saturating_sub(running.len().min(TASKS));
    let more =
        (more > 0).then(|| container(small(format!("and {more} more")).style(theme::text::faint)).padding([0.0, 6.0]));
    column(lines).push(more).into()
}

fn confirm<'a>(worker: &Worker) -> Element<'a, Message> {
    let words = body(consequence(worker))
        .style(theme::text::muted)
        .wrapping(Wrapping::WordOrGlyph);
    column![
        row![
            icon(glyph::HOURGLASS).style(theme::text::toned(Tone::Attention)),
            body("Drain this worker?").font(font::MEDIUM)
        ]
        .spacing(gap::SMALL)
        .align_y(Alignment::Center),
        words,
        row![
            fill(),
            button::ghost("Keep it", Some(Message::Keep)),
            button::danger("Drain it", Some(Message::Confirm(worker.id))),
        ]
        .spacing(gap::SMALL),
    ]
    .spacing(gap::SMALL)
    .into()
}

fn foot<'a>(worker: &Worker, draining: bool, shared: &Shared) -> Element<'a, Message> {
    // Of one that is online the time of the snapshot would be told, and look old.
    let seen = match worker.state {
        WorkerState::Online => String::new(),
        _ => format!("Heard of {}", format::ago(worker.last_seen_at, shared.now)),
    };
    let seen = small(seen).style(theme::text::faint).width(Length::Fill);
    let action: Element<'a, Message> = match worker.state {
        WorkerState::Draining => small("Takes no more tasks").style(theme::text::muted).into(),
        _ if draining => small("Draining…").style(theme::text::muted).into(),
        _ => button::with_icon(Kind::Ghost, glyph::POWER, "Drain", Some(Message::Drain(worker.id))),
    };
    row![seen, action].height(30.0).align_y(Alignment::Center).into()
}
