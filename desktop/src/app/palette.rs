//! The command palette: Ctrl+K, a few letters, Enter.

use iced::{
    Alignment, Element, Length, Padding, Task,
    keyboard::{Key, key::Named},
    widget::{Id, column, container, mouse_area, opaque, operation, row, text_input},
};
use orchestrator_desktop_model::{
    format,
    list::Filter,
    palette::{self, Entry},
    settings::Mode,
};
use orchestrator_protocol::{TaskId, TaskState};

use super::App;
use crate::{
    screen::{Event, Route},
    theme::{self, font, gap, glyph, size},
    widget::{body, hotkeys::hotkeys, icon, one_line, small, surface},
};

const FIELD: Id = Id::new("palette");

/// How many entries are shown.
const MOST: usize = 10;

/// The palette, while it is open.
#[derive(Debug)]
pub(super) struct Palette {
    typed: String,
    entries: Vec<Entry<Command>>,
    place: usize,
}

/// What an entry does.
#[derive(Debug, Clone, PartialEq)]
enum Command {
    Go(Route),
    List(Filter),
    Mode(Mode),
    Reconnect,
}

/// What happens in the palette.
#[derive(Debug, Clone)]
pub enum Message {
    /// Something was typed.
    Typed(String),
    /// The entry below, or above.
    Step(bool),
    /// This entry was pressed; none means the one that is marked.
    Run(Option<usize>),
    /// It is to close.
    Close,
    /// A key that means nothing, here or behind it.
    Nothing,
}

impl Command {
    const fn glyph(&self) -> char {
        match self {
            Self::Go(Route::Overview) => glyph::LAYOUT_DASHBOARD,
            Self::Go(Route::Tasks) => glyph::LIST_CHECKS,
            Self::Go(Route::Task(_)) => glyph::GIT_FORK,
            Self::Go(Route::Checkpoints(_)) => glyph::INBOX,
            Self::Go(Route::Workers) => glyph::SERVER,
            Self::Go(Route::NewTask) => glyph::PLUS,
            Self::Go(Route::Settings) => glyph::SETTINGS,
            Self::List(_) => glyph::SEARCH,
            Self::Mode(_) => glyph::SUN,
            Self::Reconnect => glyph::REFRESH_CW,
        }
    }
}

fn entry(value: Command, name: impl Into<String>, note: impl Into<String>) -> Entry<Command> {
    Entry {
        value,
        name: name.into(),
        note: note.into(),
    }
}

impl Palette {
    /// The palette, with what there is to find now.
    fn new(app: &App) -> Self {
        let mut entries = vec![
            entry(Command::Go(Route::NewTask), "New task", "N or Ctrl+N"),
            entry(Command::Go(Route::Overview), "Go to overview", ""),
            entry(Command::Go(Route::Tasks), "Go to tasks", "Ctrl+F searches them"),
            entry(Command::Go(Route::Checkpoints(None)), "Go to checkpoints", ""),
            entry(Command::Go(Route::Workers), "Go to workers", ""),
            entry(Command::Go(Route::Settings), "Go to settings", ""),
        ];
        for state in [
            TaskState::Running,
            TaskState::Failed,
            TaskState::NeedsAttention,
            TaskState::Waiting,
        ] {
            let word = orchestrator_desktop_model::look::task(state).word.to_lowercase();
            let filter = Filter {
                states: vec![state],
                ..Filter::default()
            };
            entries.push(entry(Command::List(filter), format!("Show tasks: {word}"), ""));
        }
        for mode in Mode::ALL {
            let name = format!("Theme: {}", mode.to_string().to_lowercase());
            entries.push(entry(Command::Mode(mode), name, ""));
        }
        entries.push(entry(Command::Reconnect, "Connect anew", ""));
        for checkpoint in &app.shared.fleet.checkpoints {
            let name = format!("Answer: {}", format::first_line(&checkpoint.question, 70));
            entries.push(entry(
                Command::Go(Route::Checkpoints(Some(checkpoint.task.id))),
                name,
                "checkpoint",
            ));
        }
        for task in app.tasks.rows().iter().take(2_000) {
            entries.push(entry(Command::Go(Route::Task(task.id)), &*task.name, &*task.task_type));
        }
        Self {
            typed: String::new(),
            entries,
            place: 0,
        }
    }

