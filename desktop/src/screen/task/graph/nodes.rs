//! The nodes: a rectangle each, of its own, so that when one of them changes only that one is painted again.

use iced::{
    Border, Color, Pixels, Point, Rectangle, Renderer, Size, Theme,
    advanced::{
        Renderer as _, Text,
        renderer::Quad,
        text::{Alignment, LineHeight, Renderer as _, Shaping, Wrapping},
    },
    alignment,
};
use orchestrator_desktop_model::{
    Tone, format,
    graph::{NODE_HEIGHT, NODE_WIDTH},
    look, tree,
};
use orchestrator_protocol::{Task, Timestamp};

use crate::{
    theme::{self, button::mix, font},
    widget::state,
};

/// Smaller than this, words are left out: nobody reads them.
const WORDS_FROM: f32 = 0.42;

/// Smaller than this, shapes too: a node is a spot of colour, and stronger where something is wrong.
const SHAPES_FROM: f32 = 0.3;

/// How large a name is, at a zoom of one.
const NAME: f32 = 13.0;

/// A node, at its place on the screen.
pub(super) struct Placed<'a> {
    pub(super) task: &'a Task,
    pub(super) is_chosen: bool,
    pub(super) at: Rectangle,
    pub(super) zoom: f32,
}

/// Draws one, within what is seen of the graph.
pub(super) fn draw(placed: &Placed<'_>, seen: Rectangle, now: Timestamp, renderer: &mut Renderer, theme: &Theme) {
    let &Placed {
        task,
        is_chosen,
        at: node,
        zoom,
    } = placed;
    let colours = theme::colours(theme);
    let look = look::task(task.state);
    let tone = theme::tone(theme, look.tone);
    let ring = is_chosen.then_some((colours.accent, 2.5));
    if zoom < SHAPES_FROM {
        let strength = if matches!(look.tone, Tone::Bad | Tone::Attention) {
            1.0
        } else {
            0.5
        };
        return spot(node, mix(colours.surface, tone, strength), ring, 0.0, renderer);
    }
    let ring = ring.or(Some((mix(colours.surface, tone, 0.55), 1.0)));
    spot(node, mix(colours.surface, tone, 0.10), ring, 8.0 * zoom, renderer);
    if let Some(done) = task.progress.filter(|_| !task.state.is_terminal()) {
        let width = (node.width - 16.0 * zoom) * done.clamp(0.0, 1.0) as f32;
        let at = Point::new(node.x + 8.0 * zoom, node.y + node.height - 4.0 * zoom);
        spot(
            Rectangle::new(at, Size::new(width, 2.0 * zoom)),
            tone,
            None,
            0.0,
            renderer,
        );
    }
    let Some(seen) = node.intersection(&seen) else { return };
    // Letters have whole sizes, whatever the zoom, and fit: each size is made once, and kept while it is zoomed.
    let letters = (zoom * NAME).floor() / NAME;
    let mut say = |words: String, (x, y): (f32, f32), size: f32, color: Color, font: iced::Font| {
        let words = Text {
            content: words,
            bounds: Size::new(NODE_WIDTH * letters, NODE_HEIGHT * letters),
            size: Pixels(size * letters),
            line_height: LineHeight::default(),
            font,
            align_x: Alignment::Left,
            align_y: alignment::Vertical::Center,
            shaping: Shaping::Advanced,
            wrapping: Wrapping::None,
        };
        renderer.fill_text(words, Point::new(node.x + x * zoom, node.y + y * zoom), color, seen);
    };
    let shape = state::shape(look.shape).to_string();
    say(shape, (11.5, 22.0), 17.0, tone, font::ICONS);
    if zoom < WORDS_FROM {
        return;
    }
    let name = format::clip_name(&tree::name(task), 20);
    say(name, (38.0, 14.5), NAME, colours.text, font::MEDIUM);
    let took = tree::took(task, now).map(|took| format!(" · {}", format::duration(took)));
    let kind = task.task_type.rsplit('.').next().unwrap_or_default();
    let below = format!("{}{}", format::clip(kind, 14), took.unwrap_or_default());
    say(below, (38.0, 31.0), 11.0, colours.muted, font::BODY);
}

fn spot(bounds: Rectangle, colour: Color, ring: Option<(Color, f32)>, radius: f32, renderer: &mut Renderer) {
    if bounds.width <= 0.0 {
        return;
    }
    let (color, width) = ring.unwrap_or_default();
    let border = Border {
        color,
        width,
        radius: radius.into(),
    };
    let quad = Quad {
        bounds,
        border,
        ..Quad::default()
    };
    renderer.fill_quad(quad, colour);
}
