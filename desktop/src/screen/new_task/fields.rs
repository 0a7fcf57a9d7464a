//! What an input looks like that has fields.

use iced::{
    Element, Length, Padding,
    widget::{Column, column, pick_list, row},
};
use orchestrator_desktop_model::{
    Tone,
    form::{Field, Wrong},
    schema::{Choice, Filled, Kind, Slot, Spot},
};
use orchestrator_protocol::Json;

use super::{Message, NewTaskForm};
use crate::{
    theme::{self, font, gap},
    widget::{body, button, editor::editor, field::line, small},
};

/// More than these to choose from are a list that opens.
const IN_SIGHT: usize = 8;

/// The fields.
pub(super) fn view<'a>(screen: &'a NewTaskForm, filled: &'a Filled, wrong: &Wrong) -> Element<'a, Message> {
    let shape = filled.shape();
    let help = (!shape.help.is_empty()).then(|| small(&*shape.help).style(theme::text::faint));
    let slots = shape.slots.iter().enumerate().map(|(outer, slot)| {
        let spot = Spot::of(outer);
        match &slot.kind {
            Kind::Group(slots) => group(screen, filled, wrong, (spot, slot), slots),
            _ => field(screen, filled, wrong, spot, slot),
        }
    });
    column(help.map(Element::from))
        .extend(slots)
        .push(unshown(filled))
        .spacing(gap::MEDIUM)
        .into()
}

/// What the input holds beside the fields.
fn unshown(filled: &Filled) -> Option<Element<'_, Message>> {
    let names: Vec<&str> = filled.unshown().take(8).collect();
    let words = format!("Also in the input, without a field: {}.", names.join(", "));
    let drop = button::ghost("Remove", Some(Message::DropUnshown));
    let line = row![small(words).style(theme::text::muted), drop].spacing(gap::SMALL);
    (!names.is_empty()).then(|| line.align_y(iced::Alignment::Center).wrap().into())
}

fn group<'a>(
    screen: &'a NewTaskForm,
    filled: &'a Filled,
    wrong: &Wrong,
    (spot, slot): (Spot, &'a Slot),
    slots: &'a [Slot],
) -> Element<'a, Message> {
    let inner = slots.iter().enumerate();
    let inner = inner.map(|(inner, slot)| field(screen, filled, wrong, Spot::within(spot.outer, inner), slot));
    let help = (!slot.help.is_empty()).then(|| small(&*slot.help).style(theme::text::faint));
    let mistake = wrong.get(&Field::Slot(spot)).cloned();
    column![body(named(slot)).font(font::MEDIUM)]
        .push(help)
        .push(mistake.map(|words| small(words).style(theme::text::toned(Tone::Bad))))
        .push(Column::with_children(inner).spacing(gap::MEDIUM))
        .spacing(gap::SMALL)
        .padding(Padding::ZERO.left(gap::LARGE))
        .into()
}

/// The name of a field: a star for what must be filled in.
fn named(slot: &Slot) -> String {
    let star = if slot.required { " *" } else { "" };
    format!("{}{star}", slot.title)
}

fn field<'a>(
    screen: &'a NewTaskForm,
    filled: &'a Filled,
    wrong: &Wrong,
    spot: Spot,
    slot: &'a Slot,
) -> Element<'a, Message> {
    let below = match wrong.get(&Field::Slot(spot)) {
        Some(mistake) => Some(small(mistake.clone()).style(theme::text::toned(Tone::Bad))),
        None => Some(help(slot))
            .filter(|words| !words.is_empty())
            .map(|words| small(words).style(theme::text::faint)),
    };
    column![
        small(named(slot)).font(font::MEDIUM).style(theme::text::muted),
        input(screen, filled, spot, slot)
    ]
    .push(below)
    .spacing(gap::TINY)
    .width(Length::Fill)
    .into()
}

fn input<'a>(screen: &'a NewTaskForm, filled: &'a Filled, spot: Spot, slot: &'a Slot) -> Element<'a, Message> {
    if let Some(content) = screen.contents.get(&spot) {
        let placeholder = match slot.kind {
            Kind::Json if slot.placeholder.is_empty() => "JSON",
            _ => &*slot.placeholder,
        };
        let lines = editor(
            content,
            placeholder,
            move |action| Message::Lines(spot, action),
            Message::Submit,
        );
        let lines = lines.min_height(64.0).max_height(260.0);
        return match slot.kind {
            Kind::Json => lines.font(font::MONO).size(theme::size::SMALL).into(),
            _ => lines.into(),
        };
    }
    match &slot.kind {
        Kind::Flag => {
            let answers = [("Yes", true), ("No", false)];
            choices(
                answers.map(|(words, value)| (words, Json::from(serde_json::Value::from(value)))),
                filled,
                spot,
                slot,
            )
        }
        Kind::Choice(all) if all.len() <= IN_SIGHT => choices(
            all.iter().map(|one| (&*one.title, one.value.clone())),
            filled,
            spot,
            slot,
        ),
        Kind::Choice(all) => list(all, filled, spot, slot),
        _ => line(&slot.placeholder, &filled.text(spot), move |text| {
            Message::Line(spot, text)
        })
        .on_submit(Message::Submit)
        .into(),
    }
}

/// Everything that can be chosen, in sight. What counts when nothing is chosen looks chosen.
fn choices<'a>(
    all: impl IntoIterator<Item = (&'a str, Json)>,
    filled: &Filled,
    spot: Spot,
    slot: &Slot,
) -> Element<'a, Message> {
    let chosen = filled.picked(spot).or_else(|| slot.default.clone());
    let all = all.into_iter().map(|(words, value)| {
        let is_chosen = chosen.as_ref() == Some(&value);
        button::choice(words, is_chosen, Message::Pick(spot, value))
    });
    row(all).spacing(gap::TINY).wrap().vertical_spacing(gap::TINY).into()
}

fn list<'a>(all: &'a [Choice], filled: &Filled, spot: Spot, slot: &'a Slot) -> Element<'a, Message> {
    let picked = filled.picked(spot);
    let chosen = all.iter().find(|choice| Some(&choice.value) == picked.as_ref());
    let titles: Vec<&'a str> = all.iter().map(|choice| &*choice.title).collect();
    let pick = move |title: &'a str| {
        let choice = all.iter().find(|choice| choice.title == title);
        Message::Pick(spot, choice.map_or(Json::NULL, |choice| choice.value.clone()))
    };
    let placeholder = if slot.placeholder.is_empty() {
        "Choose one"
    } else {
        &*slot.placeholder
    };
    pick_list(titles, chosen.map(|choice| &*choice.title), pick)
        .placeholder(placeholder)
        .width(Length::Fill)
        .text_size(theme::size::BODY)
        .padding([7.0, 10.0])
        .style(theme::pick_list::field)
        .menu_style(theme::pick_list::menu)
        .into()
}

/// What helps to fill a field in.
fn help(slot: &Slot) -> String {
    let rule = match &slot.kind {
        Kind::Whole(bounds) | Kind::Number(bounds) => bounds.words().map(|words| format!("It must be {words}.")),
        Kind::Texts { .. } => Some("One a line.".to_owned()),
        Kind::Json => Some("JSON.".to_owned()),
        _ => None,
    };
    let parts = [slot.help.clone(), rule.unwrap_or_default()];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}
