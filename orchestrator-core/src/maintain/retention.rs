//! Forgets trees that ended long ago.

use std::time::Duration;

use super::trouble::Trouble;
use crate::service::Engine;

/// What is kept for how long.
///
/// Everything is kept by default, in memory and on disk alike: a result may be asked for at any time, and what is
/// forgotten does not come back. A program that runs for long on `memory:` should say how long it keeps what.
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

/// How many trees are forgotten in one transaction: some milliseconds of a store's time.
const BATCH: usize = 100;

/// The shortest rest between two looks.
const SHORTEST: Duration = Duration::from_millis(100);

/// Forgets what is old enough until it is dropped; ends at once when everything is kept.
pub async fn run(engine: Engine, retention: Retention) {
    let Some(keep) = retention.keep else { return };
    let every = retention.every.max(SHORTEST);
    let mut trouble = Trouble::new("old trees cannot be forgotten", every);
    let mut forgotten = 0;
    loop {
        let wait = match engine.store.prune(engine.now().minus(keep), BATCH).await {
            Ok(trees) => {
                trouble.over();
                forgotten += trees;
                if trees == BATCH {
                    continue;
                }
                every
            }
            Err(error) => trouble.met(&error),
        };
        if forgotten > 0 {
            tracing::info!(trees = forgotten, "forgot {forgotten} tree(s) that had ended");
            forgotten = 0;
        }
        engine.sources.clock.sleep(wait).await;
    }
}
