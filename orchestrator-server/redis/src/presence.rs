//! How busy workers' machines are, in Redis.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use orchestrator_core::presence::{Presence, Sighting};
use orchestrator_protocol::SessionId;
use redis::Pipeline;

use crate::link::Redis;

/// How long an answer may take: a heartbeat waits for it, and the store can keep what is lost here.
const PATIENCE: Duration = Duration::from_millis(500);

/// How busy workers' machines are, a key a session, which goes when the session is silent.
#[derive(Debug, Clone)]
pub struct RedisPresence(Redis);

impl RedisPresence {
    /// What is kept in a Redis.
    pub fn new(redis: Redis) -> Self {
        Self(redis)
    }

    fn key(&self, session: SessionId) -> String {
        self.0.name(&format!("worker:{session}"))
    }
}

#[async_trait]
impl Presence for RedisPresence {
    async fn note(&self, session: SessionId, sighting: Sighting, ttl: Duration) -> bool {
        let Ok(text) = serde_json::to_string(&sighting) else {
            return false;
        };
        let mut set = Pipeline::with_capacity(1);
        set.cmd("SET").arg(self.key(session)).arg(text);
        set.arg("PX")
            .arg(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1))
            .ignore();
        self.0.ask_if_there::<()>(&set, PATIENCE).await.is_some()
    }

    async fn seen(&self, sessions: &[SessionId]) -> BTreeMap<SessionId, Sighting> {
        if sessions.is_empty() {
            return BTreeMap::new();
        }
        let keys: Vec<String> = sessions.iter().map(|session| self.key(*session)).collect();
        let mut get = Pipeline::with_capacity(1);
        get.cmd("MGET").arg(keys);
        let Some((found,)) = self.0.ask_if_there::<(Vec<Option<String>>,)>(&get, PATIENCE).await else {
            return BTreeMap::new();
        };
        let known = sessions.iter().zip(found).filter_map(|(session, text)| {
            // What another version wrote in another way is not known here.
            let sighting = serde_json::from_str(&text?).ok()?;
            Some((*session, sighting))
        });
        known.collect()
    }
}
