//! What the form of a new task looks like.

use iced::{
    Alignment, Element, Length,
    keyboard::{Key, key::Named},
    widget::{Column, column, container, row},
};
use orchestrator_desktop_model::{
    Tone,
    form::{Field, Wrong, offered, refused},
};
use orchestrator_protocol::{CheckpointFrequency, Privacy, SideEffects};

use super::{Example, Message, NewTaskForm, fields};
use crate::{
    screen::Shared,
    theme::{self, font, gap, glyph},
    widget::{body, button, button::Kind, editor::editor, field::line, fill, hotkeys::hotkeys, notice, small, surface},
};

/// The most task types that are offered to choose from.
const TYPES: usize = 16;

/// The form.
pub(super) fn view<'a>(screen: &'a NewTaskForm, shared: &'a Shared) -> Element<'a, Message> {
    let wrong = screen.wrong();
    let two = shared.size.width >= 1180.0;
    let what = surface::card("What is to be done", what(screen, &wrong, shared));
    let how = surface::card("How", how(screen, &wrong));
    let cards: Element<'a, Message> = if two {
        row![
            container(what).width(Length::FillPortion(5)),
            container(how).width(Length::FillPortion(4))
        ]
        .spacing(gap::LARGE)
        .into()
    } else {
        column![what, how].spacing(gap::LARGE).into()
    };
    let content = column![
        surface::scroll(container(cards).max_width(1240.0)).height(Length::Fill),
        foot(screen, &wrong, shared),
    ]
    .spacing(gap::MEDIUM);
    let page = surface::page("New task", Vec::new(), content);
    hotkeys(page, |key, modifiers| match key {
        Key::Named(Named::Enter) if modifiers.command() => Some(Message::Submit),
        _ => None,
    })
}

fn foot<'a>(screen: &'a NewTaskForm, wrong: &Wrong, shared: &'a Shared) -> Element<'a, Message> {
    let failure = screen.failure.as_ref();
    let rest = failure.map_or_else(Vec::new, |failure| refused(failure).1);
    let line = failure.filter(|failure| failure.fields.is_empty() || !rest.is_empty());
    let line = line.map(notice::failure_line);
    let rest = rest
        .into_iter()
        .map(|words| small(words).style(theme::text::toned(Tone::Bad)).into());
    let words = match wrong.len() {
        0 => "Ctrl + Enter creates it.".to_owned(),
        1 => "One field needs a change.".to_owned(),
        n => format!("{n} fields need a change."),
    };
    let tone = if wrong.is_empty() { Tone::Neutral } else { Tone::Bad };
    let label = if screen.sending { "Creating…" } else { "Create task" };
    let ready = shared.api.is_some() && !screen.sending;
    let buttons = row![
        button::with_icon(Kind::Primary, glyph::SEND, label, ready.then_some(Message::Submit)),
        small(words).style(theme::text::toned(tone)),
        fill(),
        button::ghost("Clear", (!screen.form.is_blank()).then_some(Message::Clear)),
    ]
    .spacing(gap::MEDIUM)
    .align_y(Alignment::Center);
    column(line)
        .extend(rest)
        .push(buttons)
        .spacing(gap::SMALL)
        .max_width(1240.0)
        .into()
}

fn what<'a>(screen: &'a NewTaskForm, wrong: &Wrong, shared: &'a Shared) -> Column<'a, Message> {
    column![
        kind(screen, wrong, shared),
        labelled(
            "Description",
            "What lists call it; Markdown.",
            wrong.get(&Field::Description),
            editor(
                &screen.description,
                "What it is for",
                Message::Description,
                Message::Submit
            )
            .min_height(64.0)
            .max_height(220.0),
        ),
        input(screen, wrong),
    ]
    .spacing(gap::LARGE)
}

