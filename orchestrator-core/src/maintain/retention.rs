//! Forgets trees that ended long ago.

use std::time::Duration;

use crate::service::Engine;

/// What is kept for how long.
#[derive(Debug, Clone)]
pub struct Retention {
    /// How long a tree is kept after it has ended. `None`, the default, keeps everything.
    pub keep: Option<Duration>,
    /// How often to look. Defaults to ten minutes.
    pub every: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            keep: None,
            every: Duration::from_mins(10),
        }
    }
}

/// How many trees are forgotten in one transaction.
const BATCH: usize = 100;

/// Forgets what is old enough until it is dropped; ends at once when everything is kept.
pub async fn run(engine: Engine, retention: Retention) {
    let Some(keep) = retention.keep else { return };
    loop {
        match engine.store.prune(engine.now().minus(keep), BATCH).await {
            Ok(BATCH) => continue,
            Ok(0) => {}
            Ok(trees) => tracing::info!(trees, "forgot {trees} tree(s) that had ended"),
            Err(error) => tracing::warn!(%error, "old trees could not be forgotten; trying again later"),
        }
        engine.sources.clock.sleep(retention.every).await;
    }
}
