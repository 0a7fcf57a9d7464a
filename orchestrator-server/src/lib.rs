//! The server, thin: parse, authorise, call a service, encode.

pub mod listener;
pub mod live;
pub mod routes;
pub mod workers;
