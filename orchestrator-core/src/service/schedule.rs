//! Tasks that are submitted again and again.

use orchestrator_protocol::{NewSchedule, Schedule, ScheduleId};

use super::Engine;
use crate::{
    bus::Nudge,
    domain::{cron, spec},
    store::StoreError,
};

impl Engine {
    /// Creates a schedule, or replaces the one of the same name.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a timing that makes no sense or never fires, and for a task that breaks a rule.
    pub async fn put_schedule(&self, new: NewSchedule) -> Result<Schedule, StoreError> {
        spec::check_name(&new.name).map_err(|message| StoreError::invalid("name", message))?;
        cron::validate(&new.timing).map_err(|message| StoreError::invalid("timing", message))?;
        spec::check(&new.task).map_err(|f| StoreError::invalid(format!("task.{}", f.field), f.message))?;
        if new.task.idempotency_key.is_some() || new.task.parent_id.is_some() || !new.task.depends_on.is_empty() {
            let message = "a scheduled task has no idempotency_key, parent_id or depends_on";
            return Err(StoreError::invalid("task", message));
        }
        let now = self.now();
        let schedule = Schedule {
            id: ScheduleId::from_uuid(self.sources.ids.uuid()),
            next_at: cron::next_after(&new.timing, now, now),
            name: new.name,
            timing: new.timing,
            task: new.task,
            overlap: new.overlap,
            paused: new.paused,
            last_task_id: None,
        };
        let schedule = self.store.put_schedule(schedule).await?;
        self.bus.nudge(Nudge::Timer).await;
        Ok(schedule)
    }

    /// Removes a schedule; the tasks that it submitted stay.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn delete_schedule(&self, id: ScheduleId) -> Result<(), StoreError> {
        self.store.delete_schedule(id).await
    }

    /// All schedules, by name.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        self.store.schedules().await
    }
}
