//! The timeline: a bar for each wait and each attempt of each task.

use std::{cell::Cell, collections::BTreeMap};

use iced::{
    Color, Element, Length, Pixels, Point, Rectangle, Renderer, Size, Theme, alignment,
    border::Radius,
    mouse::{self, Cursor, Interaction},
    widget::canvas::{self, Action, Cache, Canvas, Event, Frame, Geometry, Path, Stroke, Text},
};
use orchestrator_desktop_model::{
    Tone, format, look,
    timeline::{self, Bar, Doing},
    tree::{self, TaskTree},
};
use orchestrator_protocol::{Task, TaskId, Timestamp};

use super::Message;
use crate::{
    screen::Shared,
    theme::{self, Colours, button::mix, font},
    widget::state,
};

const ROW: f32 = 28.0;
const SCALE: f32 = 30.0;
/// The height of what is written in a row.
const WORDS: f32 = 18.0;
const NAMES: f32 = 230.0;
const RIGHT: f32 = 72.0;

/// What was drawn of the timeline.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    cache: Cache,
}

impl Timeline {
    /// It is drawn anew.
    pub(super) fn refresh(&self) {
        self.cache.clear();
    }

    pub(super) fn view<'a>(&'a self, tree: &'a TaskTree, chosen: TaskId, shared: &Shared) -> Element<'a, Message> {
        let bars = timeline::bars(&tree.history);
        let goes_on = bars.values().flatten().any(|bar| bar.to.is_none());
        if goes_on {
            // The bars grow.
            self.cache.clear();
        }
        let drawn = Drawn {
            cache: &self.cache,
            walk: tree.walk(),
            bars,
            chosen,
            now: shared.now,
        };
        super::pane(Canvas::new(drawn).width(Length::Fill).height(Length::Fill))
    }
}

struct Drawn<'a> {
    cache: &'a Cache,
    walk: Vec<(usize, &'a Task)>,
    bars: BTreeMap<TaskId, Vec<Bar>>,
    chosen: TaskId,
    now: Timestamp,
}

/// How far it is scrolled, the row under the pointer, and whether what was drawn is dark.
#[derive(Debug, Default)]
struct View {
    offset: f32,
    over: Option<usize>,
    dark: Cell<Option<bool>>,
}

/// From moments to places.
#[derive(Debug, Clone, Copy)]
struct Scale {
    from: Timestamp,
    seconds: f64,
    left: f32,
    width: f32,
}

impl Scale {
    fn x(self, at: Timestamp) -> f32 {
        self.of(at.since(self.from).as_secs_f64())
    }

    fn of(self, seconds: f64) -> f32 {
        self.left + (seconds / self.seconds) as f32 * self.width
    }
}

impl Drawn<'_> {
    fn most(&self, bounds: Rectangle) -> f32 {
        (self.walk.len() as f32 * ROW - (bounds.height - SCALE)).max(0.0)
    }

    fn row_at(&self, view: &View, point: Point) -> Option<usize> {
        let row = ((point.y - SCALE + view.offset) / ROW).floor();
        (point.y > SCALE && row >= 0.0 && (row as usize) < self.walk.len()).then_some(row as usize)
    }
}

