//! The boxes of groups, and the lines between nodes. They are drawn anew only when they move, or another task is chosen.

use std::cell::Cell;

use iced::{
    Point, Rectangle, Renderer, Size, Theme,
    border::Radius,
    widget::canvas::{Cache, Frame, Geometry, LineDash, Path, Stroke},
};
use orchestrator_desktop_model::graph::{EdgeKind, End, Layout};
use orchestrator_protocol::TaskId;

use super::camera::Camera;
use crate::theme::{self, Colours};

/// Smaller than this, lines are as thin as they can be: they are many then, and thin ones are drawn soonest.
const THICK_FROM: f32 = 0.42;

/// What lines depend on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Drawing {
    pub(super) shape: u64,
    pub(super) chosen: TaskId,
    pub(super) camera: Camera,
    pub(super) is_dark: bool,
}

/// What was drawn of them.
#[derive(Debug, Default)]
pub(super) struct Lines {
    cache: Cache,
    drawn: Cell<Option<Drawing>>,
}

impl Lines {
    pub(super) fn draw(
        &self,
        drawing: Drawing,
        layout: &Layout,
        renderer: &Renderer,
        theme: &Theme,
        pane: Size,
    ) -> Geometry {
        if self.drawn.replace(Some(drawing)) != Some(drawing) {
            self.cache.clear();
        }
        self.cache.draw(renderer, pane, |frame| {
            let colours = theme::colours(theme);
            groups(frame, colours, layout, drawing.camera, Rectangle::with_size(pane));
            edges(frame, colours, layout, drawing, Rectangle::with_size(pane));
        })
    }
}

fn groups(frame: &mut Frame, colours: &Colours, layout: &Layout, camera: Camera, seen: Rectangle) {
    for group in &layout.groups {
        let size = Size::new(group.width * camera.zoom, group.height * camera.zoom);
        let at = camera.to_pane((group.x, group.y));
        let whole = Rectangle::new(at, size);
        let path = Path::rounded_rectangle(at, size, Radius::from(12.0 * camera.zoom));
        match whole.intersection(&seen) {
            None => continue,
            Some(_) if whole.is_within(&seen) => frame.fill(&path, colours.ground),
            // What hangs over is painted through a mask, which takes long for a large box: so only what is seen.
            Some(part) => frame.fill_rectangle(part.position(), part.size(), colours.ground),
        }
        frame.stroke(&path, Stroke::default().with_color(colours.border).with_width(1.0));
    }
}

fn edges(frame: &mut Frame, colours: &Colours, layout: &Layout, drawing: Drawing, seen: Rectangle) {
    let Drawing { camera, chosen, .. } = drawing;
    let chosen = layout.place(chosen).map(End::Node);
    for edge in &layout.edges {
        let start = camera.to_pane(layout.sides(edge.from).0);
        let end = camera.to_pane(layout.sides(edge.to).1);
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
            let (leaving, arriving) = (Point::new(start.x + bend, start.y), Point::new(end.x - bend, end.y));
            path.bezier_curve_to(leaving, arriving, end);
        });
        let near = chosen == Some(edge.from) || chosen == Some(edge.to);
        let (colour, width) = match (near, camera.zoom >= THICK_FROM) {
            (true, _) => (colours.accent, 1.8),
            (false, true) => (colours.outline, 1.4),
            (false, false) => (colours.outline, 1.0),
        };
        let segments: &[f32] = match edge.kind {
            EdgeKind::Child | EdgeKind::Then => &[],
            EdgeKind::Dependency => &[5.0, 4.0],
        };
        let stroke = Stroke {
            line_dash: LineDash { segments, offset: 0 },
            ..Stroke::default()
        };
        frame.stroke(&path, stroke.with_color(colour).with_width(width));
    }
}
