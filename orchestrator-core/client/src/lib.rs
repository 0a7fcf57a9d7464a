//! What talks to a server from far away: the calls of its REST interface, a worker's source of tasks, and live events.
//!
//! Everything here reconnects by itself, with growing and spread waits, and goes on where it was. The [`transport`] is a
//! small trait, so that a program in a browser brings its own: without the feature `native` nothing here opens sockets,
//! sleeps or reads clocks but through it.

pub mod address;
pub mod api;
pub mod events;
mod retry;
pub mod transport;
pub mod waiting;
#[cfg(feature = "native")]
pub mod worker;

pub use address::ServerAddress;
pub use api::{Client, ClientError};
pub use events::{Events, EventsError, EventsQuery, Step};
pub use waiting::Waiting;
#[cfg(feature = "native")]
pub use worker::{RemoteConfig, RemoteSource, Way};
