//! Counts.

use orchestrator_protocol::Stats;
use poem_openapi::OpenApi;

use super::Group;
use crate::{app::App, problem::Failure, wire::Answer};

pub(crate) struct Statistics(pub(super) App);

#[OpenApi(tag = "Group::Stats")]
impl Statistics {
    /// How many tasks are where, how long the oldest waits, and what all have spent
    #[oai(path = "/stats", method = "get", operation_id = "get_stats")]
    async fn get(&self) -> Result<Answer<Stats>, Failure> {
        Ok(Answer(self.0.engine.stats().await?))
    }
}
