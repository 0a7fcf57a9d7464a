//! What the chosen task was given and what it gave.

use iced::{
    Alignment, Element, Length, Size, Task,
    widget::{Id, Row, column, container, rich_text, row, sensor, span, text::Span},
};
use orchestrator_desktop_model::{
    format,
    pretty::{INDENT, Kind, Pretty},
};
use orchestrator_protocol::{Task as AnyTask, TaskId};

use crate::{
    screen::Event,
    theme::{self, font, gap, glyph, size},
    widget::{
        button, fill, heading, notice,
        rows::{self, Scrolled},
        small, surface,
    },
};

const ROW: f32 = 19.0;
/// How far a letter of the fixed font goes: 600 of its 1,000 units.
const LETTER: f32 = size::SMALL * 0.6;

/// Input and output, laid out.
#[derive(Debug, Default)]
pub(super) struct ResultView {
    of: Option<(TaskId, usize, usize)>,
    input: Side,
    output: Side,
    /// How many letters fit beside each other; none before it was drawn.
    columns: Option<usize>,
}

#[derive(Debug, Default)]
struct Side {
    pretty: Pretty,
    bytes: usize,
    scrolled: Scrolled,
}

/// What happens there.
#[derive(Debug, Clone)]
pub enum Message {
    /// The input was scrolled.
    Input(Scrolled),
    /// The output was scrolled.
    Output(Scrolled),
    /// One of them has this size, and the other has the same.
    Sized(Size),
    /// The input is to be copied.
    CopyInput,
    /// The output is to be copied.
    CopyOutput,
}

impl Side {
    fn new(json: &str) -> Self {
        Self {
            pretty: Pretty::new(json),
            bytes: json.len(),
            scrolled: Scrolled::default(),
        }
    }
}

impl ResultView {
    /// Shows a task; what is shown already stays where it is.
    pub(super) fn show(&mut self, task: &AnyTask) {
        let output = task.output.as_ref().map(orchestrator_protocol::Json::get);
        let of = (task.id, task.input.get().len(), output.map_or(0, str::len));
        if self.of == Some(of) {
            return;
        }
        self.of = Some(of);
        self.input = Side::new(task.input.get());
        self.output = output.map(Side::new).unwrap_or_default();
        self.fit();
    }

    /// Breaks long lines so that they fit.
    fn fit(&mut self) {
        if let Some(columns) = self.columns {
            self.input.pretty.wrap(columns);
            self.output.pretty.wrap(columns);
        }
    }

    pub(super) fn update(&mut self, message: &Message) -> (Task<super::Message>, Option<Event>) {
        match message {
            Message::Input(scrolled) => self.input.scrolled = *scrolled,
            Message::Output(scrolled) => self.output.scrolled = *scrolled,
            Message::Sized(size) => {
                // With what is around them, and the bar.
                self.columns = Some(((size.width - 2.0 * gap::MEDIUM - 8.0) / LETTER).max(0.0) as usize);
                self.fit();
            }
            Message::CopyInput => return (Task::none(), Some(Event::Copy(self.input.pretty.whole()))),
            Message::CopyOutput => return (Task::none(), Some(Event::Copy(self.output.pretty.whole()))),
        }
        (Task::none(), None)
    }

    pub(super) fn view<'a>(&'a self, task: &'a AnyTask) -> Element<'a, Message> {
        let nothing = match (&task.output, task.state.is_terminal()) {
            (None, false) => Some("It has not given anything yet."),
            (None, true) => Some("It ended without an output."),
            (Some(_), _) => None,
        };
        row![
            self.input
                .view("Input", "input", None, Message::CopyInput, Message::Input),
            self.output
                .view("Output", "output-json", nothing, Message::CopyOutput, Message::Output),
        ]
        .spacing(gap::MEDIUM)
        .into()
    }
}

impl Side {
    fn view<'a>(
        &'a self,
        name: &'a str,
        id: &'static str,
        nothing: Option<&'a str>,
        copy: Message,
        on_scroll: fn(Scrolled) -> Message,
    ) -> Element<'a, Message> {
        let bytes = (self.bytes > 0).then(|| small(format::bytes(self.bytes as u64)).style(theme::text::faint));
        let head = row![heading(name)]
            .push(bytes)
            .push(fill())
            .push(button::only_icon(glyph::COPY, "Copy", (self.bytes > 0).then_some(copy)))
            .spacing(gap::SMALL)
            .padding([gap::TINY, gap::MEDIUM])
            .align_y(Alignment::Center);
        let content = match nothing {
            Some(nothing) => notice::empty(glyph::FILE_JSON, "Nothing yet", nothing, None),
            None => self.lines(id, on_scroll),
        };
        super::pane(column![head, surface::line(), content])
    }

    fn lines<'a>(&'a self, id: &'static str, on_scroll: fn(Scrolled) -> Message) -> Element<'a, Message> {
        let window = rows::window(self.pretty.len(), ROW, self.scrolled);
        let shown = self
            .pretty
            .shown(window.clone())
            .enumerate()
            .map(|(n, (depth, pieces))| {
                let indent = iced::widget::space().width((depth * INDENT) as f32 * LETTER);
                let line: Row<'_, Message> = row![
                    indent,
                    rich_text(pieces.into_iter().flat_map(words).collect::<Vec<_>>())
                        .size(size::SMALL)
                        .font(font::MONO)
                        .wrapping(iced::widget::text::Wrapping::None)
                ];
                let line = container(line)
                    .height(ROW)
                    .padding([0.0, gap::MEDIUM])
                    .clip(true)
                    .width(Length::Fill);
                (window.start + n, line.into())
            });
        let shown: Vec<_> = shown.collect();
        let count = self.pretty.len();
        let lines = rows::rows(Id::new(id), count, ROW, &window, shown.into_iter(), on_scroll);
        let lines = container(lines).padding([gap::SMALL, 0.0]);
        sensor(lines).on_show(Message::Sized).on_resize(Message::Sized).into()
    }
}

/// A piece of JSON, as it is coloured.
fn words((kind, text): (Kind, &str)) -> Vec<Span<'_>> {
    let mut spans = vec![span(text).color(colour(kind))];
    if kind == Kind::Mark && text == ":" {
        spans.push(span(" "));
    }
    spans
}

/// Colours that can be read on light and on dark alike.
#[allow(clippy::unreadable_literal, reason = "colours are written as everyone writes them")]
fn colour(kind: Kind) -> iced::Color {
    match kind {
        Kind::Key => iced::color!(0x4f8fe6),
        Kind::Text => iced::color!(0x2f9e7f),
        Kind::Number | Kind::Word => iced::color!(0xb9770e),
        Kind::Mark => iced::color!(0x808896),
    }
}
