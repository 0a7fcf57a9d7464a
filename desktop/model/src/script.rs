//! Scripts that the app's own fonts do not have, by what is to be shown.

use std::collections::BTreeSet;

/// A script with a font of its own, which is loaded when a text needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Script {
    /// Arabic, Persian, Urdu.
    Arabic,
    /// Chinese, Japanese, Korean.
    Cjk,
    /// Hindi, Marathi, Nepali.
    Devanagari,
    /// Pictures.
    Emoji,
    /// Hebrew, Yiddish.
    Hebrew,
    /// Thai.
    Thai,
}

impl Script {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Arabic,
        Self::Cjk,
        Self::Devanagari,
        Self::Emoji,
        Self::Hebrew,
        Self::Thai,
    ];

    /// What its font is called where fonts are kept.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arabic => "arabic",
            Self::Cjk => "cjk",
            Self::Devanagari => "devanagari",
            Self::Emoji => "emoji",
            Self::Hebrew => "hebrew",
            Self::Thai => "thai",
        }
    }

    /// The script of a letter; none where the app's own fonts do, or none would.
    pub const fn of(letter: char) -> Option<Self> {
        Some(match letter {
            '\u{0590}'..='\u{05ff}' | '\u{fb1d}'..='\u{fb4f}' => Self::Hebrew,
            '\u{0600}'..='\u{06ff}'
            | '\u{0750}'..='\u{077f}'
            | '\u{08a0}'..='\u{08ff}'
            | '\u{fb50}'..='\u{fdff}'
            | '\u{fe70}'..='\u{fefe}' => Self::Arabic,
            '\u{0900}'..='\u{097f}' | '\u{a8e0}'..='\u{a8ff}' => Self::Devanagari,
            '\u{0e00}'..='\u{0e7f}' => Self::Thai,
            '\u{1100}'..='\u{11ff}'
            | '\u{2e80}'..='\u{2fdf}'
            | '\u{3000}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7af}'
            | '\u{f900}'..='\u{faff}'
            | '\u{fe30}'..='\u{fe4f}'
            | '\u{ff00}'..='\u{ffef}' => Self::Cjk,
            '\u{2300}'..='\u{23ff}'
            | '\u{2460}'..='\u{24ff}'
            | '\u{2600}'..='\u{2712}'
            | '\u{2718}'..='\u{27bf}'
            | '\u{2934}'..='\u{2935}'
            | '\u{2b05}'..='\u{2b55}'
            | '\u{1f000}'..='\u{1faff}' => Self::Emoji,
            _ => return None,
        })
    }

    /// Every script of a text.
    pub fn within(text: &str) -> BTreeSet<Self> {
        if text.is_ascii() {
            return BTreeSet::new();
        }
        text.chars().filter_map(Self::of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_of_texts() {
        for (text, scripts) in [
            ("Review the payment module – ½ € → ✓ Ω ж", &[][..]),
            ("مراجعة وحدة الدفع", &[Script::Arabic]),
            ("修复", &[Script::Cjk]),
            ("テスト 테스트", &[Script::Cjk]),
            ("बिल 👩\u{200d}🚀", &[Script::Devanagari, Script::Emoji]),
            ("שלום, สวัสดี", &[Script::Hebrew, Script::Thai]),
            ("⚠ ⌘ ❤\u{fe0f}", &[Script::Emoji]),
            ("", &[]),
        ] {
            assert_eq!(Script::within(text).into_iter().collect::<Vec<_>>(), scripts, "{text}");
        }
    }

    #[test]
    fn names_are_different() {
        let names: BTreeSet<&str> = Script::ALL.into_iter().map(Script::name).collect();
        assert_eq!(names.len(), Script::ALL.len());
    }
}
