//! What keeps tasks from starting all at once: limits and queues.

use orchestrator_protocol::LimitRule;

use super::Engine;
use crate::{bus::Nudge, domain::spec, store::StoreError};

impl Engine {
    /// Sets or, with `None`, removes the rule of a limit key. Tasks that run go on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a key that cannot be one.
    pub async fn put_limit(&self, key: &str, rule: Option<LimitRule>) -> Result<(), StoreError> {
        spec::check_name(key).map_err(|message| StoreError::invalid("key", message))?;
        self.store.put_limit(key.to_owned(), rule).await?;
        self.bus.nudge(Nudge::Ready).await;
        Ok(())
    }

    /// All limit rules, by key.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn limits(&self) -> Result<Vec<(String, LimitRule)>, StoreError> {
        self.store.limits().await
    }

    /// Pauses or resumes a queue: nothing of a paused one is started. Tasks that run go on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a name that cannot be a queue's.
    pub async fn pause_queue(&self, queue: &str, paused: bool) -> Result<(), StoreError> {
        spec::check_name(queue).map_err(|message| StoreError::invalid("queue", message))?;
        self.store.pause_queue(queue.to_owned(), paused).await?;
        if !paused {
            self.bus.nudge(Nudge::Ready).await;
        }
        Ok(())
    }
}
