//! What the chosen task was given and what it gave.

use iced::{
    Alignment, Element, Length, Size, Task,
    widget::{Id, column, container, lazy, rich_text, row, sensor, span, text::Span},
};
use orchestrator_desktop_model::{
    format,
    lines::Lines,
    pretty::{INDENT, Kind, Pretty},
    reading::Reading,
};
use orchestrator_protocol::{Json, Task as AnyTask, TaskId};

use crate::{
    screen::Event,
    theme::{self, font, gap, glyph, size},
    widget::{
        button, fill, heading, mono, notice, one_line,
        rows::{self, Scrolled},
        small,
        spoken::spoken,
        surface, work,
    },
};

const ROW: f32 = 19.0;
/// How far a letter of the fixed font goes: 600 of its 1,000 units.
const LETTER: f32 = size::SMALL * 0.6;

/// What is shown of one of them.
#[derive(Debug)]
enum Laid {
    Json(Pretty),
    Lines(Lines),
    Page,
}

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
    laid: Laid,
    /// What is read instead of the JSON, where there is something.
    reading: Option<Reading>,
    /// Whether the JSON is wanted all the same.
    as_json: bool,
    bytes: usize,
    scrolled: Scrolled,
    of: Option<TaskId>,
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
    /// The input is to be shown as JSON, or as what is read of it.
    TurnInput,
    /// The output is.
    TurnOutput,
}

impl Default for Laid {
    fn default() -> Self {
        Self::Json(Pretty::default())
    }
}

impl Laid {
    fn new(reading: Option<&Reading>, json: &Json) -> Self {
        match reading {
            Some(Reading::Lines(text)) => Self::Lines(Lines::new(text)),
            Some(Reading::Page(..)) => Self::Page,
            None => Self::Json(Pretty::new(json.get())),
        }
    }

    fn wrap(&mut self, columns: usize) {
        match self {
            Self::Json(pretty) => pretty.wrap(columns),
            Self::Lines(lines) => lines.wrap(columns),
            Self::Page => {}
        }
    }
}

impl Side {
    fn new(json: &Json, of: TaskId) -> Self {
        let reading = Reading::of(json);
        Self {
            laid: Laid::new(reading.as_ref(), json),
            reading,
            as_json: false,
            bytes: json.get().len(),
            scrolled: Scrolled::default(),
            of: Some(of),
        }
    }

    /// Shows the JSON, or what is read of it.
    fn turn(&mut self, json: Option<&Json>) {
        let Some(json) = json else { return };
        self.as_json = !self.as_json;
        self.scrolled = Scrolled::default();
        self.laid = Laid::new(self.reading.as_ref().filter(|_| !self.as_json), json);
    }

    /// What is copied: a text as itself, anything else as JSON.
    fn copied(&self) -> String {
        match (&self.laid, &self.reading) {
            (Laid::Json(pretty), _) => pretty.whole(),
            (_, reading) => reading.as_ref().map(Reading::source).unwrap_or_default().to_owned(),
        }
    }
}

impl ResultView {
    /// Shows a task; what is shown already stays where it is.
    pub(super) fn show(&mut self, task: &AnyTask) {
        let output = task.output.as_ref();
        let of = (
            task.id,
            task.input.get().len(),
            output.map_or(0, |output| output.get().len()),
        );
        if self.of == Some(of) {
            return;
        }
        self.of = Some(of);
        self.input = Side::new(&task.input, task.id);
        self.output = output.map(|output| Side::new(output, task.id)).unwrap_or_default();
        self.fit();
    }

    /// Breaks long lines so that they fit.
    fn fit(&mut self) {
        if let Some(columns) = self.columns {
            self.input.laid.wrap(columns);
            self.output.laid.wrap(columns);
        }
    }

