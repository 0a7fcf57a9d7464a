//! The writer's connection, on which the last commit may still be under way.
//!
//! While the disk writes one transaction, the next one is worked out in memory, as if the first had succeeded. It waits
//! for it with its first statement; when the first one failed, the second is worked out anew.

use futures::future::BoxFuture;

use super::{disk::Disk, failure::Failure, orders::Standing};
use crate::store::error::StoreError;

/// A commit that came back.
pub(super) struct Landed<D> {
    pub(super) disk: D,
    /// Why it failed, if it did.
    pub(super) failed: Option<Failure>,
    /// Orders that stand from now on.
    pub(super) standing: Vec<Standing>,
}

/// The connection.
pub(super) struct Wire<D: Disk> {
    options: D::Options,
    disk: Option<D>,
    /// It has the connection, and gives it back.
    flight: Option<BoxFuture<'static, Landed<D>>>,
    failed: Option<Failure>,
    standing: Vec<Standing>,
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
        }
    }

    /// Whether a commit is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.flight.is_some()
    }

    /// Sends a commit on its way. Nothing may be under way.
    pub(super) fn launch(&mut self, flight: BoxFuture<'static, Landed<D>>) {
        debug_assert!(self.flight.is_none(), "one commit after the other");
        self.flight = Some(flight);
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
        self.disk = Some(landed.disk);
        self.failed = landed.failed;
        self.standing.extend(landed.standing);
    }

    /// The orders that came back.
    pub(super) fn standing(&mut self) -> Vec<Standing> {
        std::mem::take(&mut self.standing)
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
