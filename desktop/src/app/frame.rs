//! What is around every screen: the navigation, the state of the connection, and what is said.

use iced::{
    Alignment, Element, Length, Padding,
    widget::{button, column, container, row, stack},
};
use orchestrator_desktop_model::{Link, Tone, format};
use orchestrator_protocol::TaskState;

use super::{App, Message};
use crate::{
    screen::Route,
    theme::{self, font, gap, glyph},
    widget::{self, body, icon, notice, small},
};

/// Everything, around a screen.
pub(super) fn view<'a>(app: &'a App, screen: Element<'a, Message>) -> Element<'a, Message> {
    // With and without a banner: what is scrolled or followed would forget where it is otherwise.
    let above = banner(app).unwrap_or_else(|| iced::widget::space().into());
    let main = column![above, screen].width(Length::Fill).height(Length::Fill);
    let line = container(iced::widget::space())
        .width(1.0)
        .height(Length::Fill)
        .style(theme::container::line);
    let all = container(row![side(app), line, main])
        .width(Length::Fill)
        .height(Length::Fill)
        .style(theme::container::ground);
    stack![all].push((!app.said.is_empty()).then(|| said(app))).into()
}

fn side(app: &App) -> Element<'_, Message> {
    let fleet = &app.shared.fleet;
    let running = fleet.count(TaskState::Running);
    let narrow = app.shared.is_narrow();
    let places = column![
        place(
            app,
            Route::Overview,
            glyph::LAYOUT_DASHBOARD,
            "Overview",
            0,
            Tone::Neutral
        ),
        place(app, Route::Tasks, glyph::LIST_CHECKS, "Tasks", running, Tone::Active),
        place(
            app,
            Route::Checkpoints(None),
            glyph::INBOX,
            "Checkpoints",
            fleet.checkpoints.len() as u64,
            Tone::Attention
        ),
        place(
            app,
            Route::Workers,
            glyph::SERVER,
            "Workers",
            fleet.workers.len() as u64,
            Tone::Neutral
        ),
    ]
    .spacing(2.0);
    let name = row![icon(glyph::WORKFLOW).size(20.0).style(theme::text::accent)]
        .push((!narrow).then(|| widget::heading("Orchestrator")))
        .spacing(gap::SMALL)
        .align_y(Alignment::Center)
        .padding([gap::TINY, 10.0]);
    let foot = column![
        find(narrow),
        place(app, Route::NewTask, glyph::PLUS, "New task", 0, Tone::Neutral),
        place(app, Route::Settings, glyph::SETTINGS, "Settings", 0, Tone::Neutral),
        connection(app, narrow),
    ]
    .spacing(2.0);
    let all = column![name, places, iced::widget::space().height(Length::Fill), foot]
        .spacing(gap::LARGE)
        .padding([gap::LARGE, if narrow { 6.0 } else { 10.0 }])
        .width(if narrow { 84.0 } else { 216.0 });
    container(all).height(Length::Fill).style(theme::container::side).into()
}

fn place<'a>(app: &App, route: Route, glyph: char, name: &'a str, count: u64, tone: Tone) -> Element<'a, Message> {
    let here = match (app.route, route) {
        (Route::Checkpoints(_), Route::Checkpoints(_)) | (Route::Task(_), Route::Tasks) => true,
        (here, there) => here == there,
    };
    let narrow = app.shared.is_narrow();
    let number = (count > 0).then(|| small(format::count(count)).style(theme::text::toned(tone)));
    let content = row![icon(glyph).size(17.0)]
        .push((!narrow).then(|| body(name).font(font::MEDIUM).width(Length::Fill)))
        .push(number)
        .spacing(if narrow { 5.0 } else { 10.0 })
        .align_y(Alignment::Center);
    let button = button(content)
        .padding([7.0, 10.0])
        .width(Length::Fill)
        .style(theme::button::choice(here))
        .on_press(Message::Go(route));
    let press = widget::press::press(button, Some(Message::Go(route)));
    if narrow {
        widget::button::hint(press, name)
    } else {
        press
    }
}

