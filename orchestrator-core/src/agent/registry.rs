//! The agents that a worker has.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use orchestrator_protocol::{Json, MAX_SCHEMAS_BYTES, schema_problem};

use super::Agent;
use crate::{domain::placement::meets, store::row::is_external};

/// Agents by their task type.
#[derive(Clone, Default)]
pub struct Registry {
    agents: BTreeMap<String, Arc<dyn Agent>>,
}

/// Why an agent was not taken on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Another agent runs this type.
    #[error("there are two agents for the task type `{task_type}`; give one of them another name")]
    Duplicate {
        /// The type.
        task_type: String,
    },
    /// Tasks of this type are completed by people or by calls.
    #[error("tasks of the type `{task_type}` are not run by agents; choose another name")]
    Reserved {
        /// The type.
        task_type: String,
    },
    /// The type is empty.
    #[error("an agent has no task type; give it a name")]
    Unnamed,
}

impl Registry {
    /// No agents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes on an agent.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Duplicate`] when its type is taken, [`RegistryError::Reserved`] for `external` and
    /// `checkpoint`, [`RegistryError::Unnamed`] for an empty type. The registry stays as it was.
    pub fn add(&mut self, agent: impl Agent) -> Result<(), RegistryError> {
        self.add_shared(Arc::new(agent))
    }

    /// Takes on an agent that others hold too.
    ///
    /// # Errors
    ///
    /// As [`Registry::add`].
    pub fn add_shared(&mut self, agent: Arc<dyn Agent>) -> Result<(), RegistryError> {
        let task_type = agent.task_type().to_owned();
        if task_type.trim().is_empty() {
            return Err(RegistryError::Unnamed);
        }
        if is_external(&task_type) {
            return Err(RegistryError::Reserved { task_type });
        }
        if self.agents.contains_key(&task_type) {
            return Err(RegistryError::Duplicate { task_type });
        }
        self.agents.insert(task_type, agent);
        Ok(())
    }

    /// The agent of a type.
    pub fn get(&self, task_type: &str) -> Option<&Arc<dyn Agent>> {
        self.agents.get(task_type)
    }

    /// All agents, by their types.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Agent>> {
        self.agents.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.agents.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.agents.is_empty()
    }

    /// The types that a worker with these labels can run.
    pub fn task_types(&self, labels: &BTreeSet<String>) -> BTreeSet<String> {
        self.agents
            .iter()
            .filter(|(_, agent)| agent.requires().iter().all(|r| meets(labels, r)))
            .map(|(task_type, _)| task_type.clone())
            .collect()
    }

    /// JSON schemas of the inputs of these types, where their agents have one. What a server would refuse is left out, and
    /// the log says so.
    pub(crate) fn input_schemas(&self, task_types: &BTreeSet<String>) -> BTreeMap<String, Json> {
        let mut schemas = BTreeMap::new();
        let mut bytes = 0;
        for task_type in task_types {
            let schema = self.get(task_type).and_then(|agent| agent.input_schema());
            let Some(schema) = schema.map(Json::from) else {
                continue;
            };
            let problem = schema_problem(&schema).or_else(|| {
                let fits = bytes + schema.get().len() <= MAX_SCHEMAS_BYTES;
                (!fits).then(|| format!("is one too many: all together may have {MAX_SCHEMAS_BYTES} bytes"))
            });
            if let Some(problem) = problem {
                tracing::warn!(task.type = %task_type, "the input schema of `{task_type}` is left out: it {problem}");
                continue;
            }
            bytes += schema.get().len();
            schemas.insert(task_type.clone(), schema);
        }
        schemas
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.agents.keys()).finish()
    }
}
