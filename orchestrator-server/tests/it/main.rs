//! The server's tests, one binary.

mod wire;
