//! Fonts for scripts that the app's own do not have.
//!
//! A window takes the system's. A page sees none of those, so it loads one from its server as soon as something is shown
//! that needs it: nobody waits for a font at the start, and nobody who reads Latin alone ever loads one.

use std::collections::BTreeMap;

use iced::Task;
use orchestrator_desktop_model::script::Script;

use super::Message;
use crate::words::Word;

/// How often a font that does not come is asked for: whenever something else is shown that needs it.
const TRIES: u8 = 3;

/// Which fonts were asked for.
#[derive(Debug, Default)]
pub struct Fallback {
    tries: BTreeMap<Script, u8>,
    here: BTreeMap<Script, bool>,
}

impl Fallback {
    /// Loads what is missing for what is shown.
    pub fn load(&mut self, words: &[Word]) -> Task<Message> {
        let wanted = self.wanted(words.iter().map(Word::text));
        Task::batch(wanted.into_iter().map(load))
    }

    /// A font has come, or not.
    pub fn loaded(&mut self, script: Script, is_here: bool) {
        self.here.insert(script, is_here);
    }

    /// What to ask for now.
    fn wanted<'a>(&mut self, texts: impl Iterator<Item = &'a str>) -> Vec<Script> {
        let mut wanted: Vec<Script> = texts.flat_map(Script::within).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.retain(|script| {
            let tries = self.tries.entry(*script).or_default();
            // The first time, or when the last one has failed.
            let is_wanted = *tries < TRIES && (*tries == 0 || self.here.remove(script) == Some(false));
            *tries += u8::from(is_wanted);
            is_wanted
        });
        wanted
    }
}

#[cfg(target_family = "wasm")]
fn load(script: Script) -> Task<Message> {
    Task::perform(fetch(script), |bytes| bytes).then(move |bytes| match bytes {
        Some(bytes) => iced::font::load(bytes).map(move |loaded| Message::Font(script, loaded.is_ok())),
        None => Task::done(Message::Font(script, false)),
    })
}

/// The page says where its fonts are, since their names say what is in them.
#[cfg(target_family = "wasm")]
async fn fetch(script: Script) -> Option<Vec<u8>> {
    let document = web_sys::window()?.document()?;
    let place = document.query_selector(&format!("meta[name=\"font:{}\"]", script.name()));
    let place = place.ok()??.get_attribute("content")?;
    let url = format!("{}/{place}", orchestrator_client::transport::page()?);
    let answer = reqwest::get(url).await.ok()?.error_for_status().ok()?;
    Some(answer.bytes().await.ok()?.to_vec())
}

#[cfg(not(target_family = "wasm"))]
fn load(_: Script) -> Task<Message> {
    Task::none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_font_is_asked_for_once_and_again_when_it_did_not_come() {
        let mut fallback = Fallback::default();
        let wanted = |fallback: &mut Fallback, text: &str| fallback.wanted([text, "plain"].into_iter());
        assert_eq!(wanted(&mut fallback, "plain"), []);
        assert_eq!(wanted(&mut fallback, "مراجعة 🚀"), [Script::Arabic, Script::Emoji]);
        assert_eq!(wanted(&mut fallback, "مراجعة 🚀"), [], "they are on their way");
        fallback.loaded(Script::Arabic, true);
        for _ in 1..TRIES {
            fallback.loaded(Script::Emoji, false);
            assert_eq!(wanted(&mut fallback, "مراجعة 🚀"), [Script::Emoji]);
        }
        fallback.loaded(Script::Emoji, false);
        assert_eq!(wanted(&mut fallback, "مراجعة 🚀"), [], "enough is enough");
    }
}
