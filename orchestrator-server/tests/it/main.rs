//! The server's tests, one binary.

mod http;
mod wire;
