//! Slots: how many tasks run at once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::sync::Notify;

/// The slots of a worker.
#[derive(Debug)]
pub(crate) struct Slots {
    total: usize,
    taken: AtomicUsize,
    freed: Notify,
}

impl Slots {
    pub(crate) fn new(total: usize) -> Arc<Self> {
        Arc::new(Self {
            total,
            taken: AtomicUsize::new(0),
            freed: Notify::new(),
        })
    }

    /// How many more tasks may run.
    pub(crate) fn free(&self) -> usize {
        self.total.saturating_sub(self.taken())
    }

    /// How many tasks run.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    /// Fills a slot. A source that grants more than it was asked for overfills; what it granted still runs.
    pub(crate) fn take(self: &Arc<Self>) -> Slot {
        self.taken.fetch_add(1, Ordering::AcqRel);
        Slot {
            slots: self.clone(),
            held: AtomicBool::new(true),
        }
    }

    /// Returns when a slot was freed since the call before.
    ///
    /// # Cancel safety
    ///
    /// A slot that is freed while nobody waits is kept for the next call.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }
}

/// A filled slot; free again once it is released or dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    held: AtomicBool,
}

impl Slot {
    pub(crate) fn release(&self) {
        if self.held.swap(false, Ordering::AcqRel) {
            self.slots.taken.fetch_sub(1, Ordering::AcqRel);
            self.slots.freed.notify_one();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.release();
    }
}
