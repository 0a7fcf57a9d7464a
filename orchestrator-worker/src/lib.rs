//! The worker: the built-in agents (run a program, ask a model, review a repository), what a machine offers, and the
//! program that runs them for a server.

pub mod builtin;
pub mod command;
pub mod jobs;
pub mod llm;
pub mod machine;
pub mod program;
pub mod review;
