//! Into the log of a window, where somebody asks for it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Fact, Word};

/// Whether anybody wants to know.
pub fn are_wanted() -> bool {
    tracing::enabled!(target: "orchestrator_desktop::words", tracing::Level::TRACE)
}

/// Tells what is shown, and what there is new to say aloud.
pub fn tell(facts: &[Fact], words: &[Word], _aloud: &str) {
    #[derive(Serialize)]
    struct Seen<'s> {
        facts: BTreeMap<&'s str, &'s str>,
        words: &'s [Word],
    }
    let seen = Seen {
        facts: facts.iter().map(|(name, value)| (*name, value.as_str())).collect(),
        words,
    };
    let seen = serde_json::to_string(&seen).unwrap_or_default();
    tracing::trace!(target: "orchestrator_desktop::words", "shows {seen}");
}
