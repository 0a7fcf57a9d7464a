//! What the chosen task wrote: searched, followed, copied.

use iced::{
    Alignment, Element, Length, Size, Task,
    widget::{Id, column, container, operation, row, sensor, text_input},
};
use orchestrator_desktop_model::{
    Failure, Tone, format,
    output::{Output, Shown},
};
use orchestrator_protocol::{LogLine, Page, TaskId};

use crate::{
    screen::{Event, Shared},
    theme::{self, font, gap, glyph, size},
    widget::{
        button, mono, notice, one_line,
        rows::{self, Scrolled},
        small,
    },
};

const ROW: f32 = 19.0;
/// How far a letter of the fixed font goes: 600 of its 1,000 units.
const LETTER: f32 = size::SMALL * 0.6;
const LINES: Id = Id::new("output");
const SEARCH: Id = Id::new("output-search");

/// How many letters a time takes.
const TIME: usize = 8;

/// What the chosen task wrote.
#[derive(Debug)]
pub struct OutputView {
    task: TaskId,
    output: Output,
    /// A page is on its way.
    asked: bool,
    /// More was written meanwhile.
    behind: bool,
    /// All that was written when it was last asked for is here.
    known: bool,
    follows: bool,
    times: bool,
    needle: String,
    /// The width of the lines with all that is beside them; none before it was drawn.
    width: f32,
    scrolled: Scrolled,
    failure: Option<Failure>,
}

/// What happens there.
#[derive(Debug, Clone)]
pub enum Message {
    /// Lines of a task have come, or not.
    Came(TaskId, Result<Page<LogLine>, Failure>),
    /// It was scrolled.
    Scrolled(Scrolled),
    /// It has another size.
    Sized(Size),
    /// The end is to be followed, or no more.
    Follow(bool),
    /// The times are to be shown, or no more.
    Times(bool),
    /// The field to search in is to have the focus.
    Find,
    /// Something is looked for.
    Search(String),
    /// On to the next that was found, or back.
    Step(bool),
    /// All of it is to be copied.
    Copy,
    /// It is to be asked for again.
    Again,
}

impl OutputView {
    pub(super) fn new(task: TaskId) -> Self {
        Self {
            task,
            output: Output::default(),
            asked: false,
            behind: false,
            known: false,
            follows: true,
            times: false,
            needle: String::new(),
            width: 0.0,
            scrolled: Scrolled::default(),
            failure: None,
        }
    }

    /// Shows what a task wrote.
    pub(super) fn show(&mut self, task: TaskId, shared: &Shared) -> Task<super::Message> {
        if task == self.task && (self.known || self.asked) {
            return Task::none();
        }
        if task != self.task {
            let (times, needle) = (self.times, std::mem::take(&mut self.needle));
            *self = Self {
                times,
                needle,
                width: self.width,
                ..Self::new(task)
            };
            self.output.search(&self.needle);
        }
        self.catch_up(shared)
    }

    /// Asks for what was written since.
    pub(super) fn catch_up(&mut self, shared: &Shared) -> Task<super::Message> {
        if self.asked {
            self.behind = true;
            return Task::none();
        }
        let Some(api) = shared.api.clone() else {
            return Task::none();
        };
        self.asked = true;
        self.behind = false;
        let (task, after) = (self.task, self.output.after());
        let came = async move { api.logs(task, after).await };
        Task::perform(came, move |page| super::Message::Output(Message::Came(task, page)))
    }

