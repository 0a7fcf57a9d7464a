//! The client's tests, one binary.

mod complete;
mod reconnect;
