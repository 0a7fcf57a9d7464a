//! The writer's connection while a transaction is worked out.

use super::{
    cache::Cache,
    disk::Disk,
    failure::{Fault, Trouble},
    wire::Wire,
};
use crate::store::{error::StoreError, row::Key};

/// The connection. What is gathered is sent with the first trip, which waits for the commit of the transaction before.
pub(super) struct Line<'w, D: Disk> {
    wire: &'w mut Wire<D>,
    pub(super) stage: D::Stage,
    trouble: Option<Trouble>,
}

impl<'w, D: Disk> Line<'w, D> {
    /// A connection for a transaction.
    pub(super) fn new(wire: &'w mut Wire<D>, stage: D::Stage) -> Self {
        Self {
            wire,
            stage,
            trouble: None,
        }
    }

    /// The connection when nothing is under way, for a trip. What was read ahead is known by then.
    pub(super) async fn ready(&mut self, cache: &mut Cache) -> Result<(&mut D, &mut D::Stage), StoreError> {
        self.wire.land().await;
        cache.learn(self.wire.ahead());
        match self.wire.free().await {
            Ok(disk) => Ok((disk, &mut self.stage)),
            Err(error) => {
                self.trouble = Some(Trouble::Behind);
                Err(error)
            }
        }
    }

    /// Whether a task is being read already.
    pub(super) fn is_coming(&self, key: Key) -> bool {
        self.wire.is_coming(key)
    }

    /// Remembers what went wrong.
    pub(super) fn note<T>(&mut self, answer: Result<T, Fault>) -> Result<T, StoreError> {
        answer.map_err(|fault| {
            self.trouble = fault.trouble;
            fault.error
        })
    }

    /// What went wrong, if that is known better than the error says.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.trouble
    }
}
