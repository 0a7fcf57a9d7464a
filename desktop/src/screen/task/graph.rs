//! The graph of a tree, drawn: dragged, zoomed, pressed.

use std::collections::BTreeMap;

use iced::{
    Color, Element, Length, Pixels, Point, Rectangle, Renderer, Size, Theme, Vector, alignment,
    border::Radius,
    keyboard::{Key, key::Named},
    mouse::{self, Cursor, Interaction},
    widget::{
        canvas::{self, Action, Cache, Canvas, Event, Frame, Geometry, LineDash, Path, Stroke, Text},
        container, row, stack,
    },
};
use orchestrator_desktop_model::{
    format,
    graph::{self, EdgeKind, End, Layout, NODE_HEIGHT, NODE_WIDTH},
    look,
    tree::{self, TaskTree},
};
use orchestrator_protocol::{Task, TaskId, Timestamp};

use super::Message;
use crate::{
    screen::Shared,
    theme::{self, button::mix, font, gap},
    widget::{small, state},
};

/// The smallest and the largest that it is drawn.
const ZOOM: std::ops::RangeInclusive<f32> = 0.08..=2.0;

/// Room around a graph that is fitted.
const MARGIN: f32 = 32.0;

/// Smaller than this, words are left out: nobody reads them.
const WORDS_FROM: f32 = 0.42;

/// The graph's layout, and what was drawn of it.
#[derive(Debug, Default)]
pub(super) struct Graph {
    layout: Layout,
    shape: Option<u64>,
    cache: Cache,
}

impl Graph {
    /// The tree has changed: it is laid out anew if its shape has.
    pub(super) fn update(&mut self, tree: &TaskTree) {
        if self.shape != Some(tree.shape) {
            self.layout = graph::layout(&tree.nodes());
            self.shape = Some(tree.shape);
        }
        self.refresh();
    }

    /// It is drawn anew.
    pub(super) fn refresh(&self) {
        self.cache.clear();
    }

    /// The task that an arrow key leads to.
    pub(super) fn key(&self, key: &Key<&str>, chosen: TaskId) -> Option<TaskId> {
        let (dx, dy) = match key {
            Key::Named(Named::ArrowRight) => (1.0, 0.0),
            Key::Named(Named::ArrowLeft) => (-1.0, 0.0),
            Key::Named(Named::ArrowDown) => (0.0, 1.0),
            Key::Named(Named::ArrowUp) => (0.0, -1.0),
            _ => return None,
        };
        let here = self.layout.place(chosen)?;
        self.layout.neighbour(here, dx, dy).map(|n| self.layout.places[n].id)
    }

    pub(super) fn view<'a>(&'a self, tree: &'a TaskTree, chosen: TaskId, shared: &Shared) -> Element<'a, Message> {
        let drawn = Drawn {
            layout: &self.layout,
            cache: &self.cache,
            tasks: &tree.tasks,
            chosen,
            now: shared.now,
        };
        let canvas = Canvas::new(drawn).width(Length::Fill).height(Length::Fill);
        let counts = tree.counts();
        let legend = counts.into_iter().map(|(of, count)| {
            let look = look::task(of);
            row![
                state::mark(look).size(13.0),
                small(format!("{} {}", count, look.word.to_lowercase())).style(theme::text::muted)
            ]
            .spacing(gap::TINY)
            .align_y(iced::Alignment::Center)
            .into()
        });
        let legend = container(row(legend).spacing(gap::MEDIUM).wrap()).padding([gap::SMALL, gap::MEDIUM]);
        let hint = container(small("Drag to move · scroll to zoom · double-click to fit").style(theme::text::faint))
            .padding([gap::SMALL, gap::MEDIUM])
            .width(Length::Fill)
            .height(Length::Fill)
            .align_x(alignment::Horizontal::Right)
            .align_y(alignment::Vertical::Bottom);
        super::pane(stack![canvas, legend, hint])
    }
}

/// What is drawn.
struct Drawn<'a> {
    layout: &'a Layout,
    cache: &'a Cache,
    tasks: &'a BTreeMap<TaskId, Task>,
    chosen: TaskId,
    now: Timestamp,
}

/// How it is looked at.
#[derive(Debug, Default)]
struct View {
    /// What a person has set; none fits all of it into the pane.
    camera: Option<Camera>,
    drag: Option<Drag>,
    pressed: Option<(iced::time::Instant, Point)>,
}

#[derive(Debug, Clone, Copy)]
struct Camera {
    /// Where the upper left corner of the graph is.
    at: Vector,
    zoom: f32,
}

#[derive(Debug, Clone, Copy)]
struct Drag {
    from: Point,
    at: Vector,
    moved: bool,
}

impl Camera {
    fn fit(layout: &Layout, pane: Size) -> Self {
        let (width, height) = (layout.width.max(1.0), layout.height.max(1.0));
        let zoom = ((pane.width - 2.0 * MARGIN) / width).min((pane.height - 2.0 * MARGIN - 24.0) / height);
        let zoom = zoom.clamp(*ZOOM.start(), 1.15);
        let at = Vector::new(
            ((pane.width - width * zoom) / 2.0).max(MARGIN.min(pane.width / 8.0)),
            ((pane.height - height * zoom) / 2.0).max(MARGIN),
        );
        Self { at, zoom }
    }

