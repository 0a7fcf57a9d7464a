//! Durable tasks and agents, embeddable.

pub mod bus;
pub mod clock;
pub mod domain;
pub mod store;
pub mod worker;

pub use orchestrator_protocol as protocol;
