//! Whoever sits before the app: sees what it shows, clicks and types. In a browser and before a window alike.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{
    browser::{Browser, Key},
    look::{Look, Size},
    picture::Picture,
    process,
    stage::Stage,
    window::Window,
};

/// Before a browser's page, or a window.
pub(crate) enum Seat {
    Page(Box<Browser>),
    Window(Box<Window>),
}

/// What the app shows.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(crate) struct Seen {
    /// Where one is, and what is the case there.
    pub(crate) facts: BTreeMap<String, String>,
    /// What can be read, with its place.
    pub(crate) words: Vec<Word>,
}

/// Something that can be read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Word {
    /// `text`; or `input`, which does not tell what is in it; or `button`.
    pub(crate) kind: String,
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) text: String,
}

impl Word {
    fn middle(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }
}

impl Seen {
    /// A fact, empty where it is not told.
    pub(crate) fn fact(&self, name: &str) -> &str {
        self.facts.get(name).map_or("", String::as_str)
    }

    /// The first text that is, or else begins with, or else has these words.
    pub(crate) fn find(&self, words: &str) -> Option<&Word> {
        let texts = || self.words.iter().filter(|word| !word.text.is_empty());
        texts()
            .find(|word| word.text == words)
            .or_else(|| texts().find(|word| word.text.starts_with(words)))
            .or_else(|| texts().find(|word| word.text.contains(words)))
    }

    /// The field that belongs to words: the nearest, where those below and right of the words count first.
    pub(crate) fn field(&self, label: &str) -> Option<&Word> {
        let label = self.find(label)?;
        let far = |word: &&Word| {
            let (down, right) = (word.y - label.y, word.x - label.x);
            let before = if down < -word.height || right < -word.width {
                10_000.0
            } else {
                0.0
            };
            before + down.abs() + right.abs() / 4.0
        };
        let fields = self.words.iter().filter(|word| word.kind == "input");
        fields.min_by(|a, b| far(a).total_cmp(&far(b)))
    }

    /// All that can be read, for a message.
    pub(crate) fn told(&self) -> String {
        let words: Vec<&str> = self
            .words
            .iter()
            .map(|word| word.text.as_str())
            .filter(|text| !text.is_empty())
            .collect();
        format!("{:?} {}", self.facts, words.join(" | "))
    }
}

/// What the page says of what it shows, in the form of [`Seen`].
const READ: &str = "(() => { const all = document.getElementById('words'); if (!all) return null; \
    return JSON.stringify({facts: {...all.dataset}, words: [...all.children].map(one => ({kind: one.dataset.kind, \
    x: +one.dataset.x, y: +one.dataset.y, width: +one.dataset.width, height: +one.dataset.height, \
    text: one.textContent}))}); })()";

impl Seat {
    /// Before a page of a server.
    pub(crate) async fn page(stage: &Stage, size: Size, look: Look) -> Result<Self> {
        let mut browser = Browser::start(stage.folder.path()).await?;
        browser.show(size, look).await?;
        browser.open(&stage.url).await?;
        Ok(Self::Page(Box::new(browser)))
    }

    /// Before a window that shows a server.
    pub(crate) async fn window(stage: &Stage, program: &Path, size: Size, look: Look) -> Result<Self> {
        let window = Window::open(program, &stage.url, size, look, stage.folder.path()).await?;
        Ok(Self::Window(Box::new(window)))
    }

    /// Gives a page another size and look.
    pub(crate) async fn show(&mut self, size: Size, look: Look) -> Result<()> {
        match self {
            Self::Page(browser) => browser.show(size, look).await,
            Self::Window(_) => bail!("a window has the size of its screen"),
        }
    }

    /// What it shows now; nothing where it has not said yet.
    pub(crate) async fn seen(&mut self) -> Result<Option<Seen>> {
        let told = match self {
            Self::Page(browser) => browser.value(READ).await?.as_str().map(str::to_owned),
            Self::Window(window) => window.told()?,
        };
        let seen = told.map(|told| serde_json::from_str(&told).with_context(|| told.clone()));
        seen.transpose()
    }

    /// Waits until it shows something.
    pub(crate) async fn until<T>(&mut self, what: &str, look: impl Fn(&Seen) -> Option<T>) -> Result<T> {
        let mut last = Seen::default();
        let found = process::until(what, async || {
            if let Some(seen) = self.seen().await? {
                last = seen;
            }
            Ok(look(&last))
        })
        .await;
        if found.is_ok() {
            return found;
        }
        let complaints = match self {
            Self::Page(browser) => browser.complaints(),
            Self::Window(_) => Vec::new(),
        };
        found.with_context(|| format!("it shows {} and complains {complaints:?}", last.told()))
    }