    pub(super) fn update(&mut self, message: Message, shared: &Shared) -> (Task<super::Message>, Option<Event>) {
        match message {
            Message::Came(task, page) if task == self.task => (self.came(page, shared), None),
            Message::Came(..) => (Task::none(), None),
            Message::Scrolled(scrolled) => {
                // A list that grows is not one that was scrolled.
                if (scrolled.offset - self.scrolled.offset).abs() > 0.5 {
                    self.follows = scrolled.is_at_end();
                }
                self.scrolled = scrolled;
                (Task::none(), None)
            }
            Message::Sized(size) => {
                self.width = size.width;
                (self.fit(), None)
            }
            Message::Follow(follows) => {
                self.follows = follows;
                (
                    if follows {
                        operation::snap_to_end(LINES)
                    } else {
                        Task::none()
                    },
                    None,
                )
            }
            Message::Times(times) => {
                self.times = times;
                (self.fit(), None)
            }
            Message::Find => (operation::focus(SEARCH), None),
            Message::Search(needle) => {
                self.output.search(&needle);
                self.needle = needle;
                (self.go_to_found(), None)
            }
            Message::Step(forward) => {
                self.output.step(forward);
                (self.go_to_found(), None)
            }
            Message::Copy => (Task::none(), Some(Event::Copy(self.output.whole()))),
            Message::Again => {
                self.failure = None;
                (self.catch_up(shared), None)
            }
        }
    }

    fn came(&mut self, page: Result<Page<LogLine>, Failure>, shared: &Shared) -> Task<super::Message> {
        self.asked = false;
        let page = match page {
            Ok(page) => page,
            Err(failure) => {
                self.failure = Some(failure);
                return Task::none();
            }
        };
        self.failure = None;
        let more = page.next_cursor.is_some() && !page.items.is_empty();
        self.output.extend(page.items);
        let fit = self.fit();
        let next = if more || self.behind {
            self.catch_up(shared)
        } else {
            Task::none()
        };
        self.known |= !more;
        if self.follows {
            Task::batch([next, operation::snap_to_end(LINES)])
        } else {
            Task::batch([next, fit])
        }
    }

    /// How many letters the number of a line takes.
    fn digits(&self) -> usize {
        self.output.len().to_string().len().max(3)
    }

    /// Breaks the lines so that they fit; what was on top stays there.
    fn fit(&mut self) -> Task<super::Message> {
        if self.width <= 0.0 {
            return Task::none();
        }
        let top = self.output.line_of((self.scrolled.offset / ROW) as usize);
        // The number, the time, the mark, and the room between them, around them and for the bar.
        let beside = self.digits() + 1 + if self.times { TIME } else { 0 };
        let gaps = if self.times { 3.0 } else { 2.0 };
        let room = self.width - beside as f32 * LETTER - gaps * gap::SMALL - 2.0 * gap::MEDIUM - 4.0;
        if !self.output.wrap((room / LETTER).max(0.0) as usize) || self.output.is_empty() {
            Task::none()
        } else if self.follows {
            operation::snap_to_end(LINES)
        } else {
            self.go_to(self.output.row_of(top) as f32 * ROW)
        }
    }

    fn go_to_found(&mut self) -> Task<super::Message> {
        let Some(row) = self.output.current_row() else {
            return Task::none();
        };
        self.follows = false;
        self.go_to((row as f32 * ROW - self.scrolled.seen.min(800.0) / 2.0).max(0.0))
    }

    fn go_to(&mut self, offset: f32) -> Task<super::Message> {
        // The list stops at its end, and so does the window of rows that are made: what is above them would stay empty.
        let end = (self.output.rows() as f32 * ROW - self.scrolled.seen).max(0.0);
        let offset = offset.min(end);
        self.scrolled.offset = offset;
        operation::scroll_to(
            LINES,
            operation::AbsoluteOffset {
                x: None,
                y: Some(offset),
            },
        )
    }

