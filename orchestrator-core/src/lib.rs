//! Durable tasks and agents, embeddable.

pub mod agent;
pub mod bus;
pub mod clock;
pub mod context;
pub mod domain;
pub mod store;
pub mod worker;

pub use orchestrator_protocol as protocol;
