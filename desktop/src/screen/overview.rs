//! The fleet at a glance.

use iced::{
    Alignment, Element, Length, Task,
    widget::{column, container, responsive, row},
};
use orchestrator_desktop_model::{
    Failure, FailureKind, Link, Tone, fleet::SAMPLES, format, inbox, list::Filter, look, tree,
};
use orchestrator_protocol::{Checkpoint, TaskId, TaskState, Worker};

use super::{Event, Route, Shared};
use crate::{
    theme::{self, font, gap, glyph, size},
    widget::{body, button, chart, fill, heading, icon, notice, one_line, press::press, small, state, surface},
};

/// How many lines a list at a glance has.
const LINES: usize = 6;

/// The screen.
#[derive(Debug, Default)]
pub struct Overview {}

/// What happens on the screen.
#[derive(Debug, Clone)]
pub enum Message {
    /// The tasks in these states are to be listed.
    List(Vec<TaskState>),
    /// Go there.
    Go(Route),
    /// Connect anew.
    Reconnect,
}

impl Overview {
    /// Something happened on the screen.
    pub fn update(&mut self, message: Message, _shared: &Shared) -> (Task<Message>, Option<Event>) {
        let event = match message {
            Message::List(states) => Event::List(Filter {
                states,
                ..Filter::default()
            }),
            Message::Go(route) => Event::Go(route),
            Message::Reconnect => Event::Reconnect,
        };
        (Task::none(), Some(event))
    }

    /// What it shows.
    pub fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        let fleet = &shared.fleet;
        if !fleet.known {
            return unknown(shared);
        }
        let attention = fleet.count(TaskState::NeedsAttention) + fleet.checkpoints.len() as u64;
        let figures = row![
            figure(
                "Running",
                TaskState::Running,
                fleet.count(TaskState::Running),
                String::new()
            ),
            figure("Queued", TaskState::Ready, fleet.count(TaskState::Ready), waits(shared)),
            figure(
                "Waiting",
                TaskState::Waiting,
                fleet.count(TaskState::Waiting),
                String::new()
            ),
            figure("For a person", TaskState::NeedsAttention, attention, asks(shared)),
            figure(
                "Failed",
                TaskState::Failed,
                fleet.count(TaskState::Failed),
                String::new()
            ),
        ]
        .spacing(gap::MEDIUM);
        let charts = row![throughput(shared), cost(shared), slots(shared)]
            .spacing(gap::MEDIUM)
            .height(196.0);
        let most = fleet
            .checkpoints
            .len()
            .max(fleet.failing.len())
            .max(fleet.workers.len())
            .clamp(2, LINES);
        let lists = row![checkpoints(shared), failing(shared), workers(shared)]
            .spacing(gap::MEDIUM)
            .height(52.0 + 47.0 * most as f32);
        let all = column![figures, all_states(shared), charts, lists].spacing(gap::MEDIUM);
        surface::page("Overview", Vec::new(), surface::scroll(all))
    }
}

/// Before anything has come: on its way, or why not.
fn unknown(shared: &Shared) -> Element<'_, Message> {
    let content = match &shared.link {
        Link::Connecting | Link::Live => notice::loading("Asking the server…"),
        Link::Lost { reason, .. } => {
            let server = shared.settings.server().map_or("", |server| &*server.url);
            return surface::page("Overview", Vec::new(), unreachable(server, reason));
        }
        Link::Ended(failure) => notice::failed(failure, Some(("Go to settings", Message::Go(Route::Settings)))),
    };
    surface::page("Overview", Vec::new(), content)
}

/// How to get a server, for who has none yet.
fn unreachable<'a>(server: &str, reason: &str) -> Element<'a, Message> {
    let failure = Failure::new(FailureKind::Unreachable, reason);
    let words = column![
        icon(glyph::CLOUD_OFF).size(28.0).style(theme::text::faint),
        heading(format!("No server answers at {server}")),
        body(failure.message).style(theme::text::muted),
        body("Start one with `orchestrator dev`, or use another address. It is tried again by itself.")
            .style(theme::text::muted),
        row![
            button::secondary("Try now", Some(Message::Reconnect)),
            button::primary("Choose a server", Some(Message::Go(Route::Settings))),
        ]
        .spacing(gap::SMALL)
    ];
    container(words.spacing(gap::MEDIUM).max_width(560.0).align_x(Alignment::Center))
        .center_x(Length::Fill)
        .center_y(Length::Fill)
        .into()
}

