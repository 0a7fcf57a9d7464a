//! What the settings look like.

use iced::{
    Alignment, Element, Length,
    widget::{column, container, row, text::Wrapping},
};
use orchestrator_desktop_model::{
    Link, Tone, format,
    servers::Draft,
    settings::{Mode, Server},
};

use super::{Message, Secret, SettingsScreen, Test, verdict};
use crate::{
    screen::Shared,
    secret::Kept,
    theme::{self, font, gap, glyph},
    widget::{
        body, button,
        button::Kind,
        field::{field, line},
        fill, icon, notice, small, surface,
    },
};

/// The screen.
pub(super) fn view<'a>(screen: &'a SettingsScreen, shared: &'a Shared) -> Element<'a, Message> {
    let kept = screen.kept.as_ref().map(kept);
    let cards = column![servers(screen, shared)]
        .push(kept)
        .push(surface::card("Look", look(shared)))
        .spacing(gap::LARGE)
        .max_width(760.0);
    surface::page("Settings", Vec::new(), surface::scroll(cards).height(Length::Fill))
}

fn look<'a>(shared: &Shared) -> Element<'a, Message> {
    let modes = Mode::ALL.map(|mode| {
        let name = match mode {
            Mode::System => "As the system",
            Mode::Light => "Light",
            Mode::Dark => "Dark",
        };
        button::choice(name, shared.settings.mode == mode, Message::Mode(mode))
    });
    field("Theme", "", None, row(modes).spacing(gap::TINY)).into()
}

fn kept(kept: &Kept) -> Element<'_, Message> {
    match kept {
        Kept::InKeyring => notice::banner(
            glyph::LOCK,
            "The token is kept in the system's keyring.",
            Tone::Good,
            None,
        ),
        Kept::InMemory(why) => {
            let words = format!("The token is kept only until the app ends: {why}.");
            notice::banner(glyph::LOCK, words, Tone::Attention, None)
        }
    }
}

fn servers<'a>(screen: &'a SettingsScreen, shared: &'a Shared) -> Element<'a, Message> {
    let all = &shared.settings.servers;
    let last = all.len() < 2;
    let rows = all.iter().enumerate().map(|(place, server)| match &screen.draft {
        Some(edited) if edited.place == Some(place) => draft(screen, edited),
        _ => one(screen, place, server, last, shared),
    });
    let lined = rows.flat_map(|row| [surface::line(), row]).skip(1);
    let new = match &screen.draft {
        Some(new) if new.place.is_none() => Some(column![surface::line(), draft(screen, new)].spacing(gap::MEDIUM)),
        _ => None,
    };
    let add = (screen.draft.is_none()).then(|| {
        row![button::with_icon(
            Kind::Secondary,
            glyph::PLUS,
            "Add a server",
            Some(Message::Add)
        )]
    });
    surface::card("Servers", column(lined).push(new).push(add).spacing(gap::MEDIUM))
}

fn one<'a>(
    screen: &'a SettingsScreen,
    place: usize,
    server: &'a Server,
    last: bool,
    shared: &'a Shared,
) -> Element<'a, Message> {
    let in_use = shared.settings.server() == Some(server);
    let (glyph, tone, word) = match &shared.link {
        _ if !in_use => (glyph::CIRCLE, Tone::Neutral, ""),
        Link::Live => (glyph::CIRCLE_CHECK, Tone::Good, "In use, live"),
        Link::Connecting => (glyph::PLUG, Tone::Neutral, "In use, connecting…"),
        Link::Lost { .. } => (glyph::WIFI_OFF, Tone::Attention, "In use, reconnecting…"),
        Link::Ended(_) => (glyph::UNPLUG, Tone::Bad, "In use, not connected"),
    };
    let address = (!server.name.is_empty()).then(|| {
        small(format::clip(&server.url, 80))
            .style(theme::text::muted)
            .wrapping(Wrapping::WordOrGlyph)
    });
    let name = body(format::clip(server.title(), 60))
        .font(font::MEDIUM)
        .wrapping(Wrapping::WordOrGlyph);
    let words = column![name]
        .push(address)
        .push((!word.is_empty()).then(|| small(word).style(theme::text::toned(tone))))
        .spacing(2.0)
        .width(Length::Fill);
    let actions = if screen.removing == Some(place) {
        row![
            small("Its token is forgotten too.").style(theme::text::muted),
            button::ghost("Keep it", Some(Message::Keep)),
            button::danger("Remove it", Some(Message::Confirm(place))),
        ]
    } else {
        row(None)
            .push((!in_use).then(|| button::secondary("Use", Some(Message::Use(place)))))
            .push(button::ghost("Test", Some(Message::Try(place))))
            .push(button::ghost("Change", Some(Message::Edit(place))))
            .push((!last).then(|| button::only_icon(glyph::TRASH_2, "Remove", Some(Message::Remove(place)))))
    };
    let line = row![
        icon(glyph).style(theme::text::toned(tone)),
        words,
        actions.spacing(gap::TINY).align_y(Alignment::Center)
    ]
    .spacing(gap::MEDIUM)
    .align_y(Alignment::Center);
    column![line]
        .push(test(&screen.test, &server.url))
        .spacing(gap::SMALL)
        .into()
}

fn test<'a>(test: &'a Test, url: &str) -> Option<Element<'a, Message>> {
    match test {
        Test::Running(of) if of == url => Some(small("Asking it…").style(theme::text::muted).into()),
        Test::Done(of, result) if of == url => {
            let (tone, words) = verdict(result);
            let glyph = if tone == Tone::Good {
                glyph::CIRCLE_CHECK
            } else {
                glyph::CIRCLE_X
            };
            Some(notice::banner(glyph, words, tone, None))
        }
        _ => None,
    }
}

fn draft<'a>(screen: &'a SettingsScreen, draft: &'a Draft) -> Element<'a, Message> {
    let is_new = draft.place.is_none();
    let token_help = match (is_new, cfg!(feature = "native")) {
        (true, true) => "Only if the server asks for one. Kept in the system's keyring, never in a file.",
        (false, true) => "Empty leaves it as it is. Kept in the system's keyring, never in a file.",
        (_, false) => "Kept in this page's memory, until it is closed.",
    };
    let address = field(
        "Address",
        "Several replicas: separated by commas.",
        screen.wrong.as_deref(),
        line("http://127.0.0.1:8080", &draft.url, Message::Url).on_submit(Message::Save),
    );
    let name = field(
        "Name",
        "",
        None,
        line("What you call it", &draft.name, Message::Name).on_submit(Message::Save),
    );
    let token = field(
        "Token",
        token_help,
        None,
        line("", &draft.token, |text| Message::Token(Secret(text)))
            .secure(true)
            .on_submit(Message::Save),
    );
    let forget = (!is_new).then(|| button::ghost("Forget the token", Some(Message::Forget)));
    let running = matches!(screen.test, Test::Running(_));
    let buttons = row![
        button::primary(if is_new { "Add" } else { "Save" }, Some(Message::Save)),
        button::secondary("Test connection", (!running).then_some(Message::TryDraft)),
        fill(),
    ]
    .push(forget)
    .push(button::ghost("Cancel", Some(Message::GiveUp)))
    .spacing(gap::SMALL)
    .align_y(Alignment::Center);
    let form = column![
        row![
            address.width(Length::FillPortion(3)),
            name.width(Length::FillPortion(2))
        ]
        .spacing(gap::MEDIUM),
        token,
    ]
    .push(test(&screen.test, draft.url.trim()))
    .push(buttons)
    .spacing(gap::MEDIUM);
    container(form).width(Length::Fill).into()
}
