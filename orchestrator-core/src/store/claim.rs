//! Claiming tasks.

use std::sync::Arc;

use orchestrator_protocol::{LeaseId, NewTask, SessionId, TaskId, Timestamp};
use tokio::sync::oneshot;

use super::{Committed, StoreError};
use crate::domain::placement::Policy;

/// A session asks for work.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Who asks.
    pub session: SessionId,
    /// How many tasks at most.
    pub credit: usize,
    /// When.
    pub now: Timestamp,
    /// How it is compared with others that might ask.
    pub policy: Policy,
}

/// A task with the lease that lets one session work on it.
#[derive(Debug, Clone, PartialEq)]
pub struct LeasedTask {
    /// The task.
    pub id: TaskId,
    /// The lease that every report carries.
    pub lease: LeaseId,
    /// What was submitted, its input included.
    pub spec: Arc<NewTask>,
    /// The topmost task of its tree.
    pub root_id: TaskId,
    /// How often it was started, this time included. Going on after a wait does not count.
    pub attempt: u32,
    /// Whether it goes on after a wait, so that a suspended future can be resumed.
    pub resumed: bool,
    /// The lease under which it was suspended, if it goes on after a wait: what tells a worker whether the future that
    /// it kept is the newest.
    pub parked: Option<LeaseId>,
    /// Whether there are finished steps or children: the agent is run with [`crate::store::Store::history`].
    pub has_history: bool,
}

/// What a session still wants after a claim that found too little: it stands until something becomes ready, and is
/// filled by the transaction that makes it so.
///
/// It is a hint as a wake-up is: one that is lost costs latency. Dropping it takes it back; what was granted for it at that
/// moment is found by the heartbeat, as any grant whose answer was lost.
#[derive(Debug)]
pub struct Order {
    /// How many tasks it asks for.
    pub credit: usize,
    answer: Answer,
}

/// The way of an order's answer.
type Answer = oneshot::Receiver<Result<Committed<Vec<LeasedTask>>, StoreError>>;

impl Order {
    /// An order, by the way on which it is answered.
    pub fn new(credit: usize, answer: Answer) -> Self {
        Self { credit, answer }
    }

    /// What it was filled with, once. None: it stands no more, since the session ended, asked anew, or the store was closed.
    ///
    /// # Errors
    ///
    /// As [`Store::claim`](super::Store::claim).
    pub async fn filled(self) -> Option<Result<Committed<Vec<LeasedTask>>, StoreError>> {
        self.answer.await.ok()
    }
}
