//! A worker in the hand of whoever started it.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};

use super::{WorkerError, crew::Crew};

/// A running worker. Dropping the handle aborts it.
#[derive(Debug)]
pub struct WorkerHandle {
    crew: Arc<Crew>,
    stop: watch::Sender<Option<Duration>>,
    task: JoinHandle<Result<(), WorkerError>>,
}

impl WorkerHandle {
    pub(super) fn new(
        crew: Arc<Crew>,
        stop: watch::Sender<Option<Duration>>,
        task: JoinHandle<Result<(), WorkerError>>,
    ) -> Self {
        Self { crew, stop, task }
    }

    /// Stops the worker in order: it claims no more, gives what runs so long to end, then stops the rest (with the
    /// grace period of its configuration), gives it back and ends its session. Returns when all of that is done.
    ///
    /// # Errors
    ///
    /// What ended the worker before, if it had ended already.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the handle, which aborts the worker.
    pub async fn stop(mut self, deadline: Duration) -> Result<(), WorkerError> {
        self.stop.send_replace(Some(deadline));
        self.ended().await
    }

    /// Begins to stop the worker as [`WorkerHandle::stop`] does, without waiting for it.
    pub fn begin_stop(&self, deadline: Duration) {
        self.stop.send_replace(Some(deadline));
    }

    /// Ends the time that the last tasks have, if the worker is being stopped: what still runs is stopped and given back
    /// at once.
    pub fn hurry(&self) {
        self.crew.hurry.cancel();
    }

    /// Returns when the worker has ended: it was stopped, aborted, or refused by its source.
    ///
    /// # Errors
    ///
    /// [`WorkerError::Refused`]; [`WorkerError::Aborted`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing. Once it has returned it must not be called again.
    pub async fn ended(&mut self) -> Result<(), WorkerError> {
        (&mut self.task).await.unwrap_or(Err(WorkerError::Aborted))
    }

    /// Whether the worker has ended.
    pub fn is_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Drops the worker and all its agents where they are, as a crash would: nothing more is reported, and its tasks
    /// are given to others when its session expires.
    pub fn abort(&self) {
        self.task.abort();
        self.crew.roster.abort_all();
    }

    /// Takes nothing more from now on, and finishes what it has; the session stays open.
    pub fn drain(&self) {
        self.crew.drain();
    }

    /// Whether it takes nothing more, because it was told to drain.
    pub fn is_draining(&self) -> bool {
        self.crew.draining.load(Ordering::Relaxed)
    }

    /// How many tasks run now.
    pub fn running(&self) -> usize {
        self.crew.slots.taken()
    }

    /// How many suspended futures are kept now.
    pub fn suspended(&self) -> usize {
        self.crew.roster.suspended()
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.abort();
    }
}