    /// Waits until a fact is so.
    pub(crate) async fn until_fact(&mut self, name: &str, value: &str) -> Result<()> {
        let what = format!("{name} = {value}");
        self.until(&what, |seen| (seen.fact(name) == value).then_some(())).await
    }

    /// Waits until words can be read.
    pub(crate) async fn until_words(&mut self, words: &str) -> Result<()> {
        self.until(&format!("'{words}'"), |seen| seen.find(words).map(drop))
            .await
    }

    /// Clicks on words, once they are there and stay where they are.
    pub(crate) async fn click(&mut self, words: &str) -> Result<()> {
        let place = self
            .settled(&format!("'{words}' to click"), |seen| {
                seen.find(words).map(Word::middle)
            })
            .await?;
        self.click_at(place).await
    }

    /// Clicks into the field of a label.
    pub(crate) async fn click_field(&mut self, label: &str) -> Result<()> {
        let place = self
            .settled(&format!("the field '{label}'"), |seen| {
                seen.field(label).map(Word::middle)
            })
            .await?;
        self.click_at(place).await
    }

    /// Waits until something is at the same place twice.
    async fn settled(&mut self, what: &str, look: impl Fn(&Seen) -> Option<(f64, f64)>) -> Result<(f64, f64)> {
        let mut before = None;
        loop {
            let place = self.until(what, &look).await?;
            if before == Some(place) {
                return Ok(place);
            }
            before = Some(place);
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
    }

    /// Clicks at a place.
    pub(crate) async fn click_at(&mut self, (x, y): (f64, f64)) -> Result<()> {
        match self {
            Self::Page(browser) => browser.click(x, y).await,
            Self::Window(window) => window.click(x, y).await,
        }
    }

    /// Types a text into what has the keyboard.
    pub(crate) async fn write(&mut self, text: &str) -> Result<()> {
        match self {
            Self::Page(browser) => browser.write(text).await,
            Self::Window(window) => window.write(text).await,
        }
    }

    /// Presses a key, with Ctrl if wanted.
    pub(crate) async fn key(&mut self, key: Key, ctrl: bool) -> Result<()> {
        match self {
            Self::Page(browser) => browser.key(key, ctrl).await,
            Self::Window(window) => {
                let name = match key {
                    Key::Enter => "Return".to_owned(),
                    Key::Letter(letter) => letter.to_string(),
                };
                window.key(&if ctrl { format!("ctrl+{name}") } else { name }).await
            }
        }
    }

    /// Goes to a place by its name, with the keyboard alone.
    pub(crate) async fn go(&mut self, place: &str, screen: &str) -> Result<()> {
        self.key(Key::Letter('k'), true).await?;
        self.until_fact("palette", "true").await?;
        self.write(place).await?;
        self.until(&format!("'{place}' to go to"), |seen| seen.find(place).map(drop))
            .await?;
        self.key(Key::Enter, false).await?;
        self.until_fact("screen", screen).await
    }

    /// A picture of it, once it has stopped changing.
    pub(crate) async fn picture(&mut self) -> Result<Picture> {
        // Nothing is pictured as it looks under the pointer.
        match self {
            Self::Page(browser) => browser.point(1.0, 1.0).await?,
            Self::Window(window) => window.point(9_999.0, 9_999.0).await?,
        }
        let mut before: Option<Picture> = None;
        for _ in 0..20 {
            let now = match self {
                Self::Page(browser) => Picture::read(&browser.picture().await?)?,
                Self::Window(window) => {
                    let (size, pixels) = window.pixels()?;
                    Picture { size, pixels }
                }
            };
            if before.as_ref() == Some(&now) {
                return Ok(now);
            }
            before = Some(now);
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        }
        // Something always moves: then any moment is as good.
        before.context("a picture")
    }

    /// Fails when the page complained of anything that no test has asked for.
    pub(crate) fn is_content(&mut self, forgiven: &[&str]) -> Result<()> {
        let Self::Page(browser) = self else { return Ok(()) };
        let mut complaints = browser.complaints();
        complaints.retain(|complaint| !forgiven.iter().any(|words| complaint.contains(words)));
        if !complaints.is_empty() {
            bail!("the page complains: {}", complaints.join("; "));
        }
        Ok(())
    }
}
