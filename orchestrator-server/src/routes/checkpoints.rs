//! What waits for people.

use orchestrator_protocol::{Checkpoint, Page, TaskId};
use poem_openapi::{OpenApi, param::Query};

use super::{Group, query};
use crate::{app::App, problem::Failure, wire::Answer};

pub(crate) struct Checkpoints(pub(super) App);

#[OpenApi(tag = "Group::Checkpoints")]
impl Checkpoints {
    /// List what waits for people, the newest first
    ///
    /// With the question, the work under review, its evaluation and its context.
    #[oai(path = "/checkpoints", method = "get", operation_id = "list_checkpoints")]
    async fn list(
        &self,
        /// `open`: those that nobody has decided yet, which is what is listed when it is left out.
        state: Query<Option<String>>,
        /// In the tree of this task.
        root_id: Query<Option<String>>,
        /// How many, 1 to 500; 50 when left out.
        limit: Query<Option<i64>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Answer<Page<Checkpoint>>, Failure> {
        if let Some(state) = state.0.as_deref().filter(|state| *state != "open") {
            let message = format!("`{state}` is not `open`; decided ones are tasks of the type `checkpoint`");
            return Err(Failure::field("state", message));
        }
        let limit = query::limit(limit.0)?;
        let root: Option<TaskId> = query::opt_id("root_id", root_id.0.as_ref())?;
        Ok(Answer(self.0.engine.checkpoints(root, limit, cursor.0).await?))
    }
}
