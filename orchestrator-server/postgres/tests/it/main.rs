//! The PostgreSQL store against a real, private server.

mod bus;
mod conformance;
mod place;
mod sharing;