    pub(super) fn update(
        &mut self,
        message: &Message,
        task: Option<&AnyTask>,
    ) -> (Task<super::Message>, Option<Event>) {
        match message {
            Message::Input(scrolled) => self.input.scrolled = *scrolled,
            Message::Output(scrolled) => self.output.scrolled = *scrolled,
            Message::Sized(size) => {
                // With what is around them, and the bar.
                self.columns = Some(((size.width - 2.0 * gap::MEDIUM - 8.0) / LETTER).max(0.0) as usize);
                self.fit();
            }
            Message::CopyInput => return (Task::none(), Some(Event::Copy(self.input.copied()))),
            Message::CopyOutput => return (Task::none(), Some(Event::Copy(self.output.copied()))),
            Message::TurnInput => {
                self.input.turn(task.map(|task| &task.input));
                self.fit();
            }
            Message::TurnOutput => {
                self.output.turn(task.and_then(|task| task.output.as_ref()));
                self.fit();
            }
        }
        (Task::none(), None)
    }

    pub(super) fn view<'a>(&'a self, task: &'a AnyTask) -> Element<'a, Message> {
        let nothing = match (&task.output, task.state.is_terminal()) {
            (None, false) => Some("It has not given anything yet."),
            (None, true) => Some("It ended without an output."),
            (Some(_), _) => None,
        };
        row![self.input.view(&INPUT, None), self.output.view(&OUTPUT, nothing),]
            .spacing(gap::MEDIUM)
            .into()
    }
}

/// What the two sides are called and say.
struct Named {
    name: &'static str,
    id: &'static str,
    copy: Message,
    turn: Message,
    scroll: fn(Scrolled) -> Message,
}

const INPUT: Named = Named {
    name: "Input",
    id: "input",
    copy: Message::CopyInput,
    turn: Message::TurnInput,
    scroll: Message::Input,
};

const OUTPUT: Named = Named {
    name: "Output",
    id: "output-json",
    copy: Message::CopyOutput,
    turn: Message::TurnOutput,
    scroll: Message::Output,
};

impl Side {
    fn view<'a>(&'a self, named: &'static Named, nothing: Option<&'a str>) -> Element<'a, Message> {
        let bytes = (self.bytes > 0).then(|| small(format::bytes(self.bytes as u64)).style(theme::text::faint));
        let turn = self.reading.is_some().then(|| {
            let label = if self.as_json { "As text" } else { "As JSON" };
            button::ghost(label, Some(named.turn.clone()))
        });
        let copy = (self.bytes > 0).then(|| named.copy.clone());
        let head = row![heading(named.name)]
            .push(bytes)
            .push(fill())
            .push(turn)
            .push(button::only_icon(glyph::COPY, "Copy", copy))
            .spacing(gap::SMALL)
            .padding([gap::TINY, gap::MEDIUM])
            .align_y(Alignment::Center);
        let content = match (nothing, &self.laid) {
            (Some(nothing), _) => notice::empty(glyph::FILE_JSON, "Nothing yet", nothing, None),
            (None, Laid::Json(pretty)) => {
                let window = rows::window(pretty.len(), ROW, self.scrolled);
                let shown = pretty.shown(window.clone()).map(json_row).collect();
                Self::rows(named, pretty.len(), &window, shown)
            }
            (None, Laid::Lines(lines)) => {
                let window = rows::window(lines.len(), ROW, self.scrolled);
                let shown = lines
                    .shown(window.clone())
                    .map(|line| one_line(mono(line)).into())
                    .collect();
                Self::rows(named, lines.len(), &window, shown)
            }
            (None, Laid::Page) => self.page(),
        };
        super::pane(column![head, surface::line(), content])
    }

    /// A page, made once: until the task or what it gave is another one.
    fn page(&self) -> Element<'_, Message> {
        let Some(page) = self.reading.as_ref().and_then(Reading::page) else {
            return iced::widget::space().into();
        };
        let page = lazy((self.of, self.bytes), move |_| work::view(page));
        // What is made lazily says of itself that it is narrow.
        surface::scroll(container(page).width(Length::Fill).padding([gap::MEDIUM, gap::LARGE]))
            .height(Length::Fill)
            .into()
    }

    fn rows<'a>(
        named: &Named,
        count: usize,
        window: &std::ops::Range<usize>,
        shown: Vec<Element<'a, Message>>,
    ) -> Element<'a, Message> {
        let shown = shown.into_iter().enumerate().map(|(n, line)| {
            let line = container(line)
                .height(ROW)
                .padding([0.0, gap::MEDIUM])
                .clip(true)
                .width(Length::Fill);
            (window.start + n, line.into())
        });
        let lines = rows::rows(Id::new(named.id), count, ROW, window, shown, named.scroll);
        let lines = container(lines).padding([gap::SMALL, 0.0]);
        sensor(lines).on_show(Message::Sized).on_resize(Message::Sized).into()
    }
}