fn kind<'a>(screen: &'a NewTaskForm, wrong: &Wrong, shared: &'a Shared) -> Element<'a, Message> {
    let written = screen.form.text(Field::Type);
    let types = shared.fleet.task_types();
    let is_known = types.contains(written.trim());
    let like = |kind: &&str| is_known || kind.contains(written.trim());
    // Parts are for the agents that make them; whoever looks for one finds it.
    let searched = !is_known && !written.trim().is_empty();
    let is_whole = |kind: &&str| searched || *kind == written.trim() || !shared.fleet.is_part(kind);
    let choices = types
        .iter()
        .copied()
        .filter(like)
        .filter(is_whole)
        .take(TYPES)
        .map(|kind| button::choice(kind, kind == written.trim(), Message::Set(Field::Type, kind.to_owned())));
    let choices = row(choices).spacing(gap::TINY).wrap().vertical_spacing(gap::TINY);
    let offer = match offered(&shared.fleet.workers, written) {
        None if types.is_empty() && shared.fleet.known => {
            Some(small("No worker is connected: a task would wait for one.").style(theme::text::toned(Tone::Attention)))
        }
        None => None,
        Some(Ok(words)) => Some(small(words).style(theme::text::faint)),
        Some(Err(words)) => Some(small(words).style(theme::text::toned(Tone::Attention))),
    };
    let field = line("Which agent runs it", written, |text| Message::Set(Field::Type, text)).on_submit(Message::Submit);
    let content = column![field].push((!types.is_empty()).then_some(choices)).push(offer);
    labelled("Type", "", wrong.get(&Field::Type), content.spacing(6.0)).into()
}

fn input<'a>(screen: &'a NewTaskForm, wrong: &Wrong) -> Element<'a, Message> {
    let has_type = !screen.form.text(Field::Type).trim().is_empty();
    let can_tidy = !screen.form.text(Field::Input).trim().is_empty() && !wrong.contains_key(&Field::Input);
    let example = match screen.example {
        Example::Asked => small("Asking for it…").style(theme::text::faint).into(),
        Example::None(why) => small(why).style(theme::text::muted).into(),
        Example::Unknown => button::with_icon(
            Kind::Ghost,
            glyph::HISTORY,
            "As the last one",
            has_type.then_some(Message::Example),
        ),
    };
    let in_fields = screen.form.fields.as_ref();
    let switch = screen.shape.is_some().then(|| {
        [("Fields", false), ("JSON", true)]
            .map(|(words, as_json)| button::choice(words, in_fields.is_none() == as_json, Message::AsJson(as_json)))
    });
    let head = row![
        small("Input").font(font::MEDIUM).style(theme::text::muted),
        row(switch.into_iter().flatten()).spacing(gap::TINY),
        fill(),
        example,
    ]
    .push(
        in_fields
            .is_none()
            .then(|| button::with_icon(Kind::Ghost, glyph::CODE, "Tidy", can_tidy.then_some(Message::Tidy))),
    )
    .spacing(gap::SMALL)
    .align_y(Alignment::Center)
    .height(32.0);
    let below_head = screen.cannot.as_ref();
    let below_head = below_head.map(|why| small(why.clone()).style(theme::text::toned(Tone::Attention)));
    if let Some(filled) = &screen.form.fields {
        let mistake = wrong.get(&Field::Input);
        let mistake = mistake.map(|words| small(words.clone()).style(theme::text::toned(Tone::Bad)));
        let fields = fields::view(screen, filled, wrong);
        return column![head].push(mistake).push(fields).spacing(gap::SMALL).into();
    }
    let field = editor(&screen.input, "JSON, or nothing", Message::Input, Message::Submit)
        .font(font::MONO)
        .size(theme::size::SMALL)
        .min_height(150.0)
        .max_height(420.0);
    let below = match wrong.get(&Field::Input) {
        Some(wrong) => small(wrong.clone()).style(theme::text::toned(Tone::Bad)),
        None if can_tidy => small("This is JSON.").style(theme::text::faint),
        None => small("What the agent gets.").style(theme::text::faint),
    };
    column![head]
        .push(below_head)
        .push(field)
        .push(below)
        .spacing(gap::TINY)
        .into()
}

