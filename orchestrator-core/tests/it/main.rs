//! The core from outside: what its stores promise.

#[cfg(feature = "sqlite")]
mod sqlite;
