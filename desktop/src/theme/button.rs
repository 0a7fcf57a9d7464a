//! Buttons.

use iced::{
    Background, Border, Color, Theme,
    widget::button::{Status, Style},
};

use super::{colours, radius};

fn style(ground: Option<Color>, text: Color, line: Option<Color>) -> Style {
    Style {
        background: ground.map(Background::Color),
        text_color: text,
        border: Border {
            color: line.unwrap_or(Color::TRANSPARENT),
            width: if line.is_some() { 1.0 } else { 0.0 },
            radius: radius::SMALL.into(),
        },
        ..Style::default()
    }
}

/// What a person most likely wants.
pub fn primary(theme: &Theme, status: Status) -> Style {
    let colours = colours(theme);
    let ground = match status {
        Status::Active => colours.accent,
        Status::Hovered => mix(colours.accent, colours.text, 0.12),
        Status::Pressed => mix(colours.accent, colours.ground, 0.15),
        Status::Disabled => return style(Some(colours.raised), colours.faint, None),
    };
    style(Some(ground), colours.on_accent, None)
}

/// What else can be done.
pub fn secondary(theme: &Theme, status: Status) -> Style {
    let colours = colours(theme);
    match status {
        Status::Active => style(Some(colours.surface), colours.text, Some(colours.outline)),
        Status::Hovered => style(Some(colours.raised), colours.text, Some(colours.outline)),
        Status::Pressed => style(Some(colours.pressed), colours.text, Some(colours.outline)),
        Status::Disabled => style(Some(colours.surface), colours.faint, Some(colours.border)),
    }
}

/// What destroys something.
pub fn danger(theme: &Theme, status: Status) -> Style {
    let colours = colours(theme);
    match status {
        Status::Active => style(Some(colours.surface), colours.bad, Some(colours.outline)),
        Status::Hovered => style(
            Some(mix(colours.surface, colours.bad, 0.10)),
            colours.bad,
            Some(colours.bad),
        ),
        Status::Pressed => style(
            Some(mix(colours.surface, colours.bad, 0.20)),
            colours.bad,
            Some(colours.bad),
        ),
        Status::Disabled => style(Some(colours.surface), colours.faint, Some(colours.border)),
    }
}

/// What is hardly there until the pointer is on it.
pub fn ghost(theme: &Theme, status: Status) -> Style {
    let colours = colours(theme);
    match status {
        Status::Active => style(None, colours.muted, None),
        Status::Hovered => style(Some(colours.raised), colours.text, None),
        Status::Pressed => style(Some(colours.pressed), colours.text, None),
        Status::Disabled => style(None, colours.faint, None),
    }
}

/// A card that can be pressed.
pub fn card(theme: &Theme, status: Status) -> Style {
    let colours = colours(theme);
    let (ground, line) = match status {
        Status::Hovered => (colours.raised, colours.outline),
        Status::Pressed => (colours.pressed, colours.outline),
        Status::Active | Status::Disabled => (colours.surface, colours.border),
    };
    let mut style = style(Some(ground), colours.text, Some(line));
    style.border.radius = radius::LARGE.into();
    style
}

/// One of several, of which one is chosen.
pub fn choice(chosen: bool) -> impl Fn(&Theme, Status) -> Style {
    move |theme, status| {
        let colours = colours(theme);
        match (chosen, status) {
            (true, _) => style(Some(colours.pressed), colours.text, None),
            (false, Status::Hovered | Status::Pressed) => style(Some(colours.raised), colours.text, None),
            (false, _) => style(None, colours.muted, None),
        }
    }
}

/// A row of a list, which may be chosen.
pub fn row(chosen: bool) -> impl Fn(&Theme, Status) -> Style {
    move |theme, status| {
        let colours = colours(theme);
        let ground = match (chosen, status) {
            (true, _) => Some(mix(colours.surface, colours.accent, 0.14)),
            (false, Status::Hovered | Status::Pressed) => Some(colours.raised),
            (false, _) => None,
        };
        Style {
            border: Border::default(),
            ..style(ground, colours.text, None)
        }
    }
}

/// A colour between two.
pub fn mix(from: Color, to: Color, part: f32) -> Color {
    let between = |from: f32, to: f32| from + (to - from) * part;
    Color {
        r: between(from.r, to.r),
        g: between(from.g, to.g),
        b: between(from.b, to.b),
        a: between(from.a, to.a),
    }
}
