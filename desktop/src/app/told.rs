//! What the app tells of itself in words: see [`crate::words`].

use std::time::Duration;

use iced::{Subscription, Task};
use orchestrator_desktop_model::Link;
use orchestrator_protocol::TaskState;

use super::{App, Message};
use crate::{
    clock,
    screen::Route,
    words::{self, Fact, Word},
};

impl App {
    /// What has changed gathers for a moment, and is read then.
    pub(super) fn read_words(&mut self) -> Task<Message> {
        self.words_due = false;
        words::read().map(Message::Words)
    }

    /// Tells what was read.
    pub(super) fn tell(&self, words: &[Word]) {
        words::tell(&self.facts(), words, &self.aloud());
    }

    pub(super) fn listen_for_words(&self) -> Subscription<Message> {
        if self.words_due {
            clock::every(Duration::from_millis(words::EVERY_MS)).map(|()| Message::ReadWords)
        } else {
            Subscription::none()
        }
    }

    /// Where one is, and how the fleet is, for programs.
    fn facts(&self) -> Vec<Fact> {
        let fleet = &self.shared.fleet;
        let link = match &self.shared.link {
            Link::Connecting => "connecting",
            Link::Live => "live",
            Link::Lost { .. } => "lost",
            Link::Ended(_) => "ended",
        };
        let (screen, task) = match self.route {
            Route::Overview => ("overview", None),
            Route::Tasks => ("tasks", None),
            Route::Task(id) => ("task", Some(id)),
            Route::Checkpoints(chosen) => ("checkpoints", chosen),
            Route::Workers => ("workers", None),
            Route::NewTask => ("new_task", None),
            Route::Settings => ("settings", None),
        };
        vec![
            ("screen", screen.to_owned()),
            ("task", task.map_or_else(String::new, |id| id.to_string())),
            ("palette", self.palette.is_some().to_string()),
            ("link", link.to_owned()),
            ("running", fleet.count(TaskState::Running).to_string()),
            ("checkpoints", fleet.checkpoints.len().to_string()),
            ("workers", fleet.workers.len().to_string()),
        ]
    }

    /// What somebody who does not see the app must be told at once.
    fn aloud(&self) -> String {
        let link = match &self.shared.link {
            Link::Connecting | Link::Live => None,
            Link::Lost { .. } => Some("The connection is lost; it is tried again."),
            Link::Ended(failure) => Some(&*failure.message),
        };
        let waiting = match self.shared.fleet.checkpoints.len() {
            0 => None,
            1 => Some("One checkpoint waits for you.".to_owned()),
            n => Some(format!("{n} checkpoints wait for you.")),
        };
        let said = self.said.iter().map(|said| &*said.words);
        link.into_iter()
            .chain(said)
            .chain(waiting.as_deref())
            .collect::<Vec<_>>()
            .join(" ")
    }
}
