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

/// What a worker asked of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// To keep what its tasks have done.
    Report,
    /// Anything else: little, or nothing, is written for it.
    Other,
}

/// The trouble there is, if any, and whether it is one of reports.
#[derive(Debug, Default)]
pub(super) struct Noted(Mutex<Option<(Trouble, Asked)>>);

impl Engine {
    /// What keeps the work of workers in this process from being recorded: a full disk, a locked file. None while all is
    /// well. It passes by itself when its cause does; whoever waits for a person who could remove the cause tells them.
    pub fn trouble(&self) -> Option<Trouble> {
        let noted = self.noted.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.as_ref().map(|(trouble, _)| trouble.clone())
    }

    /// Notes how a worker's call of the store went. A disk that is nearly full still takes a renewal when it takes no
    /// report any more, so only a report ends the trouble that reports have.
    pub(super) fn note<T>(&self, asked: Asked, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let mut noted = self.noted.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &result {
            Err(error) if error.is_transient() => {
                let (since, before) = noted
                    .as_ref()
                    .map_or_else(|| (self.now(), asked), |(trouble, before)| (trouble.since, *before));
                let error = error.clone();
                let whose = if before == Asked::Report { before } else { asked };
                *noted = Some((Trouble { since, error }, whose));
            }
            _ if asked == Asked::Other && matches!(&*noted, Some((_, Asked::Report))) => {}
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
        assert!(engine.note(Asked::Other, full()).is_err());
        let first = engine.trouble().expect("trouble");
        let locked = Err::<(), _>(StoreError::Unavailable("locked".to_owned()));
        assert!(engine.note(Asked::Other, locked).is_err());
        let second = engine.clone().trouble().expect("trouble");
        assert_eq!(second.since, first.since, "it has not passed in between");
        assert_eq!(second.error, StoreError::Unavailable("locked".to_owned()));
        assert!(engine.note(Asked::Other, Ok(())).is_ok());
        assert_eq!(engine.trouble(), None);
        // A disk with a little room left: small things are written, what was done is not.
        assert!(engine.note(Asked::Report, full()).is_err());
        assert!(engine.note(Asked::Other, Ok(())).is_ok());
        assert!(engine.note(Asked::Other, full()).is_err());
        assert!(engine.note(Asked::Other, Ok(())).is_ok());
        assert!(engine.trouble().is_some());
        assert!(engine.note(Asked::Report, Ok(())).is_ok());
        assert_eq!(engine.trouble(), None);
    }
}
