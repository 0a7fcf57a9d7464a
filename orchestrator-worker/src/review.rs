//! The review of a repository.
pub mod checks;
pub mod finding;
pub mod options;
pub mod source;