/// The way to the command palette, for who does not know its keys yet.
fn find<'a>(narrow: bool) -> Element<'a, Message> {
    let words = (!narrow).then(|| body("Find").font(font::MEDIUM).width(Length::Fill));
    let keys = (!narrow).then(|| small("Ctrl+K").style(theme::text::faint));
    let content = row![icon(glyph::COMMAND).size(17.0)]
        .push(words)
        .push(keys)
        .spacing(10.0)
        .align_y(Alignment::Center);
    let button = button(content)
        .padding([7.0, 10.0])
        .width(Length::Fill)
        .style(theme::button::choice(false))
        .on_press(Message::OpenPalette);
    let press = widget::press::press(button, Some(Message::OpenPalette));
    if narrow {
        widget::button::hint(press, "Find (Ctrl+K)")
    } else {
        press
    }
}

fn connection(app: &App, narrow: bool) -> Element<'_, Message> {
    let (glyph, tone, words) = match &app.shared.link {
        Link::Connecting => (glyph::PLUG, Tone::Neutral, "Connecting…"),
        Link::Live => (glyph::CIRCLE_CHECK, Tone::Good, "Live"),
        Link::Lost { .. } => (glyph::WIFI_OFF, Tone::Attention, "Reconnecting…"),
        Link::Ended(_) => (glyph::UNPLUG, Tone::Bad, "Not connected"),
    };
    let server = app.shared.settings.server().map_or("", |server| server.title());
    let words = (!narrow).then(|| {
        column![
            small(words).style(theme::text::toned(tone)),
            widget::one_line(small(format::clip(server, 26)).style(theme::text::faint))
        ]
    });
    row![icon(glyph).size(15.0).style(theme::text::toned(tone))]
        .push(words)
        .spacing(10.0)
        .align_y(Alignment::Center)
        .padding(Padding::from([gap::SMALL, 11.0]))
        .into()
}

fn banner(app: &App) -> Option<Element<'_, Message>> {
    let again = Some(("Try now", Message::Reconnect));
    let line = match &app.shared.link {
        Link::Connecting | Link::Live => return None,
        Link::Lost { since, reason } => {
            let age = format::ago(*since, app.shared.now);
            let words = format!("Not live since {age}: {reason}. It is tried again by itself.");
            notice::banner(glyph::WIFI_OFF, words, Tone::Attention, again)
        }
        Link::Ended(failure) => {
            let words = format!("{}: {}. {}", failure.title(), failure.message, failure.advice());
            notice::banner(glyph::UNPLUG, words, Tone::Bad, again)
        }
    };
    Some(
        container(line)
            .padding(Padding::from([gap::MEDIUM, 28.0]).bottom(0.0))
            .into(),
    )
}

fn said(app: &App) -> Element<'_, Message> {
    // Where one decides, the buttons are in that corner.
    let above = if matches!(app.route, Route::Checkpoints(_)) {
        160.0
    } else {
        gap::HUGE
    };
    let lines = app.said.iter().map(|said| {
        let glyph = match said.tone {
            Tone::Good => glyph::CIRCLE_CHECK,
            Tone::Bad => glyph::CIRCLE_X,
            Tone::Attention => glyph::TRIANGLE_ALERT,
            _ => glyph::INFO,
        };
        let line = row![icon(glyph).style(theme::text::toned(said.tone)), body(&said.words)];
        container(line.spacing(gap::SMALL).align_y(Alignment::Center))
            .padding([10.0, 14.0])
            .max_width(420.0)
            .style(theme::container::overlay)
            .into()
    });
    let all = column(lines).spacing(gap::SMALL).align_x(Alignment::End);
    container(all)
        .padding(Padding::from(gap::HUGE).bottom(above))
        .width(Length::Fill)
        .height(Length::Fill)
        .align_x(Alignment::End)
        .align_y(Alignment::End)
        .into()
}
