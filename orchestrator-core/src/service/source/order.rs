//! The orders that sessions of a source have left with the store, and what they were filled with.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use orchestrator_protocol::SessionId;
use tokio_util::sync::CancellationToken;

use crate::store::LeasedTask;

/// What there is of the orders of sessions, each of which has one at most.
#[derive(Debug, Default)]
pub(super) struct Orders(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    last: u64,
    entries: BTreeMap<SessionId, Entry>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// It stands. Cancelled when it is taken back.
    Standing(CancellationToken),
    /// It was filled, and the session has not fetched it yet.
    Filled(Vec<LeasedTask>),
}

/// What a session that asks finds of its order.
#[derive(Debug)]
pub(super) enum Found {
    /// It has none.
    Nothing,
    /// It still stands.
    Standing,
    /// It was filled, and is no more.
    Filled(Vec<LeasedTask>),
}

/// An order that stands.
#[derive(Debug)]
pub(super) struct Ticket {
    session: SessionId,
    number: u64,
    /// Cancelled when it is taken back.
    pub(super) gone: CancellationToken,
}

impl Orders {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that an order stands, in place of an earlier one.
    pub(super) fn stand(&self, session: SessionId) -> Ticket {
        let gone = CancellationToken::new();
        let mut book = self.book();
        book.last += 1;
        let number = book.last;
        let state = State::Standing(gone.clone());
        book.entries.insert(session, Entry { number, state });
        Ticket { session, number, gone }
    }

    /// Keeps what an order was filled with until its session fetches it. Gives it back when the order was taken back
    /// meanwhile.
    pub(super) fn fill(&self, ticket: &Ticket, tasks: Vec<LeasedTask>) -> Result<(), Vec<LeasedTask>> {
        let mut book = self.book();
        let entry = book.entries.get_mut(&ticket.session);
        let Some(entry) = entry.filter(|entry| entry.number == ticket.number) else {
            return Err(tasks);
        };
        if tasks.is_empty() {
            book.entries.remove(&ticket.session);
        } else {
            entry.state = State::Filled(tasks);
        }
        Ok(())
    }

    /// What there is for a session that asks.
    pub(super) fn fetch(&self, session: SessionId) -> Found {
        let mut book = self.book();
        match book.entries.get(&session).map(|entry| &entry.state) {
            None => Found::Nothing,
            Some(State::Standing(_)) => Found::Standing,
            Some(State::Filled(_)) => match book.entries.remove(&session).map(|entry| entry.state) {
                Some(State::Filled(tasks)) => Found::Filled(tasks),
                _ => Found::Nothing,
            },
        }
    }

    /// Takes the order of a session back. Gives what it was filled with and nobody fetched.
    pub(super) fn take_back(&self, session: SessionId) -> Vec<LeasedTask> {
        match self.book().entries.remove(&session).map(|entry| entry.state) {
            Some(State::Standing(gone)) => {
                gone.cancel();
                Vec::new()
            }
            Some(State::Filled(tasks)) => tasks,
            None => Vec::new(),
        }
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        for entry in self.book().entries.values() {
            if let State::Standing(gone) = &entry.state {
                gone.cancel();
            }
        }
    }
}
