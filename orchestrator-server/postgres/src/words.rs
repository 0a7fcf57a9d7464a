//! Texts with every character: PostgreSQL keeps all but one.

use std::borrow::Cow;

/// Stands before what cannot be kept as it is. It is no character, so that it is hardly ever there itself.
const ESCAPE: char = '\u{10FFFE}';

/// A text as it can be kept. Texts that are different stay different.
pub(crate) fn kept(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => kept.extend([ESCAPE, '0']),
            ESCAPE => kept.extend([ESCAPE, 'e']),
            c => kept.push(c),
        }
    }
    Cow::Owned(kept)
}

/// The text that was kept.
pub(crate) fn told(kept: String) -> String {
    if !kept.contains(ESCAPE) {
        return kept;
    }
    let mut text = String::with_capacity(kept.len());
    let mut chars = kept.chars();
    while let Some(c) = chars.next() {
        match (c, c == ESCAPE) {
            (_, true) if chars.next() == Some('0') => text.push('\0'),
            (_, true) => text.push(ESCAPE),
            (c, false) => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_none_are_mixed_up() {
        let texts = [
            "",
            "plain",
            "a\0b",
            "\0",
            "\u{10FFFE}",
            "\u{10FFFE}0",
            "\u{10FFFE}e\0\0",
            "日本\0",
        ];
        let all: std::collections::BTreeSet<_> = texts.iter().map(|text| kept(text).into_owned()).collect();
        assert_eq!(all.len(), texts.len());
        for text in texts {
            let kept = kept(text).into_owned();
            assert!(!kept.contains('\0'));
            assert_eq!(told(kept), text);
        }
    }
}
