//! What keeps the work that is done here from being recorded.

use std::sync::{Mutex, PoisonError};

use orchestrator_protocol::Timestamp;

use super::Engine;
use crate::store::StoreError;

/// The store takes nothing that workers here have to say. They keep what they know and try again.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// Why, at the last try.
    pub error: StoreError,
}

/// The trouble there is, if any.
#[derive(Debug, Default)]
pub(super) struct Noted(Mutex<Option<Trouble>>);

impl Engine {
    /// What keeps the work of workers in this process from being recorded: a full disk, a locked file. None while all is
    /// well. It passes by itself when its cause does; whoever waits for a person who could remove the cause tells them.
    pub fn trouble(&self) -> Option<Trouble> {
        self.noted.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes how a worker's call of the store went.
    pub(super) fn note<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let mut noted = self.noted.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &result {
            Err(error) if error.is_transient() => {
                let since = noted.as_ref().map_or_else(|| self.now(), |trouble| trouble.since);
                let error = error.clone();
                *noted = Some(Trouble { since, error });
            }
            // Other errors are about the request, and show that the store answers.
            _ => *noted = None,
        }
        drop(noted);
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{bus::local::LocalBus, clock::Sources, store::memory::MemoryStore};

    #[test]
    fn trouble_lasts_until_something_was_written() {
        let engine = Engine::new(
            Arc::new(MemoryStore::new()),
            Arc::new(LocalBus::new()),
            Sources::default(),
        );
        let full = || Err::<(), _>(StoreError::Full("disk".to_owned()));
        assert_eq!(engine.trouble(), None);
        assert!(engine.note(full()).is_err());
        let first = engine.trouble().expect("trouble");
        let locked = Err::<(), _>(StoreError::Unavailable("locked".to_owned()));
        assert!(engine.note(locked).is_err());
        let second = engine.clone().trouble().expect("trouble");
        assert_eq!(second.since, first.since, "it has not passed in between");
        assert_eq!(second.error, StoreError::Unavailable("locked".to_owned()));
        assert!(engine.note(Ok(())).is_ok());
        assert_eq!(engine.trouble(), None);
    }
}
