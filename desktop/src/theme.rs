//! How things look: colours by role, sizes, fonts. One file a widget has its styles.
//!
//! Colours are told apart in every common kind of colour blindness (they follow Okabe and Ito), and no state is told
//! by colour alone: see `orchestrator_desktop_model::look`.

#![allow(clippy::unreadable_literal, reason = "colours are written as everyone writes them")]

pub mod button;
pub mod checkbox;
pub mod container;
pub mod font;
pub mod glyph;
pub mod input;
pub mod pick_list;
pub mod scrollable;
pub mod text;

use iced::{Color, Theme, color, theme::Palette};
use orchestrator_desktop_model::{Tone, settings::Mode};

/// The colours, by role.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colours {
    /// Behind everything.
    pub ground: Color,
    /// Cards, lists, panels.
    pub surface: Color,
    /// What lies on a surface: fields, chips, a row under the pointer.
    pub raised: Color,
    /// What is pressed or chosen.
    pub pressed: Color,
    /// Lines between things.
    pub border: Color,
    /// Lines around fields.
    pub outline: Color,
    /// What is read.
    pub text: Color,
    /// What is read second.
    pub muted: Color,
    /// What is there if one looks for it.
    pub faint: Color,
    /// What can be done first, and what has the focus.
    pub accent: Color,
    /// Text on the accent.
    pub on_accent: Color,
    /// Work goes on.
    pub active: Color,
    /// It rests, and will go on by itself.
    pub waiting: Color,
    /// Good.
    pub good: Color,
    /// A person should look.
    pub attention: Color,
    /// Bad.
    pub bad: Color,
}

const DARK: Colours = Colours {
    ground: color!(0x0f1014),
    surface: color!(0x16181d),
    raised: color!(0x1e2128),
    pressed: color!(0x282c36),
    border: color!(0x252932),
    outline: color!(0x363c48),
    text: color!(0xe8eaee),
    muted: color!(0xa2a9b6),
    faint: color!(0x7b8392),
    accent: color!(0x7c93ff),
    on_accent: color!(0x0b0d12),
    active: color!(0x56a8ff),
    waiting: color!(0xb9a3f5),
    good: color!(0x35c19f),
    attention: color!(0xf2b134),
    bad: color!(0xff7a66),
};

const LIGHT: Colours = Colours {
    ground: color!(0xf6f7f9),
    surface: color!(0xffffff),
    raised: color!(0xf1f3f6),
    pressed: color!(0xe5e8ee),
    border: color!(0xe4e7ec),
    outline: color!(0xcbd1da),
    text: color!(0x16191f),
    muted: color!(0x545c6a),
    faint: color!(0x747d8c),
    accent: color!(0x3f57d9),
    on_accent: color!(0xffffff),
    active: color!(0x0f67c4),
    waiting: color!(0x6b46c1),
    good: color!(0x08755a),
    attention: color!(0x9a5b00),
    bad: color!(0xc2331f),
};

/// The sizes of text.
pub mod size {
    /// Captions and chips.
    pub const SMALL: f32 = 12.0;
    /// What is read.
    pub const BODY: f32 = 13.0;
    /// The title of a card.
    pub const HEADING: f32 = 14.0;
    /// The title of a screen.
    pub const TITLE: f32 = 20.0;
    /// A number at a glance.
    pub const FIGURE: f32 = 26.0;
}

/// The distances between things.
pub mod gap {
    /// Between an icon and its word.
    pub const TINY: f32 = 4.0;
    /// Between things that belong together.
    pub const SMALL: f32 = 8.0;
    /// Between things.
    pub const MEDIUM: f32 = 12.0;
    /// Within a card.
    pub const LARGE: f32 = 16.0;
    /// Between parts of a screen.
    pub const HUGE: f32 = 24.0;
}

/// How round corners are.
pub mod radius {
    /// Chips and fields.
    pub const SMALL: f32 = 6.0;
    /// Cards.
    pub const LARGE: f32 = 10.0;
}

/// The theme of a mode, where the system is dark or not.
pub fn theme(mode: Mode, system_is_dark: bool) -> Theme {
    let dark = match mode {
        Mode::System => system_is_dark,
        Mode::Light => false,
        Mode::Dark => true,
    };
    let (name, colours) = if dark { ("Dark", DARK) } else { ("Light", LIGHT) };
    let palette = Palette {
        background: colours.ground,
        text: colours.text,
        primary: colours.accent,
        success: colours.good,
        warning: colours.attention,
        danger: colours.bad,
    };
    Theme::custom(name, palette)
}

/// The colours of a theme.
pub fn colours(theme: &Theme) -> &'static Colours {
    if theme.extended_palette().is_dark {
        &DARK
    } else {
        &LIGHT
    }
}

/// The colour of a tone.
pub fn tone(theme: &Theme, tone: Tone) -> Color {
    let colours = colours(theme);
    match tone {
        Tone::Neutral => colours.faint,
        Tone::Active => colours.active,
        Tone::Waiting => colours.waiting,
        Tone::Good => colours.good,
        Tone::Attention => colours.attention,
        Tone::Bad => colours.bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contrast of two colours, as WCAG 2 defines it.
    fn contrast(one: Color, other: Color) -> f32 {
        let light = |colour: Color| {
            let [r, g, b, _] = colour.into_linear();
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (one, other) = (light(one), light(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn everything_that_is_read_can_be_read() {
        for colours in [DARK, LIGHT] {
            for ground in [colours.ground, colours.surface, colours.raised] {
                assert!(contrast(colours.text, ground) > 12.0);
                assert!(contrast(colours.muted, ground) > 4.5);
                for colour in [
                    colours.accent,
                    colours.active,
                    colours.waiting,
                    colours.good,
                    colours.attention,
                    colours.bad,
                ] {
                    let contrast = contrast(colour, ground);
                    assert!(contrast > 4.5, "{colour:?} on {ground:?}: {contrast}");
                }
            }
            assert!(contrast(colours.on_accent, colours.accent) > 4.5);
            assert!(contrast(colours.faint, colours.surface) > 3.0);
        }
    }
}
