//! Texts.

use iced::{Theme, widget::text::Style};
use orchestrator_desktop_model::Tone;

use super::colours;

/// What is read second.
pub fn muted(theme: &Theme) -> Style {
    Style {
        color: Some(colours(theme).muted),
    }
}

/// What is there if one looks for it.
pub fn faint(theme: &Theme) -> Style {
    Style {
        color: Some(colours(theme).faint),
    }
}

/// What stands out.
pub fn accent(theme: &Theme) -> Style {
    Style {
        color: Some(colours(theme).accent),
    }
}

/// Of a tone.
pub fn toned(tone: Tone) -> impl Fn(&Theme) -> Style {
    move |theme| Style {
        color: Some(super::tone(theme, tone)),
    }
}
