//! Why a transaction failed, and whom that concerns.

use crate::store::error::StoreError;

/// What went wrong beyond what an error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Another process has written since what is remembered was read.
    Stale,
    /// Another process keeps the file locked.
    Locked,
    /// The transaction before it failed, on which this one was worked out.
    Behind,
}

/// Why a transaction failed.
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
    pub(super) fn within(error: StoreError, trouble: Option<Trouble>) -> Self {
        let is_of_storage = trouble.is_some() || matches!(error, StoreError::Full(_) | StoreError::Unusable(_));
        Self {
            error,
            may_lie_with_one: !is_of_storage,
            trouble,
        }
    }
}
