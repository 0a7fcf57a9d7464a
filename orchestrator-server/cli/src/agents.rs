//! The agents that this program has.

use std::{collections::BTreeMap, sync::Arc};

use orchestrator_core::{Agent, Orchestrator, protocol::Task};
use orchestrator_worker::builtin::{self, ModelSettings};

use crate::{args::Here, exit::Failure, view::words};

/// What a person or another program completes, and no agent here.
const COMPLETED_BY_OTHERS: [&str; 2] = ["checkpoint", "external"];

/// Every built-in agent.
pub fn all(here: &Here) -> Result<Vec<Arc<dyn Agent>>, Failure> {
    let model = match (&here.model, &here.model_url) {
        (Some(model), Some(url)) => Some(ModelSettings {
            model: model.clone(),
            base_url: url.clone(),
            key_env: here.model_key_env.clone(),
            price: here.model_price,
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

/// The labels by which a task remembers which model its run had. The key itself is never among them.
const REMEMBERED: [&str; 4] = ["model", "model_url", "model_key_env", "model_price"];

/// Labels for a task, so that a retry asks the same model without being told.
pub fn remember(here: &Here, labels: &mut BTreeMap<String, String>) {
    // An address may carry a password; such a one is not kept.
    if here.model_url.as_ref().is_none_or(|url| url.contains('@')) {
        return;
    }
    let price = here.model_price.map(|price| price.to_string());
    let values = [&here.model, &here.model_url, &here.model_key_env, &price];
    for (name, value) in REMEMBERED.into_iter().zip(values) {
        if let Some(value) = value {
            labels.entry(name.to_owned()).or_insert_with(|| value.clone());
        }
    }
}

/// The model of a task's first run, unless another one was named.
pub fn recall(here: &mut Here, task: &Task) {
    if here.model.is_some() || here.model_url.is_some() {
        return;
    }
    let [model, url, key, price] = REMEMBERED.map(|name| task.labels.get(name).cloned());
    if model.is_some() && url.is_some() {
        (here.model, here.model_url) = (model, url);
        here.model_key_env = here.model_key_env.take().or(key);
        here.model_price = here.model_price.or_else(|| price.and_then(|price| price.parse().ok()));
    }
}

/// Gives agents to an orchestrator.
pub fn register(orchestrator: &Orchestrator, agents: Vec<Arc<dyn Agent>>) -> Result<(), Failure> {
    for agent in agents {
        orchestrator.register_shared(agent)?;
    }
    Ok(())
}

/// Refuses a task type that nobody runs, and says which there are.
pub fn check_type(agents: &[Arc<dyn Agent>], task_type: &str) -> Result<(), Failure> {
    if task_type == "llm" {
        let remedy =
            "say which with --model and --model-url, as in --model qwen3 --model-url http://127.0.0.1:11434/v1";
        return if agents.iter().any(|agent| agent.task_type() == task_type) {
            Ok(())
        } else {
            Err(Failure::usage(format!("`llm` needs a model; {remedy}")))
        };
    }
    let mut known: Vec<&str> = agents.iter().map(|agent| agent.task_type()).collect();
    known.extend(COMPLETED_BY_OTHERS);
    if known.contains(&task_type) {
        return Ok(());
    }
    let nearest = known
        .iter()
        .map(|name| (strsim::jaro_winkler(name, task_type), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = nearest.map(|(_, name)| format!("did you mean `{name}`? "));
    Err(Failure::usage(format!(
        "no agent here runs `{}`; {}there are {}",
        words::fit(task_type, 60, false),
        hint.unwrap_or_default(),
        known.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use orchestrator_core::{Json, TaskContext, agent};

    use super::*;

    #[test]
    fn an_unknown_type_is_told_with_the_nearest_and_all() {
        let review = agent("code_review", |_: TaskContext, _: Json| async {
            Ok::<_, orchestrator_core::AgentError>(())
        });
        let agents: Vec<Arc<dyn Agent>> = vec![Arc::new(review)];
        assert!(check_type(&agents, "code_review").is_ok() && check_type(&agents, "checkpoint").is_ok());
        let failure = check_type(&agents, "code_reviw").unwrap_err();
        assert_eq!(
            failure.message,
            "no agent here runs `code_reviw`; did you mean `code_review`? there are code_review, checkpoint, external"
        );
        assert!(!check_type(&agents, "zzz").unwrap_err().message.contains("did you mean"));
    }
}
