//! Markdown as it is read: blocks of pieces. Nothing is loaded, and no link can be followed, wherever the text comes from.

mod reader;

use std::ops::BitOr;

pub use reader::read;

/// Larger texts are shown as they are: laying them out would take longer than a person waits.
pub const MOST: usize = 256 * 1024;

/// How far the start of a text says what it is, in lines.
const LOOK: usize = 400;

/// How a piece stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Marks(u8);

impl Marks {
    /// It does not.
    pub const NONE: Self = Self(0);
    /// Strong.
    pub const STRONG: Self = Self(1);
    /// Emphasised.
    pub const EMPHASIS: Self = Self(2);
    /// Code.
    pub const CODE: Self = Self(4);
    /// A link.
    pub const LINK: Self = Self(8);
    /// Struck out.
    pub const STRUCK: Self = Self(16);

    /// Whether it stands out like this.
    pub const fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }
}

impl BitOr for Marks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Words that stand out alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// How they do.
    pub marks: Marks,
    /// The words.
    pub text: String,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading, of the first level or below.
    Heading(u8, Vec<Piece>),
    /// Words.
    Words(Vec<Piece>),
    /// Code in a language, which may be empty.
    Code(String, String),
    /// Items, each with its mark.
    List(Vec<(String, Vec<Block>)>),
    /// Somebody's words.
    Quote(Vec<Block>),
    /// Rows of cells, the head first.
    Table(Vec<Column>, Vec<Vec<Vec<Piece>>>),
    /// A line across.
    Line,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// How many letters its longest cell has.
    pub width: usize,
    /// Whether its cells end together, as numbers do.
    pub is_right: bool,
}

/// The words alone.
pub fn plain(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

/// Whether a text is written in Markdown, as far as its start says: one mark that nothing else has, or several that are
/// seldom there by chance.
pub fn is_markdown(text: &str) -> bool {
    let mut hints = 0;
    for line in text.lines().take(LOOK) {
        let line = line.trim_start();
        let is_sure = is_heading(line) || line.starts_with("```") || is_below_head(line);
        hints += usize::from(is_item(line)) + usize::from(has_marks(line)) + usize::from(line.starts_with("> "));
        if is_sure || hints >= 2 {
            return true;
        }
    }
    false
}

fn is_heading(line: &str) -> bool {
    let hashes = line.bytes().take_while(|byte| *byte == b'#').count();
    (1..=6).contains(&hashes) && line[hashes..].starts_with(' ')
}

/// The line below the head of a table: `|---|---:|`.
fn is_below_head(line: &str) -> bool {
    line.starts_with('|') && line.contains("--") && line.bytes().all(|byte| b"|-: ".contains(&byte))
}

/// An item of a list.
pub(crate) fn is_item(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let is_numbered = (1..=3).contains(&digits) && line[digits..].starts_with(". ");
    is_numbered || ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark))
}

/// Words that are strong, code or a link.
fn has_marks(line: &str) -> bool {
    let pair = |mark: &str| line.split(mark).nth(2).is_some() && !line.contains(&format!("{mark} {mark}"));
    pair("**") || pair("`") || (line.contains('[') && line.contains("](") && line.contains(')'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_told_from_what_only_looks_a_little_like_it() {
        for text in [
            "# A title",
            "Text\n\n```sh\nls\n```",
            "| a | b |\n|---|--:|\n| 1 | 2 |",
            "- one\n- two",
            "1. first\n2. second",
            "Use `a` for **b**.\nAnd `c`.",
            "**Verdict: needs work** (6.5 of 10)\n> Note: `git` is missing",
        ] {
            assert!(is_markdown(text), "{text}");
        }
        for text in [
            "",
            "Hello.\nHow are you?",
            "#hashtag is one word",
            "- only one",
            "2 * 3 ** 4",
            "a | b\nc | d",
            "مرحبا\nهذا نص",
            "12345. no list\n1.5 is a number",
        ] {
            assert!(!is_markdown(text), "{text}");
        }
    }
}
