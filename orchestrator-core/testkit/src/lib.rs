//! What stores, buses, workers and agents are tested with: a clock and ids in the test's hand, one conformance suite for
//! all stores and one for all buses, scripted agents, a network that breaks when told to, and a deterministic simulator.

pub mod agents;
pub mod broken;
pub mod bus_suite;
pub mod chance;
pub mod clock;
pub mod ether;
pub mod harness;
pub mod layer;
pub mod proxy;
pub mod redis_server;
pub mod simulator;
pub mod store_suite;

pub use clock::{ManualClock, SeededIds};
pub use harness::Harness;
pub use simulator::Simulation;
