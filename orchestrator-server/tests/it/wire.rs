//! The workers' protocol and the live events over real sockets: both ends, and what lies between them.

pub mod agents;
mod conformance;
mod events;
mod faults;
mod frames;
mod fuzz;
mod raw;
pub mod replica;
mod schemas;
mod watching;