impl canvas::Program<Message> for Drawn<'_> {
    type State = View;

    fn update(&self, view: &mut View, event: &Event, bounds: Rectangle, cursor: Cursor) -> Option<Action<Message>> {
        let Event::Mouse(event) = event else { return None };
        let point = cursor.position_in(bounds);
        match event {
            mouse::Event::WheelScrolled { delta } => {
                point?;
                let by = match delta {
                    mouse::ScrollDelta::Lines { y, .. } => *y * 60.0,
                    mouse::ScrollDelta::Pixels { y, .. } => *y,
                };
                view.offset = (view.offset - by).clamp(0.0, self.most(bounds));
                self.cache.clear();
                Some(Action::request_redraw().and_capture())
            }
            mouse::Event::ButtonPressed(mouse::Button::Left) => {
                let row = self.row_at(view, point?)?;
                Some(Action::publish(Message::Choose(self.walk[row].1.id)).and_capture())
            }
            mouse::Event::CursorMoved { .. } => {
                let over = point.and_then(|point| self.row_at(view, point));
                if over == view.over {
                    return None;
                }
                view.over = over;
                self.cache.clear();
                Some(Action::request_redraw())
            }
            _ => None,
        }
    }

    fn draw(&self, view: &View, renderer: &Renderer, theme: &Theme, bounds: Rectangle, _: Cursor) -> Vec<Geometry> {
        let dark = Some(theme.extended_palette().is_dark);
        if view.dark.replace(dark) != dark {
            self.cache.clear();
        }
        let drawn = self.cache.draw(renderer, bounds.size(), |frame| {
            // Words know no bounds but these.
            frame.with_clip(Rectangle::new(Point::ORIGIN, bounds.size()), |frame| {
                let span = timeline::span(self.bars.values().flatten(), self.now);
                let (from, to) = span.unwrap_or((self.now, self.now));
                let scale = Scale {
                    from,
                    seconds: to.since(from).as_secs_f64().max(0.001),
                    left: NAMES,
                    width: (bounds.width - NAMES - RIGHT).max(40.0),
                };
                let offset = view.offset.min(self.most(bounds));
                grid(frame, theme, scale, bounds);
                let first = (offset / ROW) as usize;
                let count = (bounds.height / ROW) as usize + 2;
                for (n, (depth, task)) in self.walk.iter().enumerate().skip(first).take(count) {
                    let top = SCALE + n as f32 * ROW - offset;
                    let ground = match (task.id == self.chosen, view.over == Some(n)) {
                        (true, _) => Some(mix(theme::colours(theme).surface, theme::colours(theme).accent, 0.14)),
                        (false, true) => Some(theme::colours(theme).raised),
                        (false, false) => None,
                    };
                    if let Some(ground) = ground {
                        frame.fill_rectangle(Point::new(0.0, top), Size::new(bounds.width, ROW), ground);
                    }
                    // Words are drawn over everything, the scale too, and beyond the frame: those that do not fit are left out.
                    let fits = top + (ROW - WORDS) / 2.0 >= SCALE && top + f32::midpoint(ROW, WORDS) <= bounds.height;
                    self.work(frame, theme, scale, task, top);
                    if fits {
                        self.row(frame, theme, scale, *depth, task, top);
                    }
                }
                Self::head(frame, theme, scale, bounds);
            });
        });
        vec![drawn]
    }

    fn mouse_interaction(&self, view: &View, bounds: Rectangle, cursor: Cursor) -> Interaction {
        match cursor.position_in(bounds).and_then(|point| self.row_at(view, point)) {
            Some(_) => Interaction::Pointer,
            None => Interaction::default(),
        }
    }
}

