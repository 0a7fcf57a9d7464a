//! The workers' protocol and the live events over real sockets: both ends, and what lies between them.

mod agents;
mod conformance;
mod events;
mod faults;
mod frames;
mod raw;
mod replica;