    fn to_graph(self, point: Point) -> Point {
        Point::new((point.x - self.at.x) / self.zoom, (point.y - self.at.y) / self.zoom)
    }

    /// Larger or smaller, with what is under the pointer staying there.
    fn zoomed(self, factor: f32, around: Point) -> Self {
        let zoom = (self.zoom * factor).clamp(*ZOOM.start(), *ZOOM.end());
        let point = self.to_graph(around);
        Self {
            at: Vector::new(around.x - point.x * zoom, around.y - point.y * zoom),
            zoom,
        }
    }
}

impl Drawn<'_> {
    fn camera(&self, view: &View, bounds: Rectangle) -> Camera {
        view.camera.unwrap_or_else(|| Camera::fit(self.layout, bounds.size()))
    }

    fn released(&self, view: &mut View, point: Point, bounds: Rectangle) -> Option<Action<Message>> {
        let drag = view.drag.take()?;
        if drag.moved {
            return Some(Action::request_redraw().and_capture());
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "how fast one presses, and nothing that is kept"
        )]
        let now = iced::time::Instant::now();
        let again = view
            .pressed
            .replace((now, point))
            .is_some_and(|(before, at)| now.duration_since(before).as_millis() < 350 && at.distance(point) < 6.0);
        let at = self.camera(view, bounds).to_graph(point);
        let hit = self.layout.at(at.x, at.y);
        match hit {
            Some(n) => Some(Action::publish(Message::Choose(self.layout.places[n].id)).and_capture()),
            None if again => {
                view.camera = None;
                self.cache.clear();
                Some(Action::request_redraw().and_capture())
            }
            None => None,
        }
    }
}

impl canvas::Program<Message> for Drawn<'_> {
    type State = View;

    fn update(&self, view: &mut View, event: &Event, bounds: Rectangle, cursor: Cursor) -> Option<Action<Message>> {
        let Event::Mouse(event) = event else { return None };
        match event {
            mouse::Event::ButtonPressed(mouse::Button::Left) => {
                let from = cursor.position_in(bounds)?;
                let at = self.camera(view, bounds).at;
                view.drag = Some(Drag { from, at, moved: false });
                Some(Action::capture())
            }
            mouse::Event::CursorMoved { .. } => {
                let camera = self.camera(view, bounds);
                let drag = view.drag.as_mut()?;
                let to = cursor.position_from(bounds.position())?;
                let by = to - drag.from;
                if !drag.moved && by.x.abs() + by.y.abs() < 4.0 {
                    return None;
                }
                drag.moved = true;
                view.camera = Some(Camera {
                    at: drag.at + by,
                    ..camera
                });
                self.cache.clear();
                Some(Action::request_redraw().and_capture())
            }
            mouse::Event::ButtonReleased(mouse::Button::Left) => {
                let point = cursor.position_from(bounds.position())?;
                self.released(view, point, bounds)
            }
            mouse::Event::WheelScrolled { delta } => {
                let point = cursor.position_in(bounds)?;
                let by = match delta {
                    mouse::ScrollDelta::Lines { y, .. } => *y,
                    mouse::ScrollDelta::Pixels { y, .. } => *y / 60.0,
                };
                view.camera = Some(self.camera(view, bounds).zoomed(1.15_f32.powf(by), point));
                self.cache.clear();
                Some(Action::request_redraw().and_capture())
            }
            _ => None,
        }
    }

    fn draw(&self, view: &View, renderer: &Renderer, theme: &Theme, bounds: Rectangle, _: Cursor) -> Vec<Geometry> {
        let camera = self.camera(view, bounds);
        let geometry = self.cache.draw(renderer, bounds.size(), |frame| {
            let seen = Rectangle::new(Point::ORIGIN, bounds.size());
            // Words know no bounds but these.
            frame.with_clip(seen, |frame| {
                self.groups(frame, theme, camera);
                self.edges(frame, theme, camera, seen);
                for place in &self.layout.places {
                    let at = Point::new(place.x * camera.zoom + camera.at.x, place.y * camera.zoom + camera.at.y);
                    let node = Rectangle::new(at, Size::new(NODE_WIDTH * camera.zoom, NODE_HEIGHT * camera.zoom));
                    if let (Some(task), true) = (self.tasks.get(&place.id), node.intersects(&seen)) {
                        self.node(frame, theme, task, node, camera.zoom);
                    }
                }
            });
        });
        vec![geometry]
    }

    fn mouse_interaction(&self, view: &View, bounds: Rectangle, cursor: Cursor) -> Interaction {
        if view.drag.is_some_and(|drag| drag.moved) {
            return Interaction::Grabbing;
        }
        let Some(point) = cursor.position_in(bounds) else {
            return Interaction::default();
        };
        let at = self.camera(view, bounds).to_graph(point);
        if self.layout.at(at.x, at.y).is_some() {
            Interaction::Pointer
        } else {
            Interaction::Grab
        }
    }
}

