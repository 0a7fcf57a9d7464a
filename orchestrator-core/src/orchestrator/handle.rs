//! A submitted task in the hand of its submitter.

use orchestrator_protocol::{Task, TaskId};
use serde::de::DeserializeOwned;

use super::outcome;
use crate::{
    error::Error,
    service::{Engine, Live},
    store::{EventQuery, EventScope},
};

/// A submitted task. Dropping the handle changes nothing.
#[derive(Debug, Clone)]
pub struct TaskHandle {
    engine: Engine,
    id: TaskId,
}

impl TaskHandle {
    pub(super) fn new(engine: Engine, id: TaskId) -> Self {
        Self { engine, id }
    }

    /// Its id.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// The task as it is now.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn get(&self) -> Result<Task, Error> {
        Ok(self.engine.get(self.id).await?)
    }

    /// The task once it has ended or needs a person.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]. How the task ended is in the task.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops the waiting.
    pub async fn settled(&self) -> Result<Task, Error> {
        Ok(self.engine.settled(self.id).await?)
    }

    /// Its output.
    ///
    /// # Errors
    ///
    /// [`Error::TaskFailed`], [`Error::TaskCancelled`], [`Error::NeedsAttention`]; [`Error::Output`] when it is not an
    /// `O`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops the waiting.
    pub async fn output<O: DeserializeOwned>(&self) -> Result<O, Error> {
        outcome(self.settled().await?)
    }

    /// Cancels it and everything below it.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn cancel(&self, reason: &str) -> Result<Task, Error> {
        Ok(self.engine.cancel(self.id, reason).await?)
    }

    /// Everything that happened to it and below it, and from then on what happens.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn events(&self) -> Result<Live, Error> {
        let query = EventQuery {
            scope: EventScope::Tree(self.id),
            ..EventQuery::default()
        };
        Ok(self.engine.live(query).await?)
    }
}
