//! What there is to know of the chosen task, beside whatever is shown.

use iced::{
    Alignment, Element, Length,
    widget::{Column, column, container, progress_bar, row},
};
use orchestrator_desktop_model::{Tone, format, tree};
use orchestrator_protocol::{CheckpointFrequency, Placement, Task, TaskState};

use super::{Message, TaskScreen};
use crate::{
    screen::Shared,
    theme::{self, font, gap, glyph, size},
    widget::{body, button, fill, icon, mono, small, state, surface},
};

/// The column of facts.
pub(super) fn view<'a>(screen: &'a TaskScreen, task: &'a Task, shared: &'a Shared) -> Element<'a, Message> {
    let parts = [
        Some(who(task)),
        progress(task),
        why(screen, task),
        error(task),
        Some(usage(task)),
        attempts(screen, task, shared),
        Some(times(task, shared)),
        Some(terms(task)),
    ];
    let all = column(parts.into_iter().flatten()).spacing(gap::LARGE);
    let card = container(surface::scroll(container(all).padding(gap::LARGE)));
    card.height(Length::Fill).style(theme::container::card).into()
}

fn part<'a>(name: &'a str, content: impl Into<Element<'a, Message>>) -> Element<'a, Message> {
    let name = small(name).font(font::MEDIUM).style(theme::text::faint);
    column![name, content.into()].spacing(6.0).width(Length::Fill).into()
}

fn fact<'a>(name: &'a str, value: impl iced::widget::text::IntoFragment<'a>) -> Element<'a, Message> {
    row![
        body(name).style(theme::text::muted).width(Length::FillPortion(2)),
        body(value)
            .width(Length::FillPortion(3))
            .wrapping(iced::widget::text::Wrapping::WordOrGlyph)
    ]
    .spacing(gap::SMALL)
    .into()
}

fn who(task: &Task) -> Element<'_, Message> {
    let name = iced::widget::text(tree::name(task))
        .size(size::HEADING)
        .font(font::STRONG)
        .wrapping(iced::widget::text::Wrapping::WordOrGlyph);
    let id = task.id.to_string();
    let copy = button::only_icon(glyph::COPY, "Copy the id", Some(Message::Copy(id)));
    let line = row![
        surface::chip(&*task.task_type),
        fill(),
        mono(format::short_id(task.id)).style(theme::text::faint),
        copy
    ]
    .spacing(gap::TINY)
    .align_y(Alignment::Center);
    column![state::task(task.state), name, line].spacing(gap::SMALL).into()
}

fn progress(task: &Task) -> Option<Element<'_, Message>> {
    let done = task.progress.filter(|_| task.state == TaskState::Running)? as f32;
    let bar = progress_bar(0.0..=1.0, done)
        .girth(6.0)
        .style(theme::container::progress(Tone::Active));
    Some(part(
        "PROGRESS",
        row![bar, body(format!("{:.0} %", done * 100.0))]
            .spacing(gap::SMALL)
            .align_y(Alignment::Center),
    ))
}

fn why<'a>(screen: &'a TaskScreen, task: &'a Task) -> Option<Element<'a, Message>> {
    let why = screen
        .why
        .as_ref()
        .filter(|why| why.state == task.state && !why.reasons.is_empty())?;
    if task.state.is_terminal() || task.state == TaskState::Running {
        return None;
    }
    let reasons = why.reasons.iter().map(|reason| {
        let named = reason.tasks.iter().take(3).map(|id| {
            let name = screen
                .tree
                .tasks
                .get(id)
                .map_or_else(|| format::short_id(*id), tree::name);
            let press = iced::widget::button(small(format::clip(&name, 34)))
                .padding([1.0, 6.0])
                .style(theme::button::ghost)
                .on_press(if screen.tree.tasks.contains_key(id) {
                    Message::Choose(*id)
                } else {
                    Message::Open(*id)
                });
            crate::widget::press::press(press, Some(Message::Choose(*id)))
        });
        column![body(&reason.message)].extend(named).spacing(2.0).into()
    });
    Some(part("WHY IT WAITS", column(reasons).spacing(gap::SMALL)))
}

fn error(task: &Task) -> Option<Element<'_, Message>> {
    let error = task.error.as_ref()?;
    let class = format!("{:?}", error.class).to_lowercase();
    let line = row![icon(glyph::CIRCLE_X).size(14.0), small(class)]
        .spacing(gap::TINY)
        .align_y(Alignment::Center);
    let message = body(&error.message).wrapping(iced::widget::text::Wrapping::WordOrGlyph);
    let content = container(column![line, message].spacing(gap::TINY))
        .padding(10.0)
        .width(Length::Fill)
        .style(theme::container::toned(Tone::Bad));
    let name = if task.state == TaskState::Failed {
        "ERROR"
    } else {
        "LAST ERROR"
    };
    Some(part(name, content))
}