fn figure(name: &str, of: TaskState, n: u64, note: String) -> Element<'_, Message> {
    let look = look::task(of);
    let number = iced::widget::text(format::count(n))
        .size(size::FIGURE)
        .font(font::STRONG);
    let number = if n == 0 {
        number.style(theme::text::faint)
    } else {
        number
    };
    let head = row![state::mark(look), one_line(body(name)).style(theme::text::muted)]
        .spacing(6.0)
        .align_y(Alignment::Center);
    let content = column![head, number, one_line(small(note)).style(theme::text::faint)].spacing(gap::TINY);
    let message = match of {
        TaskState::NeedsAttention => Message::Go(Route::Checkpoints(None)),
        of => Message::List(vec![of]),
    };
    let button = iced::widget::button(content)
        .padding([gap::MEDIUM, gap::LARGE])
        .width(Length::Fill)
        .clip(true)
        .style(theme::button::card)
        .on_press(message.clone());
    press(button, Some(message))
}

fn waits(shared: &Shared) -> String {
    let oldest = shared.fleet.stats.oldest_ready_s;
    oldest.map_or_else(
        || "nothing waits".to_owned(),
        |s| format!("the oldest for {}", format::seconds(shared.fleet.waited(s, shared.now))),
    )
}

fn asks(shared: &Shared) -> String {
    match shared.fleet.checkpoints.len() {
        0 => "no open checkpoint".to_owned(),
        1 => "1 open checkpoint".to_owned(),
        n => format!("{n} open checkpoints"),
    }
}

/// A bar of all tasks by their states.
fn all_states(shared: &Shared) -> Element<'_, Message> {
    let fleet = &shared.fleet;
    let counts: Vec<(TaskState, u64)> = TaskState::ALL
        .into_iter()
        .map(|of| (of, fleet.count(of)))
        .filter(|(_, count)| *count > 0)
        .collect();
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    if all == 0 {
        return notice::banner(
            glyph::SPARKLES,
            "No tasks yet. Make the first one here, or with the command line.",
            Tone::Active,
            Some(("New task", Message::Go(Route::NewTask))),
        );
    }
    let parts = counts.iter().map(|(of, count)| {
        // At least a sliver, so that a few among very many are seen.
        let share = (count * 1_000 / all).max(12) as u16;
        container(iced::widget::space())
            .width(Length::FillPortion(share))
            .height(8.0)
            .style(theme::container::filled(look::task(*of).tone))
            .into()
    });
    let legend = counts.iter().map(|(of, count)| {
        let look = look::task(*of);
        let content = row![
            state::mark(look).size(13.0),
            small(format!("{} {}", format::count(*count), look.word.to_lowercase())).style(theme::text::muted)
        ]
        .spacing(gap::TINY)
        .align_y(Alignment::Center);
        let message = Message::List(vec![*of]);
        let button = iced::widget::button(content)
            .padding([2.0, 4.0])
            .style(theme::button::ghost)
            .on_press(message.clone());
        press(button, Some(message))
    });
    let queues = shared.fleet.stats.queues.iter().take(8).map(|queue| {
        let words = format!(
            "{} {} in line, the next for {}",
            format::count(queue.ready),
            queue.task_type,
            format::seconds(shared.fleet.waited(queue.oldest_s, shared.now))
        );
        surface::chip(words)
    });
    let queues = (!shared.fleet.stats.queues.is_empty()).then(|| row(queues).spacing(gap::SMALL).wrap());
    let bar = column![row(parts).spacing(2.0), row(legend).spacing(gap::MEDIUM).wrap()];
    surface::plain_card(bar.push(queues).spacing(10.0))
}

