//! Lists to choose from.

use iced::{
    Background, Border, Shadow, Theme,
    overlay::menu,
    widget::pick_list::{Status, Style},
};

use super::{colours, radius};

/// The closed list.
pub fn field(theme: &Theme, status: Status) -> Style {
    let colours = colours(theme);
    let (line, width) = match status {
        Status::Active => (colours.outline, 1.0),
        Status::Hovered => (colours.faint, 1.0),
        Status::Opened { .. } => (colours.accent, 2.0),
    };
    Style {
        text_color: colours.text,
        placeholder_color: colours.faint,
        handle_color: colours.muted,
        background: Background::Color(colours.surface),
        border: Border {
            color: line,
            width,
            radius: radius::SMALL.into(),
        },
    }
}

/// The open one.
pub fn menu(theme: &Theme) -> menu::Style {
    let colours = colours(theme);
    menu::Style {
        background: Background::Color(colours.surface),
        border: Border {
            color: colours.outline,
            width: 1.0,
            radius: radius::SMALL.into(),
        },
        text_color: colours.text,
        selected_text_color: colours.text,
        selected_background: Background::Color(colours.pressed),
        // See `theme::container::overlay`.
        shadow: Shadow::default(),
    }
}
