//! The PostgreSQL store against a real, private server.

mod conformance;
mod place;
mod sharing;
