//! Jobs that ship with the orchestrator: agents that plan, and the agents that they call.

pub mod code_review;