impl Drawn<'_> {
    fn groups(&self, frame: &mut Frame, theme: &Theme, camera: Camera) {
        let colours = theme::colours(theme);
        for group in &self.layout.groups {
            let at = Point::new(group.x * camera.zoom + camera.at.x, group.y * camera.zoom + camera.at.y);
            let size = Size::new(group.width * camera.zoom, group.height * camera.zoom);
            let path = Path::rounded_rectangle(at, size, Radius::from(12.0 * camera.zoom));
            frame.fill(&path, colours.ground);
            frame.stroke(&path, Stroke::default().with_color(colours.border).with_width(1.0));
        }
    }

    fn edges(&self, frame: &mut Frame, theme: &Theme, camera: Camera, seen: Rectangle) {
        let colours = theme::colours(theme);
        let on_screen = |(x, y): (f32, f32)| Point::new(x * camera.zoom + camera.at.x, y * camera.zoom + camera.at.y);
        let chosen = self.layout.place(self.chosen).map(End::Node);
        for edge in &self.layout.edges {
            let (start, end) = (
                on_screen(self.layout.sides(edge.from).0),
                on_screen(self.layout.sides(edge.to).1),
            );
            let around = Rectangle::new(
                Point::new(start.x.min(end.x), start.y.min(end.y)),
                Size::new((start.x - end.x).abs().max(1.0), (start.y - end.y).abs().max(1.0)),
            );
            if !around.intersects(&seen) {
                continue;
            }
            let bend = ((end.x - start.x) / 2.0).max(16.0 * camera.zoom);
            let path = Path::new(|path| {
                path.move_to(start);
                path.bezier_curve_to(
                    Point::new(start.x + bend, start.y),
                    Point::new(end.x - bend, end.y),
                    end,
                );
            });
            let near = chosen == Some(edge.from) || chosen == Some(edge.to);
            let colour = if near { colours.accent } else { colours.outline };
            let dash: &[f32] = match edge.kind {
                EdgeKind::Child | EdgeKind::Then => &[],
                EdgeKind::Dependency => &[5.0, 4.0],
            };
            let stroke = Stroke {
                line_dash: LineDash {
                    segments: dash,
                    offset: 0,
                },
                ..Stroke::default()
            };
            let width = if near { 1.8 } else { 1.4 };
            frame.stroke(&path, stroke.with_color(colour).with_width(width));
        }
    }

    fn node(&self, frame: &mut Frame, theme: &Theme, task: &Task, node: Rectangle, zoom: f32) {
        let colours = theme::colours(theme);
        let look = look::task(task.state);
        let tone = theme::tone(theme, look.tone);
        let is_chosen = task.id == self.chosen;
        let radius = Radius::from(8.0 * zoom);
        let path = Path::rounded_rectangle(node.position(), node.size(), radius);
        frame.fill(&path, mix(colours.surface, tone, 0.10));
        let (line, width) = if is_chosen {
            (colours.accent, 2.5)
        } else {
            (mix(colours.surface, tone, 0.55), 1.0)
        };
        frame.stroke(&path, Stroke::default().with_color(line).with_width(width));
        if let Some(done) = task.progress.filter(|_| !task.state.is_terminal()) {
            let width = (node.width - 16.0 * zoom) * done.clamp(0.0, 1.0) as f32;
            let at = Point::new(node.x + 8.0 * zoom, node.y + node.height - 4.0 * zoom);
            frame.fill_rectangle(at, Size::new(width, 2.0 * zoom), tone);
        }
        let mark = Point::new(node.x + 20.0 * zoom, node.center_y());
        let glyph = words(
            state::shape(look.shape).to_string(),
            mark,
            17.0 * zoom,
            tone,
            font::ICONS,
        );
        frame.fill_text(Text {
            align_x: iced::widget::text::Alignment::Center,
            align_y: alignment::Vertical::Center,
            ..glyph
        });
        if zoom < WORDS_FROM {
            return;
        }
        let left = node.x + 38.0 * zoom;
        let name = format::clip_name(&tree::name(task), 20);
        let at = Point::new(left, node.y + 6.0 * zoom);
        frame.fill_text(words(name, at, 13.0 * zoom, colours.text, font::MEDIUM));
        let took = tree::took(task, self.now).map(|took| format!(" · {}", format::duration(took)));
        let kind = task.task_type.rsplit('.').next().unwrap_or_default();
        let below = format!("{}{}", format::clip(kind, 14), took.unwrap_or_default());
        let at = Point::new(left, node.y + 24.0 * zoom);
        frame.fill_text(words(below, at, 11.0 * zoom, colours.muted, font::BODY));
    }
}

fn words(content: String, position: Point, size: f32, color: Color, font: iced::Font) -> Text {
    Text {
        content,
        position,
        color,
        size: Pixels(size),
        font,
        shaping: iced::widget::text::Shaping::Advanced,
        ..Text::default()
    }
}
