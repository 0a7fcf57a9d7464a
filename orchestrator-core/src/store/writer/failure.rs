//! Why a transaction failed, and whom that concerns.

use crate::store::error::StoreError;

/// What went wrong beyond what an error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Someone else has written since what is remembered was read.
    Stale,
    /// Someone else keeps the database locked.
    Locked,
    /// The connection is lost.
    Lost,
    /// The transaction before it failed, on which this one was worked out.
    Behind,
}

/// What a [`super::Disk`] says when it fails.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// For whoever asked.
    pub error: StoreError,
    /// What went wrong, if that is known better than the error says.
    pub trouble: Option<Trouble>,
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self { error, trouble: None }
    }
}

/// Why a transaction failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: StoreError,
    /// Whether one request among several may be the reason, so that the others would succeed without it.
    pub(super) may_lie_with_one: bool,
    pub(super) trouble: Option<Trouble>,
}

impl Failure {
    /// The storage failed, whatever was asked of it.
    pub(super) fn of_storage(error: StoreError) -> Self {
        Self {
            error,
            may_lie_with_one: false,
            trouble: None,
        }
    }

    /// What was done in a transaction failed.
    pub(super) fn within(fault: Fault) -> Self {
        let Fault { error, trouble } = fault;
        let is_of_storage = trouble.is_some() || matches!(error, StoreError::Full(_) | StoreError::Unusable(_));
        Self {
            error,
            may_lie_with_one: !is_of_storage,
            trouble,
        }
    }
}
