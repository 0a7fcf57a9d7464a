//! What is shown, in words: for screen readers, and for tests, which read instead of looking.
//!
//! The app draws on one surface, of which nobody else sees more than colours. In a browser it is therefore mirrored into
//! the page: every text with its place, and a few facts (which screen, connected or not). A window tells the same in its
//! log, where somebody asks for `orchestrator_desktop::words=trace`. What is typed into fields is never told.

#[cfg_attr(target_family = "wasm", path = "words/page.rs")]
#[cfg_attr(not(target_family = "wasm"), path = "words/log.rs")]
mod place;

use iced::{
    Rectangle, Task,
    widget::selector::{self, Candidate},
};
use serde::Serialize;

use crate::widget::press::Focus;

pub use self::place::{are_wanted, tell};

/// How long what has changed may gather before it is told, in milliseconds.
pub const EVERY_MS: u64 = 200;

/// What kind of thing is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A text.
    Text,
    /// A field to write in; what is in it is not told.
    Input,
    /// Something to press; what is written on it is a text of its own.
    Button,
}

/// Something that can be read, with its place in the window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Word {
    kind: Kind,
    x: f32,
    y: f32,
    width: f32,
    height: f32,
    text: String,
}

/// A name and what is the case.
pub type Fact = (&'static str, String);

impl Word {
    /// What it says; nothing for a field.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn of(candidate: &Candidate<'_>) -> Option<Self> {
        let (kind, text) = match candidate {
            Candidate::Text { content, .. } => (Kind::Text, legible(content)?),
            // Fields of one line and of many; and buttons, which are told apart below.
            Candidate::Focusable { .. } => (Kind::Input, String::new()),
            Candidate::Custom { state, .. } if state.is::<Focus>() => (Kind::Button, String::new()),
            _ => return None,
        };
        let Rectangle { x, y, width, height } = candidate.visible_bounds()?;
        Some(Self {
            kind,
            x,
            y,
            width,
            height,
            text,
        })
    }
}

/// A text without the letters that are icons; none when nothing is left.
fn legible(text: &str) -> Option<String> {
    let is_icon = |c: &char| matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    let text: String = text.chars().filter(|c| !is_icon(c)).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Reads everything that is in sight.
pub fn read() -> Task<Vec<Word>> {
    selector::find_all(|candidate: Candidate<'_>| Word::of(&candidate)).map(sorted)
}

/// Whatever can have the keyboard comes as a field, and buttons come as buttons too, right after.
fn sorted(mut words: Vec<Word>) -> Vec<Word> {
    let mut at = 0;
    while at < words.len() {
        if words[at].kind == Kind::Button && at > 0 && words[at - 1].kind == Kind::Input {
            words.remove(at - 1);
        } else {
            at += 1;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_are_no_fields() {
        let word = |kind| Word {
            kind,
            x: 0.0,
            y: 0.0,
            width: 1.0,
            height: 1.0,
            text: String::new(),
        };
        let all = [
            Kind::Input,
            Kind::Button,
            Kind::Text,
            Kind::Input,
            Kind::Input,
            Kind::Button,
        ];
        let kinds: Vec<Kind> = sorted(all.map(word).into()).into_iter().map(|word| word.kind).collect();
        assert_eq!(kinds, [Kind::Button, Kind::Text, Kind::Input, Kind::Button]);
    }

    #[test]
    fn icons_are_not_read() {
        assert_eq!(legible("\u{e001} Accept "), Some("Accept".to_owned()));
        assert_eq!(legible("\u{e001}"), None);
        assert_eq!(legible(" "), None);
        assert_eq!(legible("مراجعة 🚀"), Some("مراجعة 🚀".to_owned()));
    }
}
