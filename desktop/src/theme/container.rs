//! Grounds and frames.

use iced::{Border, Color, Theme, widget::container::Style};
use orchestrator_desktop_model::Tone;

use super::{button::mix, colours, radius};

/// Behind everything.
pub fn ground(theme: &Theme) -> Style {
    Style::default()
        .background(colours(theme).ground)
        .color(colours(theme).text)
}

/// The navigation.
pub fn side(theme: &Theme) -> Style {
    Style::default().background(colours(theme).surface)
}

/// A card.
pub fn card(theme: &Theme) -> Style {
    let colours = colours(theme);
    Style::default().background(colours.surface).border(Border {
        color: colours.border,
        width: 1.0,
        radius: radius::LARGE.into(),
    })
}

/// A card that lies over everything. It has no shadow: drawn by the processor, a shadow is laid over itself with every
/// part of it that is drawn anew, until all is black.
pub fn overlay(theme: &Theme) -> Style {
    let colours = colours(theme);
    card(theme).border(Border {
        color: colours.outline,
        width: 1.0,
        radius: radius::LARGE.into(),
    })
}

/// What is behind an overlay.
pub fn veil(_theme: &Theme) -> Style {
    Style::default().background(Color::from_rgba(0.0, 0.0, 0.0, 0.45))
}

/// A ground in a field: code, output.
pub fn well(theme: &Theme) -> Style {
    let colours = colours(theme);
    Style::default().background(colours.ground).border(Border {
        color: colours.border,
        width: 1.0,
        radius: radius::SMALL.into(),
    })
}

/// A chip.
pub fn chip(theme: &Theme) -> Style {
    let colours = colours(theme);
    Style::default()
        .background(colours.raised)
        .color(colours.muted)
        .border(Border {
            radius: radius::SMALL.into(),
            ..Border::default()
        })
}

/// A chip, a banner or a notice of a tone.
pub fn toned(tone: Tone) -> impl Fn(&Theme) -> Style {
    move |theme| {
        let colour = super::tone(theme, tone);
        Style::default()
            .background(mix(colours(theme).surface, colour, 0.13))
            .color(colour)
            .border(Border {
                radius: radius::SMALL.into(),
                ..Border::default()
            })
    }
}

/// A thin line.
pub fn line(theme: &Theme) -> Style {
    Style::default().background(colours(theme).border)
}

/// A bar that fills up, in a tone.
pub fn progress(tone: Tone) -> impl Fn(&Theme) -> iced::widget::progress_bar::Style {
    move |theme| iced::widget::progress_bar::Style {
        background: colours(theme).raised.into(),
        bar: super::tone(theme, tone).into(),
        border: Border {
            radius: 3.0.into(),
            ..Border::default()
        },
    }
}

/// A line that holds what is looked for.
pub fn found(theme: &Theme) -> Style {
    let colours = colours(theme);
    Style::default().background(mix(colours.surface, colours.attention, 0.16))
}

/// The one of them that is looked at.
pub fn found_now(theme: &Theme) -> Style {
    let colours = colours(theme);
    Style::default().background(mix(colours.surface, colours.attention, 0.38))
}

/// A line of a diff.
pub fn changed(tone: Tone) -> impl Fn(&Theme) -> Style {
    move |theme| Style::default().background(mix(colours(theme).surface, super::tone(theme, tone), 0.12))
}

/// A part of a bar.
pub fn filled(tone: Tone) -> impl Fn(&Theme) -> Style {
    move |theme| {
        Style::default().background(super::tone(theme, tone)).border(Border {
            radius: 2.0.into(),
            ..Border::default()
        })
    }
}
