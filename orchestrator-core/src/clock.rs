//! Where time and ids come from: injected, so that a test can hold both in its hand.

use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use orchestrator_protocol::{SessionId, TaskId, Timestamp, WorkerId};
use uuid::Uuid;

/// The time, and waiting for it.
#[async_trait]
pub trait Clock: Debug + Send + Sync + 'static {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;

    /// Returns when the duration has passed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future forgets the wait.
    async fn sleep(&self, duration: Duration);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Where new ids come from.
pub trait Ids: Debug + Send + Sync + 'static {
    /// A UUIDv7 that sorts after every earlier one of this source.
    fn uuid(&self) -> Uuid;

    /// An id for a new task.
    fn task(&self) -> TaskId {
        TaskId::from_uuid(self.uuid())
    }

    /// An id for a new session.
    fn session(&self) -> SessionId {
        SessionId::from_uuid(self.uuid())
    }

    /// An id for a new worker.
    fn worker(&self) -> WorkerId {
        WorkerId::from_uuid(self.uuid())
    }
}

/// Ids from the machine's clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws ids")]
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// The sources of time and ids that a part of the system was given.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The ids.
    pub ids: Arc<dyn Ids>,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
        }
    }
}
