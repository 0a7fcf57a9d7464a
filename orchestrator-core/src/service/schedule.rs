//! Tasks that are submitted again and again.

use orchestrator_protocol::{NewSchedule, Schedule, ScheduleId, Timestamp, Timing};

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
        let next_at = self.first_firing(&new.timing)?;
        let schedule = Schedule {
            id: ScheduleId::from_uuid(self.sources.ids.uuid()),
            next_at: Some(next_at),
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

    /// When a schedule that begins now fires first.
    fn first_firing(&self, timing: &Timing) -> Result<Timestamp, StoreError> {
        let now = self.now();
        let next = cron::next_after(timing, now, now);
        next.ok_or_else(|| StoreError::invalid("timing", "never fires again: every time that it names has passed"))
    }

    /// Lets a schedule rest, or go on from now: what it would have fired meanwhile is not made up for, and intervals count
    /// from now.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`]; [`StoreError::Invalid`] when it never fires again.
    pub async fn pause_schedule(&self, id: ScheduleId, paused: bool) -> Result<Schedule, StoreError> {
        let mut schedule = self.schedule(id).await?;
        if schedule.paused == paused {
            return Ok(schedule);
        }
        schedule.paused = paused;
        if !paused {
            schedule.next_at = Some(self.first_firing(&schedule.timing)?);
        }
        let schedule = self.store.put_schedule(schedule).await?;
        self.bus.nudge(Nudge::Timer).await;
        Ok(schedule)
    }

    /// One schedule.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn schedule(&self, id: ScheduleId) -> Result<Schedule, StoreError> {
        let found = self
            .store
            .schedules()
            .await?
            .into_iter()
            .find(|schedule| schedule.id == id);
        found.ok_or_else(|| StoreError::NotFound(format!("schedule {id}")))
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
