//! The typed client of the server.
