//! Routes: parse, authorise, call, encode.

pub mod events;
mod refusal;
pub mod worker;
