//! How much may happen at once, and queues.

use orchestrator_protocol::{Code, LimitRule, Page};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Group, query};
use crate::{
    app::App,
    problem::Failure,
    wire::{Answer, Body, Done},
};

/// The rule of a key.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Limit {
    /// The key, as tasks name it in `limits`.
    key: String,
    #[serde(flatten)]
    rule: LimitRule,
}

pub(crate) struct Limits(pub(super) App);

/// Changing them needs the role `admin`.
#[OpenApi(tag = "Group::Limits")]
impl Limits {
    /// List limits, by key
    #[oai(path = "/limits", method = "get", operation_id = "list_limits")]
    async fn list(
        &self,
        /// How many, 1 to 500; 50 when left out.
        limit: Query<Option<i64>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Answer<Page<Limit>>, Failure> {
        let limits = self.0.engine.limits().await?;
        let limits = limits.into_iter().map(|(key, rule)| Limit { key, rule }).collect();
        let key = |limit: &Limit| limit.key.clone();
        query::page_of(limits, key, limit.0, cursor.0.as_ref()).map(Answer)
    }

    /// The rule of a key
    #[oai(path = "/limits/:key", method = "get", operation_id = "get_limit")]
    async fn get(&self, key: Path<String>) -> Result<Answer<LimitRule>, Failure> {
        let limits = self.0.engine.limits().await?;
        let found = limits.into_iter().find(|(known, _)| *known == key.0);
        let missing = || Failure::new(Code::NotFound, format!("there is no limit `{}`", key.0));
        Ok(Answer(found.ok_or_else(missing)?.1))
    }

    /// Set the rule of a key
    #[oai(path = "/limits/:key", method = "put", operation_id = "put_limit")]
    async fn put(&self, key: Path<String>, body: Body<LimitRule>) -> Result<Answer<LimitRule>, Failure> {
        self.0.engine.put_limit(&key, Some(body.0.clone())).await?;
        Ok(Answer(body.0))
    }

    /// Remove the rule of a key
    #[oai(path = "/limits/:key", method = "delete", operation_id = "delete_limit")]
    async fn delete(&self, key: Path<String>) -> Result<Done, Failure> {
        self.0.engine.put_limit(&key, None).await?;
        Ok(Done)
    }

    /// Start nothing of a queue
    #[oai(path = "/queues/:queue/pause", method = "post", operation_id = "pause_queue")]
    async fn pause(&self, queue: Path<String>) -> Result<Done, Failure> {
        self.0.engine.pause_queue(&queue, true).await?;
        Ok(Done)
    }

    /// Let a paused queue go on
    #[oai(path = "/queues/:queue/resume", method = "post", operation_id = "resume_queue")]
    async fn resume(&self, queue: Path<String>) -> Result<Done, Failure> {
        self.0.engine.pause_queue(&queue, false).await?;
        Ok(Done)
    }
}