impl Drawn<'_> {
    /// The scale, over the rows.
    fn head(frame: &mut Frame, theme: &Theme, scale: Scale, bounds: Rectangle) {
        let colours = theme::colours(theme);
        frame.fill_rectangle(Point::ORIGIN, Size::new(bounds.width, SCALE), colours.surface);
        let line = |from: Point, to: Point| Path::line(from, to);
        let stroke = Stroke::default().with_color(colours.border).with_width(1.0);
        frame.stroke(
            &line(Point::new(0.0, SCALE - 0.5), Point::new(bounds.width, SCALE - 0.5)),
            stroke,
        );
        frame.fill_text(words("Task", Point::new(14.0, 8.0), 12.0, colours.faint, font::MEDIUM));
        for tick in ticks(scale) {
            let x = scale.of(tick).round() + 0.5;
            frame.stroke(&line(Point::new(x, SCALE - 6.0), Point::new(x, SCALE)), stroke);
            let label = if tick == 0.0 {
                "0".to_owned()
            } else {
                format::seconds(tick)
            };
            frame.fill_text(words(label, Point::new(x + 4.0, 8.0), 11.0, colours.faint, font::BODY));
        }
    }

    fn work(&self, frame: &mut Frame, theme: &Theme, scale: Scale, task: &Task, top: f32) {
        for bar in self.bars.get(&task.id).into_iter().flatten() {
            let (from, to) = (scale.x(bar.from), scale.x(bar.to.unwrap_or(self.now)));
            bar_shape(frame, theme, *bar, from, to, top + ROW / 2.0);
        }
    }

    /// The words of a row.
    fn row(&self, frame: &mut Frame, theme: &Theme, scale: Scale, depth: usize, task: &Task, top: f32) {
        let colours = theme::colours(theme);
        let look = look::task(task.state);
        let indent = 14.0 + 12.0 * depth.min(5) as f32;
        let middle = top + ROW / 2.0;
        let mark = words(
            state::shape(look.shape).to_string(),
            Point::new(indent, middle),
            14.0,
            theme::tone(theme, look.tone),
            font::ICONS,
        );
        frame.fill_text(Text {
            align_y: alignment::Vertical::Center,
            ..mark
        });
        let name = format::clip_name(&tree::name(task), (28 - 2 * depth.min(5)).max(8));
        let name = words(name, Point::new(indent + 20.0, middle), 12.0, colours.text, font::BODY);
        frame.fill_text(Text {
            align_y: alignment::Vertical::Center,
            ..name
        });
        let ends = self.bars.get(&task.id).into_iter().flatten();
        let end = ends
            .map(|bar| scale.x(bar.to.unwrap_or(self.now)))
            .fold(scale.left, f32::max);
        if let Some(took) = tree::took(task, self.now) {
            let label = words(
                format::duration(took),
                Point::new(end + 6.0, middle),
                11.0,
                colours.muted,
                font::BODY,
            );
            frame.fill_text(Text {
                align_y: alignment::Vertical::Center,
                ..label
            });
        }
    }
}

fn ticks(scale: Scale) -> Vec<f64> {
    timeline::ticks(scale.seconds, (scale.width / 110.0) as usize)
}

/// Lines down from the scale, behind the bars.
fn grid(frame: &mut Frame, theme: &Theme, scale: Scale, bounds: Rectangle) {
    let stroke = Stroke::default()
        .with_color(theme::colours(theme).border)
        .with_width(1.0);
    for tick in ticks(scale) {
        let x = scale.of(tick).round() + 0.5;
        frame.stroke(&Path::line(Point::new(x, SCALE), Point::new(x, bounds.height)), stroke);
    }
}

/// Waits are thin lines, work is a thick bar: they differ in shape, and not in colour alone.
fn bar_shape(frame: &mut Frame, theme: &Theme, bar: Bar, from: f32, to: f32, middle: f32) {
    let colours: &Colours = theme::colours(theme);
    let width = (to - from).max(2.0);
    let (height, colour) = match bar.doing {
        Doing::Queued => (2.0, colours.faint),
        Doing::Waiting => (6.0, theme::tone(theme, Tone::Waiting)),
        Doing::Stopped => (6.0, theme::tone(theme, Tone::Attention)),
        Doing::Running if bar.failed => (14.0, theme::tone(theme, Tone::Bad)),
        Doing::Running => (14.0, theme::tone(theme, Tone::Active)),
    };
    let at = Point::new(from, middle - height / 2.0);
    let path = Path::rounded_rectangle(
        at,
        Size::new(width, height),
        Radius::from((height / 4.0).min(width / 2.0)),
    );
    frame.fill(&path, colour);
    if bar.failed && width > 14.0 {
        let cross = words(
            "×".to_owned(),
            Point::new(to - 11.0, middle),
            12.0,
            colours.surface,
            font::STRONG,
        );
        frame.fill_text(Text {
            align_y: alignment::Vertical::Center,
            ..cross
        });
    }
}

fn words(content: impl Into<String>, position: Point, size: f32, color: Color, font: iced::Font) -> Text {
    Text {
        content: content.into(),
        position,
        color,
        size: Pixels(size),
        font,
        shaping: iced::widget::text::Shaping::Advanced,
        ..Text::default()
    }
}
