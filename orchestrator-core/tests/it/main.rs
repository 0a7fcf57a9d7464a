//! The core as its users meet it.

mod bus;
mod memory;
mod worker;
