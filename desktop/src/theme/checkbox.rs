//! Boxes to tick.

use iced::{
    Background, Border, Theme,
    widget::checkbox::{Status, Style},
};

use super::{colours, radius};

/// A box to tick.
pub fn tick(theme: &Theme, status: Status) -> Style {
    let colours = colours(theme);
    let (Status::Active { is_checked } | Status::Hovered { is_checked } | Status::Disabled { is_checked }) = status;
    let line = match (is_checked, status) {
        (true, _) => colours.accent,
        (false, Status::Hovered { .. }) => colours.muted,
        (false, _) => colours.outline,
    };
    Style {
        background: Background::Color(if is_checked { colours.accent } else { colours.surface }),
        icon_color: colours.on_accent,
        border: Border {
            color: line,
            width: 1.0,
            radius: (radius::SMALL / 1.5).into(),
        },
        text_color: Some(colours.text),
    }
}
