//! A lease in a worker's hand.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use orchestrator_protocol::{LeaseId, SessionId, TaskId};
use tokio_util::sync::CancellationToken;

use super::{roster::RunId, slot::Slot};

/// A session in a worker's hand.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// Cancelled once every lease of the session counts as lost. Shared, since a token of its own for each lease would
    /// lock the first one when it comes and goes.
    pub(crate) ended: Arc<CancellationToken>,
}

/// A lease in a worker's hand, with the slot that its task fills.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) task: TaskId,
    pub(crate) id: LeaseId,
    pub(crate) run: RunId,
    pub(crate) session: Session,
    slot: Slot,
    lost: AtomicBool,
    last_number: AtomicU64,
}

impl Lease {
    pub(crate) fn new(task: TaskId, id: LeaseId, run: RunId, session: Session, slot: Slot) -> Self {
        Self {
            task,
            id,
            run,
            session,
            slot,
            lost: AtomicBool::new(false),
            last_number: AtomicU64::new(0),
        }
    }

    /// The number of the next report item. Called by the reporter alone, in the order of its queue.
    pub(crate) fn next_number(&self) -> u64 {
        self.last_number.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire) || self.session.ended.is_cancelled()
    }

    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Frees the slot: the task has ended here, or waits.
    pub(crate) fn release(&self) {
        self.slot.release();
    }
}
