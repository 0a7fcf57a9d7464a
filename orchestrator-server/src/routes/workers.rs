//! The machines that run tasks.

use orchestrator_protocol::{Page, Worker};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use super::{Group, query};
use crate::{app::App, problem::Failure, wire::Answer};

pub(crate) struct Workers(pub(super) App);

#[OpenApi(tag = "Group::Workers")]
impl Workers {
    /// List the workers that are connected, by name
    #[oai(path = "/workers", method = "get", operation_id = "list_workers")]
    async fn list(
        &self,
        /// How many, 1 to 500; 50 when left out.
        limit: Query<Option<i64>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Answer<Page<Worker>>, Failure> {
        let workers = self.0.engine.workers().await?;
        let key = |worker: &Worker| format!("{}\0{}", worker.name, worker.id);
        query::page_of(workers, key, limit.0, cursor.0.as_ref()).map(Answer)
    }

    /// One worker
    #[oai(path = "/workers/:worker_id", method = "get", operation_id = "get_worker")]
    async fn get(&self, worker_id: Path<String>) -> Result<Answer<Worker>, Failure> {
        let id = query::id("worker_id", &worker_id)?;
        Ok(Answer(self.0.engine.worker(id).await?))
    }

    /// Let a worker finish what it has and take no more
    ///
    /// Needs the role `admin`.
    #[oai(path = "/workers/:worker_id/drain", method = "post", operation_id = "drain_worker")]
    async fn drain(&self, worker_id: Path<String>) -> Result<Answer<Worker>, Failure> {
        let id = query::id("worker_id", &worker_id)?;
        Ok(Answer(self.0.engine.drain(id).await?))
    }
}
