//! What a context needs of the worker that it lives in.

use std::time::Duration;

use orchestrator_protocol::TaskId;
use uuid::Uuid;

use crate::{
    clock::Sources,
    store::{Settled, StoreError},
    worker::{backoff::persist, outbox::Outbox, source::SharedSource},
};

/// What contexts and runs need of the worker that they live in.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) source: SharedSource,
    pub(crate) sources: Sources,
    pub(crate) outbox: Outbox,
    /// Asks for a heartbeat now: something hints that a task was cancelled.
    pub(crate) beat: tokio::sync::Notify,
    /// What a stopped agent gets to clean up.
    pub(crate) grace: Duration,
    /// How often a task looks for what it waits for while it cannot be suspended.
    pub(crate) wait_poll: Duration,
    /// Spreads this worker's retries.
    pub(crate) seed: Uuid,
}

impl Host {
    /// Calls the source until it answers.
    ///
    /// # Errors
    ///
    /// The first error that is not transient.
    pub(crate) async fn persist<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        call: impl FnMut() -> F,
    ) -> Result<T, StoreError> {
        persist(&*self.sources.clock, self.seed, call).await
    }

    pub(crate) async fn results(&self, tasks: &[TaskId]) -> Result<Vec<Settled>, StoreError> {
        self.persist(|| self.source.results(tasks.to_vec())).await
    }
}
