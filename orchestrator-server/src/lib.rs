//! The server, thin: parse, authorise, call a service, encode.

pub mod live;
pub mod routes;
pub mod workers;
