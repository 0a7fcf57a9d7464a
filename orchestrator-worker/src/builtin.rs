//! Everything that a worker has without being told.

use std::{collections::BTreeSet, sync::Arc};

use orchestrator_core::Agent;

use crate::jobs::code_review;

/// The model for agents that ask one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSettings {
    /// The name of the model.
    pub model: String,
    /// The server, up to `/v1`.
    pub base_url: String,
    /// The environment variable that holds the key; none for servers that need none.
    pub key_env: Option<String>,
}

/// Every built-in agent.
///
/// # Errors
///
/// What is wrong with the model's settings.
pub fn agents(_model: Option<ModelSettings>) -> Result<Vec<Arc<dyn Agent>>, String> {
    Ok(code_review::agents())
}

/// What this machine offers: operating system, architecture, and that everything stays on it.
pub fn labels() -> BTreeSet<String> {
    [
        format!("os:{}", std::env::consts::OS),
        format!("arch:{}", std::env::consts::ARCH),
        "local".to_owned(),
    ]
    .into()
}
