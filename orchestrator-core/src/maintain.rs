//! The loops that keep the store going: timers and rescue, retention. Each is a future that runs until it is dropped;
//! any number of processes may run them on one store.

pub mod retention;
pub mod timer;

pub use retention::Retention;