    fn shown(&self) -> Vec<Entry<Command>> {
        let mut shown: Vec<Entry<Command>> = palette::matching(&self.entries, &self.typed, MOST)
            .into_iter()
            .cloned()
            .collect();
        let typed = self.typed.trim();
        if let Ok(id) = typed.parse::<TaskId>() {
            shown.insert(
                0,
                entry(Command::Go(Route::Task(id)), "Open this task", format::short_id(id)),
            );
        } else if !typed.is_empty() {
            let filter = Filter::default().typed(typed);
            shown.push(entry(
                Command::List(filter),
                format!("Search the tasks for “{typed}”"),
                "",
            ));
        }
        shown
    }

    pub(super) fn view(&self) -> Element<'_, Message> {
        let field = text_input("What do you want to do?", &self.typed)
            .id(FIELD)
            .on_input(Message::Typed)
            .on_submit(Message::Run(None))
            .size(16.0)
            .padding([14.0, 18.0])
            .style(theme::input::bare);
        let lines = self.shown().into_iter().enumerate().map(|(n, entry)| {
            let content = row![
                icon(entry.value.glyph()).size(16.0).style(theme::text::muted),
                container(one_line(body(entry.name).font(font::MEDIUM)))
                    .width(Length::Fill)
                    .clip(true),
                small(entry.note).style(theme::text::faint),
            ]
            .spacing(gap::MEDIUM)
            .align_y(Alignment::Center);
            iced::widget::button(content)
                .padding([9.0, 18.0])
                .width(Length::Fill)
                .style(theme::button::row(n == self.place))
                .on_press(Message::Run(Some(n)))
                .into()
        });
        let foot = small("↑ ↓ to choose · Enter to do it · Esc to close")
            .size(size::SMALL)
            .style(theme::text::faint);
        let card = container(column![
            field,
            surface::line(),
            // Of one height, so that nothing jumps while one types.
            column(lines)
                .padding([gap::SMALL, 0.0])
                .height(37.0 * MOST as f32 + 2.0 * gap::SMALL),
            surface::line(),
            container(foot).padding([gap::SMALL, 18.0]),
        ])
        .width(620.0)
        .style(theme::container::overlay);
        let veil = container(opaque(card))
            .center_x(Length::Fill)
            .height(Length::Fill)
            .padding(Padding::ZERO.top(110.0))
            .style(theme::container::veil);
        hotkeys(opaque(mouse_area(veil).on_press(Message::Close)), |key, _| match key {
            Key::Named(Named::ArrowDown) => Some(Message::Step(true)),
            Key::Named(Named::ArrowUp) => Some(Message::Step(false)),
            Key::Named(Named::Escape) => Some(Message::Close),
            _ => Some(Message::Nothing),
        })
    }
}

impl App {
    pub(super) fn open_palette(&mut self) -> Task<super::Message> {
        self.palette = Some(Palette::new(self));
        operation::focus(FIELD)
    }

    pub(super) fn palette(&mut self, message: Message) -> Task<super::Message> {
        let Some(palette) = &mut self.palette else {
            return Task::none();
        };
        match message {
            Message::Typed(typed) => {
                palette.typed = typed;
                palette.place = 0;
                Task::none()
            }
            Message::Step(down) => {
                let count = palette.shown().len().max(1);
                palette.place = (palette.place + if down { 1 } else { count - 1 }) % count;
                Task::none()
            }
            Message::Nothing => Task::none(),
            Message::Close => {
                self.palette = None;
                Task::none()
            }
            Message::Run(which) => {
                let entry = palette.shown().into_iter().nth(which.unwrap_or(palette.place));
                self.palette = None;
                match entry.map(|entry| entry.value) {
                    None => Task::none(),
                    Some(Command::Go(route)) => self.go(route),
                    Some(Command::List(filter)) => self.obey(Event::List(filter)),
                    Some(Command::Mode(mode)) => {
                        let mut settings = self.shared.settings.clone();
                        settings.mode = mode;
                        self.obey(Event::Keep(settings))
                    }
                    Some(Command::Reconnect) => self.reconnect(),
                }
            }
        }
    }
}
