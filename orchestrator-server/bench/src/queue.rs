//! What is measured on PostgreSQL: queues that can all do the same few things.

use std::time::Duration;

use async_trait::async_trait;

/// A queue in an empty database.
///
/// A call returns how long its work took, as safe as this queue ever makes it: submitted means that the job survives a
/// power failure, drained that its outcome does. What only prepares (starting an interpreter, connecting) is left out.
#[async_trait]
pub trait Queue: Send {
    /// Queues jobs that do nothing, each with a call of its own, by so many producers at the same time.
    async fn submit_singly(&mut self, jobs: usize, producers: usize) -> anyhow::Result<Duration>;

    /// Queues jobs in calls of a thousand, as suits this queue best.
    async fn submit_in_batches(&mut self, jobs: usize) -> anyhow::Result<Duration>;

    /// Runs all of that many queued jobs and records an outcome for each.
    async fn drain(&mut self, jobs: usize) -> anyhow::Result<Duration>;

    /// One job at a time on an idle queue: from before it is submitted until its handler starts, in milliseconds. None
    /// where this is not implemented.
    async fn starts(&mut self, _samples: usize) -> anyhow::Result<Option<Vec<f64>>> {
        Ok(None)
    }
}

/// A queue that is being opened in the database of a URL.
pub type Opening<'a> = std::pin::Pin<Box<dyn std::future::Future<Output = anyhow::Result<Box<dyn Queue>>> + Send + 'a>>;

/// Who takes part.
pub struct Entry {
    pub name: String,
    /// By how much fewer jobs it drains than others: what is slow is measured well enough with a few.
    pub fewer: usize,
    /// Opens it in an empty database.
    pub open: Box<dyn for<'a> Fn(&'a str) -> Opening<'a> + Send + Sync>,
}