fn json_row((depth, pieces): (usize, Vec<(Kind, &str)>)) -> Element<'_, Message> {
    let told: String = pieces.iter().map(|(_, piece)| *piece).collect();
    let words = rich_text(pieces.into_iter().flat_map(words).collect::<Vec<_>>())
        .size(size::SMALL)
        .font(font::MONO)
        .wrapping(iced::widget::text::Wrapping::None);
    let indent = iced::widget::space().width((depth * INDENT) as f32 * LETTER);
    row![indent, spoken(words, told)].into()
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

#[cfg(test)]
mod tests {
    use orchestrator_desktop_model::testing;
    use orchestrator_protocol::TaskState;
    use serde_json::{Value, json};

    use super::*;
    use crate::screen::testing::{look, shows};

    fn gave(output: Value) -> AnyTask {
        let mut task = testing::task(1, None, TaskState::Succeeded);
        task.output = Some(Json::from(output));
        task
    }

    fn shown(task: &AnyTask) -> ResultView {
        let mut view = ResultView::default();
        let _ = view.update(&Message::Sized(Size::new(600.0, 400.0)), Some(task));
        view.show(task);
        view
    }

    /// What is copied when everything that is pressed was pressed.
    fn copied(view: &mut ResultView, task: &AnyTask, pressed: &[Message]) -> String {
        for message in pressed {
            let _ = view.update(message, Some(task));
        }
        match view.update(&Message::CopyOutput, Some(task)).1 {
            Some(Event::Copy(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_page_is_read_and_its_source_is_copied() {
        let page = "# Review of `shop`\n\n**Verdict: fair**\n\n| dimension | score |\n|---|--:|\n| security | 3.0 |";
        for output in [json!(page), json!({"report": {"findings": []}, "markdown": page})] {
            let task = gave(output);
            let mut view = shown(&task);
            for words in ["Review of shop", "Verdict: fair", "dimension", "3.0", "As JSON"] {
                assert!(shows(view.view(&task), words), "{words}");
            }
            let verdict = look(view.view(&task))
                .find("Verdict: fair")
                .expect("the words")
                .bounds();
            assert!(
                verdict.width > 60.0 && verdict.height < 30.0,
                "on one line: {verdict:?}"
            );
            assert_eq!(copied(&mut view, &task, &[]), page);
            let json = copied(&mut view, &task, &[Message::TurnOutput]);
            assert!(json.contains("\\n\\n**Verdict"), "{json}");
            assert!(shows(view.view(&task), "As text") && !shows(view.view(&task), "Verdict: fair"));
        }
    }

    #[test]
    fn a_text_is_shown_as_it_is_whatever_its_size() {
        let text = "a \"line\" of ten megabytes\n".repeat(400_000);
        let task = gave(json!(text));
        let mut view = shown(&task);
        assert!(shows(view.view(&task), "a \"line\" of ten megabytes"));
        assert_eq!(copied(&mut view, &task, &[]).len(), text.len());
        let turned = copied(&mut view, &task, &[Message::TurnOutput, Message::TurnOutput]);
        assert_eq!(turned.len(), text.len());
    }

    #[test]
    fn what_is_no_text_is_json() {
        let task = gave(json!({"n": 1}));
        let mut view = shown(&task);
        assert!(look(view.view(&task)).find("As JSON").is_err());
        assert!(shows(view.view(&task), "\"n\":1"));
        assert_eq!(copied(&mut view, &task, &[]), "{\n  \"n\": 1\n}\n");
    }
}
