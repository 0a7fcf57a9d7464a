//! The changes to files that a task's output carries.

use iced::{
    Alignment, Element, Length, Task,
    widget::{Id, column, container, row},
};
use orchestrator_desktop_model::{
    Tone,
    diff::{self, Change, FileDiff, Line},
    format,
};
use orchestrator_protocol::{Task as AnyTask, TaskId};

use crate::{
    theme::{self, font, gap, glyph},
    widget::{
        body, mono, notice, one_line,
        press::press,
        rows::{self, Scrolled},
        small, surface,
    },
};

const ROW: f32 = 19.0;

/// The files that were changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    of: Option<(TaskId, usize)>,
    files: Vec<FileDiff>,
    chosen: usize,
    scrolled: Scrolled,
}

/// What happens there.
#[derive(Debug, Clone)]
pub enum Message {
    /// A file was chosen.
    Choose(usize),
    /// The lines were scrolled.
    Scrolled(Scrolled),
}

impl Changes {
    pub(super) fn show(&mut self, task: &AnyTask) {
        let output = task.output.as_ref();
        let of = (task.id, output.map_or(0, |output| output.get().len()));
        if self.of != Some(of) {
            *self = Self {
                of: Some(of),
                files: output
                    .map(|output| diff::in_output(&output.to_value()))
                    .unwrap_or_default(),
                ..Self::default()
            };
        }
    }

    /// How many files were changed.
    pub(super) fn count(&self) -> usize {
        self.files.len()
    }

    pub(super) fn update(&mut self, message: &Message) -> Task<super::Message> {
        match message {
            Message::Choose(file) => {
                self.chosen = *file;
                self.scrolled = Scrolled::default();
                return iced::widget::operation::snap_to(
                    Id::new("changes"),
                    iced::widget::operation::RelativeOffset { x: 0.0, y: 0.0 },
                );
            }
            Message::Scrolled(scrolled) => self.scrolled = *scrolled,
        }
        Task::none()
    }

    pub(super) fn view(&self) -> Element<'_, Message> {
        let Some(file) = self.files.get(self.chosen).or(self.files.first()) else {
            let advice = "When the output of the chosen task carries a diff, it comes up here, file by file.";
            return super::pane(notice::empty(glyph::DIFF, "No changes to files", advice, None));
        };
        let files = self.files.iter().enumerate().map(|(n, other)| {
            let name = one_line(body(shortened(&other.path)));
            let counts = row![
                small(format!("+{}", other.added)).style(theme::text::toned(Tone::Good)),
                small(format!("−{}", other.removed)).style(theme::text::toned(Tone::Bad)),
            ]
            .spacing(gap::TINY);
            let content = row![container(name).width(Length::Fill).clip(true), counts].spacing(gap::SMALL);
            let button = iced::widget::button(content)
                .padding([5.0, 10.0])
                .style(theme::button::row(n == self.chosen))
                .on_press(Message::Choose(n));
            press(button, Some(Message::Choose(n)))
        });
        let files = surface::scroll(column(files)).height(Length::Fill);
        let title = match &file.was {
            Some(was) => format!("{was} → {}", file.path),
            None => file.path.clone(),
        };
        let head = container(one_line(mono(title)))
            .padding([gap::SMALL, gap::MEDIUM])
            .width(Length::Fill)
            .clip(true);
        let content = match &file.note {
            Some(note) if file.lines.is_empty() => notice::empty(glyph::FILE_TEXT, "No lines to show", note, None),
            _ => self.lines(file),
        };
        row![
            container(super::pane(files)).width(Length::FillPortion(1)),
            container(super::pane(column![head, surface::line(), content])).width(Length::FillPortion(3)),
        ]
        .spacing(gap::MEDIUM)
        .into()
    }

    fn lines<'a>(&'a self, file: &'a FileDiff) -> Element<'a, Message> {
        let window = rows::window(file.lines.len(), ROW, self.scrolled);
        let shown = file.lines[window.clone()]
            .iter()
            .enumerate()
            .map(|(n, one)| (window.start + n, line(one)));
        rows::rows(
            Id::new("changes"),
            file.lines.len(),
            ROW,
            &window,
            shown,
            Message::Scrolled,
        )
    }
}

/// A path with its end, which tells more, when it is long.
fn shortened(path: &str) -> String {
    let count = path.chars().count();
    if count <= 34 {
        return path.to_owned();
    }
    let end: String = path.chars().skip(count - 32).collect();
    format!("…{end}")
}

fn line(line: &Line) -> Element<'_, Message> {
    let number =
        |n: Option<u32>| mono(n.map_or_else(|| "     ".to_owned(), |n| format!("{n:>5}"))).style(theme::text::faint);
    let (sign, tone) = match line.change {
        Change::Added => ("+", Some(Tone::Good)),
        Change::Removed => ("-", Some(Tone::Bad)),
        Change::Part => (" ", Some(Tone::Active)),
        Change::Same => (" ", None),
    };
    let text = one_line(mono(format::clip(&line.text, 1_000)).font(font::MONO));
    let text = match line.change {
        Change::Part => text.style(theme::text::toned(Tone::Active)),
        _ => text,
    };
    let content = row![number(line.before), number(line.after), mono(sign), text]
        .spacing(gap::SMALL)
        .align_y(Alignment::Center);
    let line = container(content)
        .height(ROW)
        .padding([0.0, gap::SMALL])
        .width(Length::Fill)
        .clip(true);
    match tone {
        Some(tone) => line.style(theme::container::changed(tone)).into(),
        None => line.into(),
    }
}
