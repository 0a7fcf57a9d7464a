//! The writer's connection, on which the last commit may still be under way.
//!
//! While the disk writes one transaction, the next one is worked out in memory, as if the first had succeeded. It waits
//! for it with its first statement; when the first one failed, the second is worked out anew.

use futures::future::BoxFuture;
use rustc_hash::FxHashSet as HashSet;

use super::{disk::Disk, failure::Failure, orders::Standing};
use crate::store::{
    error::StoreError,
    row::{Key, TaskRow},
};

/// A commit that came back.
pub(super) struct Landed<D> {
    pub(super) disk: D,
    /// Why it failed, if it did.
    pub(super) failed: Option<Failure>,
    /// Orders that stand from now on.
    pub(super) standing: Vec<Standing>,
    /// Tasks that were read for claims that are to come.
    pub(super) ahead: Vec<TaskRow>,
}

/// The connection.
pub(super) struct Wire<D: Disk> {
    options: D::Options,
    disk: Option<D>,
    /// It has the connection, and gives it back.
    flight: Option<BoxFuture<'static, Landed<D>>>,
    failed: Option<Failure>,
    standing: Vec<Standing>,
    ahead: Vec<TaskRow>,
    /// What is being read ahead.
    coming: HashSet<Key>,
}

impl<D: Disk> Wire<D> {
    /// A connection, and how it is made anew when it is lost.
    pub(super) fn new(options: D::Options, disk: D) -> Self {
        Self {
            options,
            disk: Some(disk),
            flight: None,
            failed: None,
            standing: Vec::new(),
            ahead: Vec::new(),
            coming: HashSet::default(),
        }
    }

    /// Whether a commit is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.flight.is_some()
    }

    /// Sends a commit on its way, which reads these tasks ahead. Nothing may be under way.
    pub(super) fn launch(&mut self, flight: BoxFuture<'static, Landed<D>>, coming: HashSet<Key>) {
        debug_assert!(self.flight.is_none(), "one commit after the other");
        self.flight = Some(flight);
        self.coming = coming;
    }

    /// Whether a task is being read ahead.
    pub(super) fn is_coming(&self, key: Key) -> bool {
        self.coming.contains(&key)
    }

    /// Takes the connection for a commit.
    pub(super) fn take(&mut self) -> Option<D> {
        self.disk.take()
    }

    /// Lets what is under way begin, without waiting for it.
    pub(super) async fn nudge(&mut self) {
        let Some(flight) = &mut self.flight else { return };
        if let std::task::Poll::Ready(landed) = futures::poll!(flight) {
            self.arrive(landed);
        }
    }

    /// Waits until nothing is under way. When this future is dropped, nothing is lost.
    pub(super) async fn land(&mut self) {
        let Some(flight) = &mut self.flight else { return };
        let landed = flight.await;
        self.arrive(landed);
    }

    fn arrive(&mut self, landed: Landed<D>) {
        self.flight = None;
        self.coming.clear();
        self.disk = Some(landed.disk);
        self.failed = landed.failed;
        self.standing.extend(landed.standing);
        self.ahead.extend(landed.ahead);
    }

    /// The orders that came back.
    pub(super) fn standing(&mut self) -> Vec<Standing> {
        std::mem::take(&mut self.standing)
    }

    /// The tasks that were read ahead. Whoever changes tasks takes them first: they are as the last commit left them.
    pub(super) fn ahead(&mut self) -> Vec<TaskRow> {
        std::mem::take(&mut self.ahead)
    }

    /// Why the last commit failed, once.
    pub(super) fn failed(&mut self) -> Option<Failure> {
        self.failed.take()
    }

    /// The connection when nothing is under way, unless that failed.
    pub(super) async fn free(&mut self) -> Result<&mut D, StoreError> {
        self.land().await;
        if let Some(failure) = &self.failed {
            return Err(failure.error.clone());
        }
        match &mut self.disk {
            Some(disk) => Ok(disk),
            none => Ok(none.insert(D::connect(&self.options).await?)),
        }
    }
}