fn how<'a>(screen: &'a NewTaskForm, wrong: &Wrong) -> Column<'a, Message> {
    let form = &screen.form;
    let text = |field: Field, name: &'static str, placeholder: &'static str, help: &'static str| {
        let input = line(placeholder, form.text(field), move |text| Message::Set(field, text));
        labelled(name, help, wrong.get(&field), input.on_submit(Message::Submit))
    };
    let priorities = (1..=10_u8).map(|n| {
        const NAMES: [&str; 10] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];
        button::choice(NAMES[usize::from(n) - 1], form.priority == n, Message::Priority(n))
    });
    let privacy = [
        ("Every worker", Privacy::Normal),
        ("Local workers only", Privacy::Sensitive),
    ]
    .map(|(name, value)| button::choice(name, form.privacy == value, Message::Privacy(value)));
    let checkpoints = [
        ("Never", CheckpointFrequency::None),
        ("At the end", CheckpointFrequency::Low),
        ("When it matters", CheckpointFrequency::Medium),
        ("Each step", CheckpointFrequency::High),
    ]
    .map(|(name, value)| button::choice(name, form.checkpoints == value, Message::Checkpoints(value)));
    let twice = [
        ("Changes nothing", SideEffects::None),
        ("Is the same as once", SideEffects::Idempotent),
        ("Does harm", SideEffects::Once),
    ]
    .map(|(name, value)| button::choice(name, form.side_effects == value, Message::SideEffects(value)));
    column![
        group("Where it runs"),
        text(
            Field::Requires,
            "Requires",
            "tool:ruff, gpu, memory_gb>=16",
            "Labels that a worker must offer."
        ),
        text(
            Field::Prefers,
            "Prefers",
            "os:linux",
            "Labels that a worker should offer."
        ),
        choices("Who may see it", privacy),
        surface::line(),
        group("When"),
        choices("Priority, 1 is first", priorities),
        pair(
            text(Field::Queue, "Queue", "default", ""),
            text(Field::Timeout, "Time limit of an attempt", "none", "Seconds.")
        ),
        surface::line(),
        group("If it fails"),
        pair(
            text(Field::Attempts, "Attempts", "3", "The first one included."),
            text(Field::Backoff, "First wait", "1", "Seconds; doubled each time."),
        ),
        choices("Running it twice", twice),
        surface::line(),
        group("What it may spend and ask"),
        pair(
            text(Field::Tokens, "Tokens", "no limit", "With all that is below it."),
            text(Field::Dollars, "US dollars", "no limit", ""),
        ),
        choices("Asks people", checkpoints).push(small("If its agent does: some never ask.").style(theme::text::faint)),
        text(Field::Labels, "Labels", "team:core, ticket:42", "To find it by."),
    ]
    .spacing(gap::MEDIUM)
}

fn group(name: &str) -> Element<'_, Message> {
    body(name).font(font::MEDIUM).into()
}

fn pair<'a>(left: Column<'a, Message>, right: Column<'a, Message>) -> Element<'a, Message> {
    row![left, right].spacing(gap::MEDIUM).into()
}

fn choices<'a>(name: &'a str, all: impl IntoIterator<Item = Element<'a, Message>>) -> Column<'a, Message> {
    let all = row(all).spacing(gap::TINY).wrap().vertical_spacing(gap::TINY);
    column![small(name).font(font::MEDIUM).style(theme::text::muted), all].spacing(gap::TINY)
}

fn labelled<'a>(
    name: &'a str,
    help: &'a str,
    wrong: Option<&String>,
    input: impl Into<Element<'a, Message>>,
) -> Column<'a, Message> {
    let below = match wrong {
        Some(wrong) => Some(small(wrong.clone()).style(theme::text::toned(Tone::Bad))),
        None if help.is_empty() => None,
        None => Some(small(help).style(theme::text::faint)),
    };
    column![small(name).font(font::MEDIUM).style(theme::text::muted), input.into()]
        .push(below)
        .spacing(gap::TINY)
        .width(Length::Fill)
}
