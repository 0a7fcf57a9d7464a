//! The built-in agents as their users meet them: through an orchestrator, with real programs.

mod code_review;
mod command;
mod llm;
mod program;
mod schemas;
mod traces;
