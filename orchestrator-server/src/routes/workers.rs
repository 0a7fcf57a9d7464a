//! The machines that run tasks.

use orchestrator_protocol::{Page, Worker};
use poem_openapi::{OpenApi, param::Path};

use super::{Group, query};
use crate::{app::App, problem::Failure, wire::Answer};

pub(crate) struct Workers(pub(super) App);

#[OpenApi(tag = "Group::Workers")]
impl Workers {
    /// List the workers that are connected
    #[oai(path = "/workers", method = "get", operation_id = "list_workers")]
    async fn list(&self) -> Result<Answer<Page<Worker>>, Failure> {
        let items = self.0.engine.workers().await?;
        Ok(Answer(Page {
            items,
            next_cursor: None,
        }))
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
