//! The built-in agents: run a program, ask a model, review a repository.

pub mod builtin;
pub mod command;
pub mod jobs;
pub mod llm;
pub mod review;
