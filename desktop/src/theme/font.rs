//! The fonts. They are in the program, so that it looks the same everywhere, in browsers too.

use iced::{
    Font,
    font::{Family, Weight},
};

/// What is read.
pub const BODY: Font = Font::with_name("Inter");
/// What is pressed, and names.
pub const MEDIUM: Font = Font {
    weight: Weight::Medium,
    ..BODY
};
/// Titles.
pub const STRONG: Font = Font {
    weight: Weight::Semibold,
    ..BODY
};
/// Output, code, ids.
pub const MONO: Font = Font {
    family: Family::Name("JetBrains Mono"),
    ..Font::DEFAULT
};
/// Icons: `theme::glyph`.
pub const ICONS: Font = Font::with_name("lucide");

/// The files, to be loaded at the start.
pub const FILES: [&[u8]; 5] = [
    include_bytes!("../../fonts/Inter-Regular.otf"),
    include_bytes!("../../fonts/Inter-Medium.otf"),
    include_bytes!("../../fonts/Inter-SemiBold.otf"),
    include_bytes!("../../fonts/JetBrainsMono-Regular.ttf"),
    include_bytes!("../../fonts/icons.ttf"),
];
