//! The core as its users meet it.

mod bus;
mod memory;
mod orchestrator;
mod service;
mod simulator;
#[cfg(feature = "sqlite")]
mod sqlite;
mod worker;
