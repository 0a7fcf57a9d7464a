//! The pane that a graph is drawn on, and what a pointer does there.

use std::collections::BTreeMap;

use iced::{
    Event, Length, Point, Rectangle, Renderer, Size, Theme, Vector,
    advanced::{
        Clipboard, Layout as Placed, Renderer as _, Shell, Widget,
        graphics::geometry::Renderer as _,
        layout::{self, Limits, Node},
        mouse::{Cursor, Interaction},
        renderer::Style,
        widget::{Tree, tree},
    },
    mouse,
};
use orchestrator_desktop_model::graph::Layout;
use orchestrator_protocol::{Task, TaskId, Timestamp};

use super::{
    camera::Camera,
    lines::{Drawing, Lines},
    nodes,
};
use crate::screen::task::Message;

/// What is drawn.
pub(super) struct Pane<'a> {
    pub(super) layout: &'a Layout,
    pub(super) shape: u64,
    pub(super) tasks: &'a BTreeMap<TaskId, Task>,
    pub(super) chosen: TaskId,
    pub(super) now: Timestamp,
}

/// How it is looked at.
#[derive(Debug, Default)]
struct View {
    /// What a person has set; none fits all of it into the pane.
    camera: Option<Camera>,
    drag: Option<Drag>,
    pressed: Option<(iced::time::Instant, Point)>,
    /// Whether the pointer is over a node.
    hovers: bool,
    lines: Lines,
}

#[derive(Debug, Clone, Copy)]
struct Drag {
    from: Point,
    at: Vector,
    moved: bool,
}

impl Pane<'_> {
    fn camera(&self, view: &View, bounds: Rectangle) -> Camera {
        view.camera.unwrap_or_else(|| Camera::fit(self.layout, bounds.size()))
    }

    /// The task at a point of the pane.
    fn task(&self, camera: Camera, point: Point) -> Option<TaskId> {
        let at = camera.to_graph(point);
        self.layout.at(at.x, at.y).map(|n| self.layout.places[n].id)
    }

    fn moved(&self, view: &mut View, cursor: Cursor, bounds: Rectangle, shell: &mut Shell<'_, Message>) {
        let camera = self.camera(view, bounds);
        let (Some(drag), Some(to)) = (&mut view.drag, cursor.position_from(bounds.position())) else {
            let hovers = cursor
                .position_in(bounds)
                .is_some_and(|point| self.task(camera, point).is_some());
            if std::mem::replace(&mut view.hovers, hovers) != hovers {
                shell.request_redraw();
            }
            return;
        };
        let by = to - drag.from;
        if !drag.moved && by.x.abs() + by.y.abs() < 4.0 {
            return;
        }
        drag.moved = true;
        let at = drag.at + by;
        view.camera = Some(Camera { at, ..camera });
        shell.request_redraw();
        shell.capture_event();
    }

    fn released(&self, view: &mut View, point: Point, bounds: Rectangle, shell: &mut Shell<'_, Message>) {
        let Some(drag) = view.drag.take() else { return };
        if drag.moved {
            shell.request_redraw();
            return shell.capture_event();
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
        if let Some(task) = self.task(self.camera(view, bounds), point) {
            shell.publish(Message::Choose(task));
            shell.capture_event();
        } else if again {
            view.camera = None;
            shell.request_redraw();
            shell.capture_event();
        }
    }
}

impl Widget<Message, Theme, Renderer> for Pane<'_> {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<View>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(View::default())
    }

    fn size(&self) -> Size<Length> {
        Size::new(Length::Fill, Length::Fill)
    }

    fn layout(&mut self, _: &mut Tree, _: &Renderer, limits: &Limits) -> Node {
        layout::atomic(limits, Length::Fill, Length::Fill)
    }

    fn update(
        &mut self,
        tree: &mut Tree,
        event: &Event,
        placed: Placed<'_>,
        cursor: Cursor,
        _: &Renderer,
        _: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
        _: &Rectangle,
    ) {
        let Event::Mouse(event) = event else { return };
        let bounds = placed.bounds();
        let view = tree.state.downcast_mut::<View>();
        match event {
            mouse::Event::ButtonPressed(mouse::Button::Left) => {
                if let Some(from) = cursor.position_in(bounds) {
                    let at = self.camera(view, bounds).at;
                    view.drag = Some(Drag { from, at, moved: false });
                    shell.capture_event();
                }
            }
            mouse::Event::CursorMoved { .. } => self.moved(view, cursor, bounds, shell),
            mouse::Event::ButtonReleased(mouse::Button::Left) => {
                if let Some(point) = cursor.position_from(bounds.position()) {
                    self.released(view, point, bounds, shell);
                }
            }
            mouse::Event::WheelScrolled { delta } => {
                let Some(point) = cursor.position_in(bounds) else {
                    return;
                };
                let by = match delta {
                    mouse::ScrollDelta::Lines { y, .. } => *y,
                    mouse::ScrollDelta::Pixels { y, .. } => *y / 60.0,
                };
                view.camera = Some(self.camera(view, bounds).zoomed(1.15_f32.powf(by), point));
                shell.request_redraw();
                shell.capture_event();
            }
            _ => {}
        }
    }

    fn draw(
        &self,
        tree: &Tree,
        renderer: &mut Renderer,
        theme: &Theme,
        _: &Style,
        placed: Placed<'_>,
        _: Cursor,
        viewport: &Rectangle,
    ) {
        let bounds = placed.bounds();
        let Some(seen) = bounds.intersection(viewport) else {
            return;
        };
        let view = tree.state.downcast_ref::<View>();
        let camera = self.camera(view, bounds);
        let corner = bounds.position() - Point::ORIGIN;
        let drawing = Drawing {
            shape: self.shape,
            chosen: self.chosen,
            camera,
            is_dark: theme.extended_palette().is_dark,
        };
        renderer.with_layer(seen, |renderer| {
            let lines = view.lines.draw(drawing, self.layout, renderer, theme, bounds.size());
            renderer.with_translation(corner, |renderer| renderer.draw_geometry(lines));
        });
        // Above them.
        renderer.with_layer(seen, |renderer| {
            for place in &self.layout.places {
                let at = camera.node(place) + corner;
                if let (Some(task), true) = (self.tasks.get(&place.id), at.intersects(&seen)) {
                    let placed = nodes::Placed {
                        task,
                        is_chosen: place.id == self.chosen,
                        at,
                        zoom: camera.zoom,
                    };
                    nodes::draw(&placed, seen, self.now, renderer, theme);
                }
            }
        });
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        placed: Placed<'_>,
        cursor: Cursor,
        _: &Rectangle,
        _: &Renderer,
    ) -> Interaction {
        let view = tree.state.downcast_ref::<View>();
        if view.drag.is_some_and(|drag| drag.moved) {
            return Interaction::Grabbing;
        }
        let bounds = placed.bounds();
        match cursor.position_in(bounds) {
            None => Interaction::default(),
            Some(point) if self.task(self.camera(view, bounds), point).is_some() => Interaction::Pointer,
            Some(_) => Interaction::Grab,
        }
    }
}
