//! The review of a repository.
pub mod finding;
pub mod options;
pub mod source;