fn usage(task: &Task) -> Element<'_, Message> {
    let (own, all) = (&task.usage, &task.tree_usage);
    if all.tokens() == 0 && all.cost_usd.as_nanos() == 0 && task.budget.is_none() {
        return part(
            "SPENT, WITH ALL BELOW",
            body("Nothing: no model was asked.").style(theme::text::muted),
        );
    }
    let mut lines: Vec<Element<'_, Message>> = vec![
        fact("Cost", format::money(all.cost_usd)),
        fact(
            "Tokens",
            format!(
                "{} in · {} out",
                format::count(all.input_tokens),
                format::count(all.output_tokens)
            ),
        ),
    ];
    if all.cached_tokens > 0 {
        lines.push(fact("Cached", format::count(all.cached_tokens)));
    }
    if own != all && (own.tokens() > 0 || own.cost_usd.as_nanos() > 0) {
        lines.push(fact(
            "Its own",
            format!(
                "{} · {} tokens",
                format::money(own.cost_usd),
                format::count(own.tokens())
            ),
        ));
    }
    if let Some(budget) = &task.budget {
        let tokens = budget.tokens.map(|tokens| format!("{} tokens", format::count(tokens)));
        let money = budget.cost_usd.map(format::money);
        let most: Vec<String> = money.into_iter().chain(tokens).collect();
        lines.push(fact("Budget", most.join(" · ")));
    }
    if let Some(spent) = tree::spent(task) {
        let tone = match spent {
            x if x >= 1.0 => Tone::Bad,
            x if x >= 0.8 => Tone::Attention,
            _ => Tone::Good,
        };
        let bar = progress_bar(0.0..=1.0, spent.min(1.0) as f32)
            .girth(6.0)
            .style(theme::container::progress(tone));
        lines.push(
            row![bar, body(format!("{:.0} %", spent * 100.0))]
                .spacing(gap::SMALL)
                .align_y(Alignment::Center)
                .into(),
        );
    }
    part("SPENT, WITH ALL BELOW", column(lines).spacing(gap::TINY))
}

fn attempts<'a>(screen: &'a TaskScreen, task: &'a Task, shared: &'a Shared) -> Option<Element<'a, Message>> {
    let attempts = screen.tree.attempts(task.id);
    if attempts.is_empty() {
        return None;
    }
    let worker = |id| {
        shared
            .fleet
            .worker(id)
            .map_or_else(|| "a worker that is gone".to_owned(), |worker| worker.name.clone())
    };
    let lines = attempts.into_iter().rev().take(6).map(|attempt| {
        let took = format::duration(attempt.to.unwrap_or(shared.now).since(attempt.from));
        let head = row![
            state::mark(orchestrator_desktop_model::look::task(attempt.state)),
            body(format!("Attempt {}", attempt.number)).font(font::MEDIUM),
            fill(),
            body(took).style(theme::text::muted)
        ];
        let on = attempt
            .worker
            .map(|id| small(format!("on {}", worker(id))).style(theme::text::muted));
        let placed = attempt
            .placement
            .as_ref()
            .map(|placement| small(placed(placement)).style(theme::text::faint));
        let error = attempt
            .error
            .map(|error| small(format::clip(&error.message, 160)).style(theme::text::toned(Tone::Bad)));
        column![head.spacing(6.0).align_y(Alignment::Center)]
            .push(on)
            .push(placed)
            .push(error)
            .spacing(2.0)
            .into()
    });
    Some(part("ATTEMPTS", column(lines).spacing(gap::SMALL)))
}

/// Why a worker was chosen, in a line.
fn placed(placement: &Placement) -> String {
    let parts = [
        ("tools", placement.parts.tools),
        ("resources", placement.parts.resources),
        ("free slots", placement.parts.balance),
        ("affinity", placement.parts.affinity),
        ("success", placement.parts.success),
        ("cost", placement.parts.cost),
    ];
    let told: Vec<String> = parts.into_iter().map(|(name, part)| format!("{name} {part}")).collect();
    let other = placement
        .runner_up
        .map_or_else(String::new, |other| format!("; the next best had {}", other.score));
    format!(
        "Best of {} with {}{other} ({})",
        placement.compared,
        placement.score,
        told.join(", ")
    )
}

fn times<'a>(task: &'a Task, shared: &'a Shared) -> Element<'a, Message> {
    let moment = |at| format::moment(at, &shared.zone);
    let optional = |name, at: Option<_>| at.map(|at| fact(name, moment(at)));
    let lines = Column::new()
        .push(fact("Submitted", moment(task.created_at)))
        .push(optional("Started", task.started_at))
        .push(optional("Ended", task.finished_at))
        .push(optional("Not before", task.run_at))
        .push(optional("Start by", task.deadline))
        .push(tree::took(task, shared.now).map(|took| fact("Took", format::duration(took))));
    part("TIMES", lines.spacing(gap::TINY))
}

/// When its agent is to ask people, where that was chosen.
const fn asks(frequency: CheckpointFrequency) -> Option<&'static str> {
    match frequency {
        CheckpointFrequency::None => Some("never"),
        CheckpointFrequency::Low => Some("at the end"),
        CheckpointFrequency::Medium => None,
        CheckpointFrequency::High => Some("at each step"),
    }
}

fn terms(task: &Task) -> Element<'_, Message> {
    let list = |name, items: &[String]| (!items.is_empty()).then(|| fact(name, items.join(", ")));
    let labels = task
        .labels
        .iter()
        .map(|(key, value)| surface::chip(format!("{key}: {value}")));
    let lines = Column::new()
        .push((task.queue != "default").then(|| fact("Queue", &*task.queue)))
        .push((task.priority != 5).then(|| fact("Priority", task.priority)))
        .push(list("Requires", &task.requires))
        .push(list("Prefers", &task.prefers))
        .push(list("Limits", &task.limits))
        .push((task.retry.max_attempts > 1).then(|| fact("Attempts", format!("at most {}", task.retry.max_attempts))))
        .push(task.timeout_s.map(|s| fact("Timeout", format::seconds(s))))
        .push(asks(task.checkpoint_frequency).map(|when| fact("Asks people", when)))
        .push((!task.labels.is_empty()).then(|| row(labels).spacing(gap::TINY).wrap()))
        .spacing(gap::TINY);
    part("TERMS", lines)
}
