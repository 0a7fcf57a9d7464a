//! What runs hand to the reporter.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::lease::Lease;
use crate::store::{ReportAck, ReportBody};

/// How many messages may queue before runs have to wait.
///
/// A batch of this size is a few hundred kilobytes and some milliseconds of a store's time: more would add latency
/// without making batches cheaper, and an agent that floods its log is slowed down to what the store takes.
pub(crate) const CAPACITY: usize = 1_024;

/// One message.
#[derive(Debug)]
pub(crate) enum Message {
    /// To be reported.
    Report {
        lease: Arc<Lease>,
        body: ReportBody,
        reply: Reply,
    },
    /// The run that holds this lease is over without a word.
    Ended(Arc<Lease>),
}

/// What the answer to a report is for.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Nobody waits for it.
    Nobody,
    /// An operation waits for it. A sender that is dropped means that the lease was lost.
    Operation(oneshot::Sender<ReportAck>),
    /// The run is over with it.
    Run,
}

/// The way to the reporter.
#[derive(Debug, Clone)]
pub(crate) struct Outbox(mpsc::Sender<Message>);

impl Outbox {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Message>) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        (Self(sender), receiver)
    }

    /// Queues a message; waits while the queue is full. Messages of one sender keep their order.
    ///
    /// # Cancel safety
    ///
    /// A message whose sending is dropped was queued entirely or not at all.
    pub(crate) async fn send(&self, message: Message) {
        // Without a reporter the worker is gone, and so is everything that could act on the message.
        let _ = self.0.send(message).await;
    }
}
