//! Fields for text.

use iced::{
    Background, Border, Theme,
    widget::{text_editor, text_input},
};

use super::{button::mix, colours, radius};

fn border(theme: &Theme, focused: bool, hovered: bool) -> Border {
    let colours = colours(theme);
    let (color, width) = match (focused, hovered) {
        (true, _) => (colours.accent, 2.0),
        (false, true) => (colours.faint, 1.0),
        (false, false) => (colours.outline, 1.0),
    };
    Border {
        color,
        width,
        radius: radius::SMALL.into(),
    }
}

/// One line.
pub fn line(theme: &Theme, status: text_input::Status) -> text_input::Style {
    let colours = colours(theme);
    let focused = matches!(status, text_input::Status::Focused { .. });
    let disabled = matches!(status, text_input::Status::Disabled);
    text_input::Style {
        background: Background::Color(if disabled { colours.raised } else { colours.surface }),
        border: border(theme, focused, matches!(status, text_input::Status::Hovered)),
        icon: colours.faint,
        placeholder: colours.faint,
        value: if disabled { colours.muted } else { colours.text },
        selection: mix(colours.surface, colours.accent, 0.35),
    }
}

/// One line without a frame, as in the palette.
pub fn bare(theme: &Theme, status: text_input::Status) -> text_input::Style {
    text_input::Style {
        border: Border::default(),
        ..line(theme, status)
    }
}

/// Many lines.
pub fn editor(theme: &Theme, status: text_editor::Status) -> text_editor::Style {
    let colours = colours(theme);
    let focused = matches!(status, text_editor::Status::Focused { .. });
    text_editor::Style {
        background: Background::Color(colours.surface),
        border: border(theme, focused, matches!(status, text_editor::Status::Hovered)),
        placeholder: colours.faint,
        value: colours.text,
        selection: mix(colours.surface, colours.accent, 0.35),
    }
}
