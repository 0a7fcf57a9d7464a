//! How busy workers' machines are: known for as long as they say so, lost without harm.

use std::{collections::BTreeMap, fmt::Debug, time::Duration};

use async_trait::async_trait;
use orchestrator_protocol::{Load, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a worker's machine said of itself, and when.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    /// When.
    pub at: Timestamp,
    /// How busy it was.
    #[serde(flatten)]
    pub load: Load,
}

/// Keeps what workers say of their machines beside the store, where every process of a fleet finds it.
#[async_trait]
pub trait Presence: Debug + Send + Sync + 'static {
    /// Keeps what a session's worker said, until it says something else or for `ttl`. False when it was not kept.
    async fn note(&self, session: SessionId, sighting: Sighting, ttl: Duration) -> bool;

    /// What is known of sessions. What is not known the store may know.
    async fn seen(&self, sessions: &[SessionId]) -> BTreeMap<SessionId, Sighting>;
}

/// Nothing is kept beside the store.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stored;

#[async_trait]
impl Presence for Stored {
    async fn note(&self, _session: SessionId, _sighting: Sighting, _ttl: Duration) -> bool {
        false
    }

    async fn seen(&self, _sessions: &[SessionId]) -> BTreeMap<SessionId, Sighting> {
        BTreeMap::new()
    }
}
