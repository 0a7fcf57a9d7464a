//! What can be submitted.

use orchestrator_protocol::{Page, TaskType};
use poem_openapi::{OpenApi, param::Query};

use super::{Group, query};
use crate::{app::App, problem::Failure, wire::Answer};

pub(crate) struct TaskTypes(pub(super) App);

#[OpenApi(tag = "Group::Workers")]
impl TaskTypes {
    /// List the types of tasks that workers run, by name
    ///
    /// Those that a connected worker offers, and those that one has announced and that nobody offers now. With a JSON schema
    /// of the input where the worker that announced the type last has one.
    #[oai(path = "/task-types", method = "get", operation_id = "list_task_types")]
    async fn list(
        &self,
        /// How many, 1 to 500; 50 when left out.
        limit: Query<Option<i64>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Answer<Page<TaskType>>, Failure> {
        let types = self.0.engine.task_types().await?;
        query::page_of(types, |of| of.name.clone(), limit.0, cursor.0.as_ref()).map(Answer)
    }
}
