//! What waits for people.

use orchestrator_protocol::{Checkpoint, Decision, ExternalResult, Json, Page, Task, TaskId, TaskState};
use serde::Deserialize;

use super::Engine;
use crate::store::{ListQuery, StoreError};

/// The type of the tasks that people complete.
const CHECKPOINT: &str = "checkpoint";

/// What an agent put into a checkpoint.
#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    question: String,
    #[serde(default)]
    content: Json,
    #[serde(default)]
    evaluation: Json,
    #[serde(default)]
    context: Json,
}

impl Engine {
    /// A page of the open checkpoints, the newest first, with the question, the work under review, its evaluation and its context. A limit of 0 means 50.
    ///
    /// # Errors
    ///
    /// As [`crate::store::Store::list`].
    pub async fn checkpoints(
        &self,
        root: Option<TaskId>,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Page<Checkpoint>, StoreError> {
        let query = ListQuery {
            states: vec![TaskState::Waiting],
            task_type: Some(CHECKPOINT.to_owned()),
            root_id: root,
            limit,
            cursor,
            ..ListQuery::default()
        };
        let page = self.store.list(query).await?;
        Ok(Page {
            items: page.items.into_iter().map(open).collect(),
            next_cursor: page.next_cursor,
        })
    }

    /// Answers a checkpoint: the decision is its output, and what whoever asked gets.
    ///
    /// # Errors
    ///
    /// [`StoreError::StateConflict`] when it was answered before, or is not a checkpoint. Of several answers that come at
    /// the same time the first one counts.
    pub async fn decide(&self, task: TaskId, decision: &Decision) -> Result<Task, StoreError> {
        let asked = self.get(task).await?;
        let conflict = |state, wanted: &str| StoreError::StateConflict {
            task,
            state,
            wanted: wanted.to_owned(),
        };
        if asked.task_type != CHECKPOINT {
            return Err(conflict(asked.state, "decided: it is not a checkpoint"));
        }
        let output = Json::of(decision).map_err(|e| StoreError::invalid("decision", e.to_string()))?;
        match self.complete(task, ExternalResult::Output(output)).await {
            Err(StoreError::StateConflict { state, .. }) if state.is_terminal() => {
                Err(conflict(state, "decided again"))
            }
            Err(StoreError::StateConflict { state, .. }) => Err(conflict(state, "decided yet")),
            result => result,
        }
    }
}

fn open(task: Task) -> Checkpoint {
    let asked = task.input.to::<Asked>().unwrap_or_default();
    let question = if asked.question.is_empty() {
        task.description.clone()
    } else {
        asked.question
    };
    Checkpoint {
        task,
        question,
        content: asked.content,
        evaluation: asked.evaluation,
        context: asked.context,
    }
}
