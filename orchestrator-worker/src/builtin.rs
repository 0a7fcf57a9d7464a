//! Everything that a worker has without being told.

use std::{collections::BTreeSet, sync::Arc};

use orchestrator_core::Agent;

use crate::{
    command,
    jobs::code_review,
    llm::{self, Client, KeySource, Price, Provider},
};

/// The model for agents that ask one.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSettings {
    /// The name of the model.
    pub model: String,
    /// The server, up to `/v1`.
    pub base_url: String,
    /// The environment variable that holds the key; none for servers that need none.
    pub key_env: Option<String>,
    /// What it costs; nothing that we know of where it is not said.
    pub price: Option<Price>,
}

/// Every built-in agent.
///
/// # Errors
///
/// What is wrong with the model's settings.
pub fn agents(model: Option<ModelSettings>) -> Result<Vec<Arc<dyn Agent>>, String> {
    let mut agents: Vec<Arc<dyn Agent>> = vec![Arc::new(command::command())];
    let mut client = None;
    if let Some(settings) = model {
        let price = settings.price.map(|price| (settings.model.clone(), price));
        let mut provider = Provider::new(settings.base_url, settings.model);
        provider.prices.extend(price);
        provider.key = settings.key_env.map(KeySource::Environment);
        agents.push(Arc::new(llm::llm(provider.clone())?));
        client = Some(Client::new(provider)?);
    }
    agents.extend(code_review::agents(client));
    Ok(agents)
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