fn chart_card<'a>(name: &'a str, now: String, content: impl Into<Element<'a, Message>>) -> Element<'a, Message> {
    let head = row![heading(name), fill(), body(now).style(theme::text::muted)].align_y(Alignment::Center);
    container(column![head, content.into()].spacing(gap::MEDIUM))
        .padding(gap::LARGE)
        .width(Length::FillPortion(1))
        .height(Length::Fill)
        .style(theme::container::card)
        .into()
}

/// What a chart says until there is something to draw.
fn soon<'a>() -> Element<'a, Message> {
    container(small("Comes as the fleet works.").style(theme::text::faint))
        .center_x(Length::Fill)
        .center_y(Length::Fill)
        .into()
}

fn throughput(shared: &Shared) -> Element<'_, Message> {
    let rates = shared.fleet.rates(shared.now);
    let all: f32 = rates.iter().map(|rate| rate.succeeded + rate.failed).sum();
    let now = if shared.fleet.stats.throughput.minutes.is_empty() {
        rates.last().map_or_else(String::new, |rate| {
            format!("{:.0} a minute", rate.succeeded + rate.failed)
        })
    } else {
        format!("{} in the last hour", format::count(all as u64))
    };
    if rates.iter().all(|rate| rate.succeeded + rate.failed == 0.0) {
        return chart_card("Tasks done", now, soon());
    }
    let values: Vec<_> = rates.iter().map(|rate| (rate.succeeded, rate.failed)).collect();
    let chart = responsive(move |room| {
        let places = if values.len() == 60 {
            60
        } else {
            ((room.width / 7.0) as usize).clamp(10, SAMPLES)
        };
        chart::columns(values.clone(), places, room.height)
    });
    chart_card("Tasks done", now, chart)
}

fn cost(shared: &Shared) -> Element<'_, Message> {
    let usage = &shared.fleet.stats.usage;
    let all = format!(
        "{} · {} tokens",
        format::money(usage.cost_usd),
        format::count(usage.tokens())
    );
    let values: Vec<f32> = shared.fleet.rates(shared.now).iter().map(|rate| rate.cost).collect();
    if values.iter().all(|value| *value == 0.0) {
        return chart_card("Spent", all, soon());
    }
    chart_card(
        "Spent",
        all,
        responsive(move |room| chart::sparkline(values.clone(), 0.0, Tone::Attention, room.height)),
    )
}

fn slots(shared: &Shared) -> Element<'_, Message> {
    let (running, slots) = shared.fleet.slots();
    let words = format!("{running} of {slots} in use");
    let (name, most) = ("Slots", slots.max(1) as f32);
    // All workers' measurements, place by place from the newest back.
    let lines: Vec<_> = shared.fleet.measurements.values().collect();
    let longest = lines.iter().map(|line| line.len()).max().unwrap_or(0);
    let sum = |back: usize| {
        let used = |line: &&std::collections::VecDeque<orchestrator_desktop_model::fleet::Measurement>| {
            line.len().checked_sub(back + 1).map_or(0, |n| line[n].running)
        };
        lines.iter().map(used).sum::<u32>() as f32
    };
    let values: Vec<f32> = (0..longest).rev().map(sum).collect();
    if slots == 0 {
        let advice = small("No worker is connected: nothing can run.").style(theme::text::toned(Tone::Attention));
        return chart_card(
            name,
            words,
            container(advice).center_x(Length::Fill).center_y(Length::Fill),
        );
    }
    chart_card(
        name,
        words,
        responsive(move |room| chart::sparkline(values.clone(), most, Tone::Active, room.height)),
    )
}

