//! Tasks that are submitted again and again.

use orchestrator_protocol::{NewSchedule, Page, Schedule};
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
};

use super::{Group, query};
use crate::{
    app::App,
    problem::Failure,
    wire::{Answer, Body, Created, Done},
};

pub(crate) struct Schedules(pub(super) App);

/// Changing them needs the role `submitter`.
#[OpenApi(tag = "Group::Schedules")]
impl Schedules {
    /// List schedules, by name
    #[oai(path = "/schedules", method = "get", operation_id = "list_schedules")]
    async fn list(
        &self,
        /// How many, 1 to 500; 50 when left out.
        limit: Query<Option<i64>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Answer<Page<Schedule>>, Failure> {
        let schedules = self.0.engine.schedules().await?;
        let key = |schedule: &Schedule| schedule.name.clone();
        query::page_of(schedules, key, limit.0, cursor.0.as_ref()).map(Answer)
    }

    /// Create a schedule, or replace the one of the same name
    #[oai(path = "/schedules", method = "post", operation_id = "put_schedule")]
    async fn put(&self, body: Body<NewSchedule>) -> Result<Created<Schedule>, Failure> {
        let known = self.0.engine.schedules().await?;
        let new = !known.iter().any(|schedule| schedule.name == body.0.name);
        let value = self.0.engine.put_schedule(body.0).await?;
        Ok(Created { value, new })
    }

    /// One schedule
    #[oai(path = "/schedules/:schedule_id", method = "get", operation_id = "get_schedule")]
    async fn get(&self, schedule_id: Path<String>) -> Result<Answer<Schedule>, Failure> {
        let id = query::id("schedule_id", &schedule_id)?;
        Ok(Answer(self.0.engine.schedule(id).await?))
    }

    /// Remove a schedule
    ///
    /// The tasks that it submitted stay.
    #[oai(
        path = "/schedules/:schedule_id",
        method = "delete",
        operation_id = "delete_schedule"
    )]
    async fn delete(&self, schedule_id: Path<String>) -> Result<Done, Failure> {
        let id = query::id("schedule_id", &schedule_id)?;
        self.0.engine.delete_schedule(id).await?;
        Ok(Done)
    }

    /// Let a schedule rest
    #[oai(
        path = "/schedules/:schedule_id/pause",
        method = "post",
        operation_id = "pause_schedule"
    )]
    async fn pause(&self, schedule_id: Path<String>) -> Result<Answer<Schedule>, Failure> {
        let id = query::id("schedule_id", &schedule_id)?;
        Ok(Answer(self.0.engine.pause_schedule(id, true).await?))
    }

    /// Let a schedule go on from now
    #[oai(
        path = "/schedules/:schedule_id/resume",
        method = "post",
        operation_id = "resume_schedule"
    )]
    async fn resume(&self, schedule_id: Path<String>) -> Result<Answer<Schedule>, Failure> {
        let id = query::id("schedule_id", &schedule_id)?;
        Ok(Answer(self.0.engine.pause_schedule(id, false).await?))
    }
}
