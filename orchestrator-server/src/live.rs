//! Live events over WebSockets, for hundreds of viewers at a time.
//!
//! One reader follows the whole history for all viewers (`hub`); each event is written as JSON once, and every viewer's
//! connection sends the same text. A viewer that comes with a place in the history, or was too slow, reads what it
//! missed from the store first (`viewer`), and viewers that miss the same share the read.

mod hub;
mod line;
mod socket;
mod viewer;
mod watch;

use std::sync::{Arc, Weak};

use orchestrator_core::{service::Engine, store::StoreError};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub use self::{viewer::Viewer, watch::Watch};

use self::hub::Hub;

/// Everyone who watches over this replica.
#[derive(Debug)]
pub struct Viewers {
    engine: Engine,
    /// There while someone watches.
    hub: Mutex<Weak<Hub>>,
    closing: CancellationToken,
}

impl Viewers {
    /// Nobody yet.
    pub fn new(engine: Engine) -> Arc<Self> {
        Arc::new(Self {
            engine,
            hub: Mutex::default(),
            closing: CancellationToken::new(),
        })
    }

    /// Ends all connections: viewers go on at another replica with the last seq that they saw.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Begins to watch.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`]; [`StoreError::Invalid`] names the parameter.
    pub async fn watch(&self, watch: Watch) -> Result<Viewer, StoreError> {
        Viewer::new(&self.engine, watch, || self.hub()).await
    }

    /// The reader for all; it ends with the last of those who share it.
    async fn hub(&self) -> Result<Arc<Hub>, StoreError> {
        let mut hub = self.hub.lock().await;
        if let Some(hub) = hub.upgrade().filter(|hub| !hub.is_ended()) {
            return Ok(hub);
        }
        let fresh = Hub::start(self.engine.clone()).await?;
        *hub = Arc::downgrade(&fresh);
        Ok(fresh)
    }
}
