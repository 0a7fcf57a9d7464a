//! How the app is shown.

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Look {
    /// What it is called in file names and in style sheets.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// How large it is, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Size {
    /// The smallest that the app is made for.
    pub(crate) const SMALL: Self = Self::of(1024, 768);
    /// Most screens.
    pub(crate) const USUAL: Self = Self::of(1440, 900);
    /// The largest that it is tried on.
    pub(crate) const LARGE: Self = Self::of(2560, 1440);

    const fn of(width: u32, height: u32) -> Self {
        Self { width, height }
    }
}
