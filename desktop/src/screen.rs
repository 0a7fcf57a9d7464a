//! The screens, one file each.
//!
//! A screen is a struct with its own `Message`, `update(&mut self, message, &Shared) -> (Task<Message>, Option<Event>)`
//! and `view(&self, &Shared) -> Element<Message>`. What it shares with the others, and may only read, is [`Shared`];
//! what the shell must do for it is an [`Event`].

pub mod checkpoints;
pub mod new_task;
pub mod overview;
pub mod settings;
pub mod task;
pub mod tasks;
#[cfg(test)]
pub(crate) mod testing;
pub mod workers;

use iced::Size;
use orchestrator_desktop_model::{Fleet, Link, Tone, list::Filter, settings::Settings};
use orchestrator_protocol::{TaskId, Timestamp};

use crate::connection::Api;

/// Where one can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// The fleet at a glance.
    Overview,
    /// The list of tasks.
    Tasks,
    /// One task.
    Task(TaskId),
    /// What waits for people; at this one first.
    Checkpoints(Option<TaskId>),
    /// The workers.
    Workers,
    /// The form of a new task.
    NewTask,
    /// Servers, tokens, theme.
    Settings,
}

/// What all screens may read.
#[derive(Debug)]
pub struct Shared {
    /// What can be asked; none until a connection is set up.
    pub api: Option<Api>,
    /// The fleet.
    pub fleet: Fleet,
    /// Whether what is shown is live.
    pub link: Link,
    /// What the person has set.
    pub settings: Settings,
    /// The time, to the second.
    pub now: Timestamp,
    /// The time zone in which times are shown.
    pub zone: jiff::tz::TimeZone,
    /// The size of the window.
    pub size: Size,
}

impl Shared {
    /// Whether there is little room from side to side.
    pub fn is_narrow(&self) -> bool {
        self.size.width < 1200.0
    }
}

/// What the shell must do.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Go there.
    Go(Route),
    /// Go back to where one was before.
    Back,
    /// Go to the list of tasks, filtered.
    List(Filter),
    /// Say something, for a few seconds.
    Say(Tone, String),
    /// Keep these settings, and connect anew if the server is another one.
    Keep(Settings),
    /// Keep this token of a server (none forgets it), and connect anew if it is the one in use.
    KeepToken {
        /// The server's URL.
        url: String,
        /// The secret.
        token: Option<String>,
    },
    /// Connect anew.
    Reconnect,
    /// Put this into the clipboard.
    Copy(String),
}
