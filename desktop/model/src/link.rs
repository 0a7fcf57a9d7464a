//! Whether what is shown is live.

use orchestrator_protocol::Timestamp;

use crate::Failure;

/// Whether what is shown is live.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Link {
    /// Nothing has come yet.
    #[default]
    Connecting,
    /// It is.
    Live,
    /// It was, or was about to be; connecting goes on by itself.
    Lost {
        /// Since when.
        since: Timestamp,
        /// What broke.
        reason: String,
    },
    /// Trying again would not help: a person must do something.
    Ended(Failure),
}

impl Link {
    /// Whether it is live.
    pub const fn is_live(&self) -> bool {
        matches!(self, Self::Live)
    }

    /// The connection broke. The first reason's time is kept while attempts go on.
    pub fn lose(&mut self, reason: String, now: Timestamp) {
        let since = match self {
            Self::Lost { since, .. } => *since,
            _ => now,
        };
        *self = Self::Lost { since, reason };
    }
}
