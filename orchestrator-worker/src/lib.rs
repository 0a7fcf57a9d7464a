//! The built-in agents: the review of a repository, and what it is made of.

pub mod builtin;
pub mod jobs;
pub mod review;