fn list_card<'a>(
    name: &'a str,
    more: Option<(&'a str, Message)>,
    lines: Vec<Element<'a, Message>>,
    nothing: (char, &'a str),
) -> Element<'a, Message> {
    let more = more.map(|(label, message)| button::ghost(label, Some(message)));
    let head = row![heading(name), fill()]
        .push(more)
        .height(30.0)
        .align_y(Alignment::Center);
    let content: Element<'_, Message> = if lines.is_empty() {
        let words = row![
            icon(nothing.0).size(16.0).style(theme::text::faint),
            body(nothing.1).style(theme::text::faint)
        ]
        .spacing(gap::SMALL)
        .align_y(Alignment::Center);
        container(words).center_x(Length::Fill).center_y(72.0).into()
    } else {
        column(lines).into()
    };
    container(column![container(head).padding([0.0, gap::MEDIUM]), content].spacing(gap::TINY))
        .padding([gap::SMALL, gap::TINY])
        .width(Length::FillPortion(1))
        .height(Length::Fill)
        .style(theme::container::card)
        .into()
}

fn list_line(
    mark: iced::widget::Text<'_>,
    name: String,
    note: String,
    age: String,
    message: Message,
) -> Element<'_, Message> {
    let words = column![
        one_line(body(name).font(font::MEDIUM)),
        one_line(small(note).style(theme::text::muted))
    ];
    let content = row![
        mark,
        container(words).width(Length::Fill).clip(true),
        small(age).style(theme::text::faint)
    ]
    .spacing(10.0)
    .align_y(Alignment::Center);
    let button = iced::widget::button(content)
        .padding([7.0, gap::MEDIUM])
        .width(Length::Fill)
        .style(theme::button::row(false))
        .on_press(message.clone());
    press(button, Some(message))
}

fn checkpoints(shared: &Shared) -> Element<'_, Message> {
    let all = &shared.fleet.checkpoints;
    let line = |checkpoint: &Checkpoint| {
        let id: TaskId = checkpoint.task.id;
        let name = format::first_line(&checkpoint.question, 80);
        let age = format::ago(checkpoint.task.created_at, shared.now);
        let mark = icon(glyph::HAND).size(16.0).style(theme::text::toned(Tone::Attention));
        list_line(
            mark,
            name,
            inbox::about(checkpoint),
            age,
            Message::Go(Route::Checkpoints(Some(id))),
        )
    };
    let more = (all.len() > LINES).then_some(("Show all", Message::Go(Route::Checkpoints(None))));
    let nothing = (glyph::CHECK, "Nothing waits for you");
    list_card(
        "Waits for you",
        more,
        all.iter().take(LINES).map(line).collect(),
        nothing,
    )
}

fn failing(shared: &Shared) -> Element<'_, Message> {
    let all = &shared.fleet.failing;
    let line = |task: &orchestrator_protocol::Task| {
        let why = task.error.as_ref().map(|error| format::first_line(&error.message, 90));
        let age = format::ago(task.finished_at.unwrap_or(task.created_at), shared.now);
        let mark = state::mark(look::task(task.state));
        list_line(
            mark,
            tree::name(task),
            why.unwrap_or_else(|| task.task_type.clone()),
            age,
            Message::Go(Route::Task(task.id)),
        )
    };
    let states = vec![TaskState::Failed, TaskState::NeedsAttention];
    let more = (all.len() > LINES).then_some(("Show all", Message::List(states)));
    let nothing = (glyph::CHECK, "Nothing has failed");
    list_card("Failing", more, all.iter().take(LINES).map(line).collect(), nothing)
}

fn workers(shared: &Shared) -> Element<'_, Message> {
    let all = &shared.fleet.workers;
    let line = |worker: &Worker| {
        let load = [("cpu", worker.cpu_percent), ("memory", worker.memory_percent)];
        let load = load
            .into_iter()
            .filter_map(|(name, part)| part.map(|part| format!("{name} {part:.0} %")));
        let note = load.collect::<Vec<_>>().join(" · ");
        let slots = format!("{}/{}", worker.running, worker.slots);
        let mark = state::mark(look::worker(worker.state));
        list_line(mark, worker.name.clone(), note, slots, Message::Go(Route::Workers))
    };
    let more = (all.len() > LINES).then_some(("Show all", Message::Go(Route::Workers)));
    let nothing = (glyph::SERVER, "No worker is connected");
    list_card("Workers", more, all.iter().take(LINES).map(line).collect(), nothing)
}
