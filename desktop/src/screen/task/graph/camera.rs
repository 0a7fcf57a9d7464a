//! What of a graph is looked at, and from how far.

use iced::{Point, Rectangle, Size, Vector};
use orchestrator_desktop_model::graph::{Layout, NODE_HEIGHT, NODE_WIDTH, Place};

/// The smallest and the largest that it is drawn.
const ZOOM: std::ops::RangeInclusive<f32> = 0.08..=2.0;

/// Room around a graph that is fitted.
const MARGIN: f32 = 32.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Camera {
    /// Where the upper left corner of the graph is.
    pub(super) at: Vector,
    pub(super) zoom: f32,
}

impl Camera {
    /// All of a graph in a pane.
    pub(super) fn fit(layout: &Layout, pane: Size) -> Self {
        let (width, height) = (layout.width.max(1.0), layout.height.max(1.0));
        let zoom = ((pane.width - 2.0 * MARGIN) / width).min((pane.height - 2.0 * MARGIN - 24.0) / height);
        let zoom = zoom.clamp(*ZOOM.start(), 1.15);
        let at = Vector::new(
            ((pane.width - width * zoom) / 2.0).max(MARGIN.min(pane.width / 8.0)),
            ((pane.height - height * zoom) / 2.0).max(MARGIN),
        );
        Self { at, zoom }
    }

    pub(super) fn to_graph(self, point: Point) -> Point {
        Point::new((point.x - self.at.x) / self.zoom, (point.y - self.at.y) / self.zoom)
    }

    pub(super) fn to_pane(self, (x, y): (f32, f32)) -> Point {
        Point::new(x * self.zoom + self.at.x, y * self.zoom + self.at.y)
    }

    /// Where a node is.
    pub(super) fn node(self, place: &Place) -> Rectangle {
        let size = Size::new(NODE_WIDTH * self.zoom, NODE_HEIGHT * self.zoom);
        Rectangle::new(self.to_pane((place.x, place.y)), size)
    }

    /// Larger or smaller, with what is under the pointer staying there.
    pub(super) fn zoomed(self, factor: f32, around: Point) -> Self {
        let zoom = (self.zoom * factor).clamp(*ZOOM.start(), *ZOOM.end());
        let point = self.to_graph(around);
        Self {
            at: Vector::new(around.x - point.x * zoom, around.y - point.y * zoom),
            zoom,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANE: Size = Size::new(800.0, 600.0);

    fn layout(width: f32, height: f32) -> Layout {
        Layout {
            width,
            height,
            ..Layout::default()
        }
    }

    #[test]
    fn a_graph_is_fitted_into_its_pane() {
        for (width, height) in [(100.0, 50.0), (3_000.0, 200.0), (200.0, 4_000.0)] {
            let camera = Camera::fit(&layout(width, height), PANE);
            let (from, to) = (camera.to_pane((0.0, 0.0)), camera.to_pane((width, height)));
            assert!(from.x >= 0.0 && from.y >= 0.0, "{from:?}");
            assert!(to.x <= PANE.width && to.y <= PANE.height, "{to:?}");
        }
    }

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        let camera = Camera::fit(&layout(1_000.0, 700.0), PANE);
        let pointer = Point::new(300.0, 200.0);
        for factor in [1.5, 0.5, 100.0, 0.001] {
            let zoomed = camera.zoomed(factor, pointer);
            assert!(zoomed.to_graph(pointer).distance(camera.to_graph(pointer)) < 0.1);
            assert!(ZOOM.contains(&zoomed.zoom));
        }
    }
}
