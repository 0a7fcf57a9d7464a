//! The loops that keep the store going: timers and rescue, retention.
//!
//! Each is a future that runs until it is dropped, made of verbs that happen entirely or not at all, so that it may be
//! dropped anywhere; [`Service`] starts and stops them. Any number of processes may run them on one store.

pub mod retention;
mod service;
pub mod timer;
mod trouble;

pub use retention::Retention;
pub use service::Service;
