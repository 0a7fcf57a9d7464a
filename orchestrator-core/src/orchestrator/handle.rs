//! A submitted task in the hand of its submitter.

use std::{sync::Arc, time::Duration};

use orchestrator_protocol::{Task, TaskId, TaskResult, Why};
use serde::de::DeserializeOwned;

use super::{Desk, outcome};
use crate::{
    error::Error,
    service::Live,
    store::{EventQuery, EventScope},
};

/// A submitted task. Dropping the handle changes nothing.
#[derive(Debug, Clone)]
pub struct TaskHandle {
    desk: Arc<Desk>,
    id: TaskId,
}

impl TaskHandle {
    pub(super) fn new(desk: Arc<Desk>, id: TaskId) -> Self {
        Self { desk, id }
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
        Ok(self.desk.engine.get(self.id).await?)
    }

    /// The task once it has ended, needs a person, or rests because a budget is spent.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; [`Error::ShutDown`] when nobody runs it any more. How the task ended is in the task.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops the waiting.
    pub async fn settled(&self) -> Result<Task, Error> {
        Ok(self.end().await?.task)
    }

    async fn end(&self) -> Result<TaskResult, Error> {
        tokio::select! {
            biased;
            settled = self.desk.engine.settled(self.id) => self.desk.unless_over(settled),
            () = self.desk.over.cancelled() => Err(Error::ShutDown),
        }
    }

    /// The task once it is terminal, or as it is when the wait ends.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops the waiting.
    pub async fn result(&self, wait: Duration) -> Result<Task, Error> {
        Ok(self.desk.engine.result(self.id, wait).await?)
    }

    /// Its output.
    ///
    /// # Errors
    ///
    /// [`Error::TaskFailed`], [`Error::TaskCancelled`], [`Error::NeedsAttention`], [`Error::BudgetExhausted`];
    /// [`Error::Output`] when it is not an `O`; as [`TaskHandle::settled`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops the waiting.
    pub async fn output<O: DeserializeOwned>(&self) -> Result<O, Error> {
        outcome(self.end().await?)
    }

    /// Cancels it and everything below it.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn cancel(&self, reason: &str) -> Result<Task, Error> {
        Ok(self.desk.engine.cancel(self.id, reason).await?)
    }

    /// Why it is where it is.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn why(&self) -> Result<Why, Error> {
        Ok(self.desk.engine.why(self.id).await?)
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
        Ok(self.desk.engine.live(query).await?)
    }
}