    pub(super) fn view<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        let content: Element<'_, Message> = match &self.failure {
            Some(failure) if self.output.is_empty() => notice::failed(failure, Some(("Try again", Message::Again))),
            _ if !self.output.is_empty() => self.lines(shared),
            _ if !self.known => notice::loading("Asking for the output…"),
            _ => notice::empty(
                glyph::SQUARE_TERMINAL,
                "No output",
                "What the task writes comes up here line by line.",
                None,
            ),
        };
        super::pane(column![self.bar(shared), crate::widget::surface::line(), content])
    }

    fn bar<'a>(&'a self, shared: &Shared) -> Element<'a, Message> {
        let found = match (self.needle.is_empty(), self.output.current()) {
            (true, _) => None,
            (false, Some((n, _))) => Some(small(format!("{n} of {}", self.output.found())).style(theme::text::muted)),
            (false, None) => Some(small("not found").style(theme::text::toned(Tone::Attention))),
        };
        let any = (self.output.found() > 0).then_some(());
        let search = text_input("Search the output (Ctrl+F)", &self.needle)
            .id(SEARCH)
            .on_input(Message::Search)
            .on_submit(Message::Step(true))
            .size(size::BODY)
            .padding([5.0, 10.0])
            // Where it is narrow it leaves room for the buttons behind it.
            .width(if shared.is_narrow() { 150.0 } else { 260.0 })
            .style(theme::input::line);
        let whole = (!self.output.is_empty()).then_some(Message::Copy);
        let lines = match self.output.len() {
            1 => "1 line".to_owned(),
            n => format!("{n} lines"),
        };
        let all = small(format!("{lines} · {}", format::bytes(self.output.bytes() as u64)));
        row![
            search,
            button::only_icon(glyph::CHEVRON_UP, "The one before", any.map(|()| Message::Step(false))),
            button::only_icon(
                glyph::CHEVRON_DOWN,
                "The next (Enter)",
                any.map(|()| Message::Step(true))
            ),
        ]
        .push(found)
        .push(crate::widget::fill())
        .push(all.style(theme::text::faint))
        .push(super::toggle("Times", self.times, Message::Times(!self.times)))
        .push(super::toggle("Follow", self.follows, Message::Follow(!self.follows)))
        .push(button::only_icon(glyph::COPY, "Copy all of it", whole))
        .spacing(gap::TINY)
        .padding([gap::SMALL, gap::MEDIUM])
        .align_y(Alignment::Center)
        .into()
    }

    fn lines<'a>(&'a self, shared: &'a Shared) -> Element<'a, Message> {
        let count = self.output.rows();
        let window = rows::window(count, ROW, self.scrolled);
        let digits = self.digits();
        let current = self.output.current().map(|(_, line)| line);
        let shown = self.output.shown(window.clone());
        let shown = shown.map(|shown| (shown.row, self.row(shown, digits, current, shared)));
        let lines = rows::rows(LINES, count, ROW, &window, shown, Message::Scrolled);
        let lines = container(lines).padding([gap::TINY, 0.0]);
        sensor(lines).on_show(Message::Sized).on_resize(Message::Sized).into()
    }

    fn row<'a>(
        &self,
        shown: Shown<'a>,
        digits: usize,
        current: Option<usize>,
        shared: &Shared,
    ) -> Element<'a, Message> {
        // What is beside a line stands beside its first row.
        let beside = |words: String| {
            let room = words.chars().count();
            let words = if shown.is_first { words } else { " ".repeat(room) };
            mono(words).style(theme::text::faint)
        };
        let number = beside(format!("{:>digits$}", shown.line + 1));
        let time = self.times.then(|| beside(format::time_of_day(shown.at, &shared.zone)));
        // The error stream is marked by a shape, and not by its colour alone.
        let mark = if shown.stderr && shown.is_first { "!" } else { " " };
        let text = one_line(mono(shown.text).font(font::MONO));
        let text = if shown.stderr {
            text.style(theme::text::toned(Tone::Attention))
        } else {
            text
        };
        let content = row![number]
            .push(time)
            .push(mono(mark).style(theme::text::toned(Tone::Attention)))
            .push(text)
            .spacing(gap::SMALL)
            .align_y(Alignment::Center);
        let ground = match (current == Some(shown.line), self.output.is_found(shown.line)) {
            (true, _) => theme::container::found_now,
            (false, true) => theme::container::found,
            (false, false) => iced::widget::container::transparent,
        };
        container(content)
            .height(ROW)
            .width(Length::Fill)
            .padding([0.0, gap::MEDIUM])
            .align_y(Alignment::Center)
            .clip(true)
            .style(ground)
            .into()
    }
}
