//! The server's tests, one binary.

mod fleet;
mod http;
mod wire;
