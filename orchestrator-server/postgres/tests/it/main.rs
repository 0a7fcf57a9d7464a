//! The PostgreSQL store against a real, private server.

mod conformance;
mod outbox;
mod place;
mod schema;
mod sharing;
