//! What scrolls.

use iced::{
    Background, Border, Color, Shadow, Theme,
    widget::{
        container,
        scrollable::{AutoScroll, Rail, Scroller, Status, Style},
    },
};

use super::colours;

/// A thin bar that shows itself when it is needed.
pub fn thin(theme: &Theme, status: Status) -> Style {
    let colours = colours(theme);
    let (across, down) = match status {
        Status::Active { .. } => (false, false),
        Status::Hovered {
            is_horizontal_scrollbar_hovered: across,
            is_vertical_scrollbar_hovered: down,
            ..
        }
        | Status::Dragged {
            is_horizontal_scrollbar_dragged: across,
            is_vertical_scrollbar_dragged: down,
            ..
        } => (across, down),
    };
    let rail = |strong: bool| Rail {
        background: None,
        border: Border::default(),
        scroller: Scroller {
            background: Background::Color(if strong { colours.faint } else { colours.outline }),
            border: Border {
                radius: 4.0.into(),
                ..Border::default()
            },
        },
    };
    Style {
        container: container::Style::default(),
        vertical_rail: rail(down),
        horizontal_rail: rail(across),
        gap: None,
        auto_scroll: AutoScroll {
            background: Background::Color(colours.raised),
            border: Border::default(),
            shadow: Shadow::default(),
            icon: Color { a: 0.8, ..colours.text },
        },
    }
}
