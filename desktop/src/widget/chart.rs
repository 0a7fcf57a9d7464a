//! Small charts.

use iced::{
    Color, Element, Length, Point, Rectangle, Renderer, Size, Theme,
    mouse::Cursor,
    widget::canvas::{self, Canvas, Frame, Geometry, Path, Stroke},
};
use orchestrator_desktop_model::Tone;

use crate::theme;

/// A level line. The processor paints only where something changed, and a stroked one takes no room: it would come up in
/// pieces, where something beside it changes too.
fn level(frame: &mut Frame, y: f32, colour: Color) {
    frame.fill_rectangle(Point::new(0.0, y), Size::new(frame.width(), 1.0), colour);
}

/// Values over time as a line with what is below it tinted.
#[derive(Debug, Clone)]
struct Sparkline {
    values: Vec<f32>,
    most: f32,
    tone: Tone,
}

/// Values over time, the oldest first, as a line. The top is `most`, or the largest value if that is more.
pub fn sparkline<'a, Message: 'a>(values: Vec<f32>, most: f32, tone: Tone, height: f32) -> Element<'a, Message> {
    Canvas::new(Sparkline { values, most, tone })
        .width(Length::Fill)
        .height(height)
        .into()
}

impl<Message> canvas::Program<Message> for Sparkline {
    type State = ();

    fn draw(&self, (): &(), renderer: &Renderer, theme: &Theme, bounds: Rectangle, _: Cursor) -> Vec<Geometry> {
        let mut frame = Frame::new(renderer, bounds.size());
        let colour = theme::tone(theme, self.tone);
        let most = self.values.iter().copied().fold(self.most, f32::max).max(f32::EPSILON);
        let (width, height) = (bounds.width, bounds.height - 2.0);
        level(&mut frame, height, theme::colours(theme).border);
        let step = width / self.values.len().saturating_sub(1).max(1) as f32;
        let point = |(n, value): (usize, &f32)| Point::new(n as f32 * step, 1.0 + height * (1.0 - value / most));
        if self.values.len() > 1 {
            let points: Vec<Point> = self.values.iter().enumerate().map(point).collect();
            let line = Path::new(|path| {
                path.move_to(points[0]);
                for point in &points[1..] {
                    path.line_to(*point);
                }
            });
            let area = Path::new(|path| {
                path.move_to(Point::new(0.0, height));
                for point in &points {
                    path.line_to(*point);
                }
                path.line_to(Point::new(width, height));
                path.close();
            });
            frame.fill(&area, Color { a: 0.14, ..colour });
            frame.stroke(&line, Stroke::default().with_color(colour).with_width(1.5));
        }
        vec![frame.into_geometry()]
    }
}

/// Values over time as columns, of which each is stacked of a good and a bad part.
#[derive(Debug, Clone)]
struct Columns {
    values: Vec<(f32, f32)>,
    places: usize,
}

/// Values over time, the oldest first, as columns of a good and a bad part: as many places as there may be values.
pub fn columns<'a, Message: 'a>(values: Vec<(f32, f32)>, places: usize, height: f32) -> Element<'a, Message> {
    Canvas::new(Columns { values, places })
        .width(Length::Fill)
        .height(height)
        .into()
}

impl<Message> canvas::Program<Message> for Columns {
    type State = ();

    fn draw(&self, (): &(), renderer: &Renderer, theme: &Theme, bounds: Rectangle, _: Cursor) -> Vec<Geometry> {
        let mut frame = Frame::new(renderer, bounds.size());
        let colours = theme::colours(theme);
        let height = bounds.height - 2.0;
        for part in [0.0, 0.5] {
            level(&mut frame, (1.0 + height * part).round(), colours.border);
        }
        level(&mut frame, height, colours.outline);
        let most = self
            .values
            .iter()
            .map(|(good, bad)| good + bad)
            .fold(f32::EPSILON, f32::max);
        let places = self.places.max(1);
        let step = bounds.width / places as f32;
        let shown = &self.values[self.values.len().saturating_sub(places)..];
        let first = places - shown.len();
        for (n, (good, bad)) in shown.iter().enumerate() {
            let x = (first + n) as f32 * step;
            let width = (step - 1.5).max(1.0);
            let (good, bad) = (height * good / most, height * bad / most);
            frame.fill_rectangle(
                Point::new(x, height - good),
                Size::new(width, good),
                theme::tone(theme, Tone::Good),
            );
            frame.fill_rectangle(
                Point::new(x, height - good - bad),
                Size::new(width, bad),
                theme::tone(theme, Tone::Bad),
            );
        }
        vec![frame.into_geometry()]
    }
}
