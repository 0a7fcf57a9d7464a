//! The core as its users meet it.

mod bus;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
mod worker;
