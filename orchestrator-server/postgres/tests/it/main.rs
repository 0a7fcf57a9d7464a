//! The PostgreSQL store against a real, private server.

mod bus;
mod conformance;
mod outbox;
mod place;
mod plans;
mod schema;
mod sharing;
mod totals;
