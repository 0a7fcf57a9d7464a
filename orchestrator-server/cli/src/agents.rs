//! The agents that this program has.

use std::sync::Arc;

use orchestrator_core::{Agent, Orchestrator};
use orchestrator_worker::builtin::{self, ModelSettings};

use crate::{args::Settings, exit::Failure};

/// Every built-in agent.
pub fn all(settings: &Settings) -> Result<Vec<Arc<dyn Agent>>, Failure> {
    let model = match (&settings.model, &settings.model_url) {
        (Some(model), Some(url)) => Some(ModelSettings {
            model: model.clone(),
            base_url: url.clone(),
            key_env: settings.model_key_env.clone(),
        }),
        (None, None) => None,
        (Some(_), None) => return Err(Failure::usage("--model needs --model-url, the server that has it")),
        (None, Some(_)) => {
            return Err(Failure::usage(
                "--model-url needs --model, the name of one of its models",
            ));
        }
    };
    builtin::agents(model).map_err(Failure::usage)
}

/// Gives every built-in agent to an orchestrator.
pub fn register(orchestrator: &Orchestrator, settings: &Settings) -> Result<(), Failure> {
    for agent in all(settings)? {
        orchestrator.register_shared(agent)?;
    }
    Ok(())
}

/// Refuses a task type that nobody runs, and says which there are.
pub fn check_type(orchestrator: &Orchestrator, task_type: &str) -> Result<(), Failure> {
    let known = orchestrator.task_types();
    if known.iter().any(|k| k == task_type) {
        return Ok(());
    }
    let nearest = known
        .iter()
        .map(|k| (strsim::jaro_winkler(k, task_type), k))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = nearest
        .map(|(_, k)| format!("; did you mean `{k}`?"))
        .unwrap_or_default();
    Err(Failure::usage(format!(
        "no agent here runs `{task_type}`{hint} There are {}",
        known.join(", ")
    )))
}
