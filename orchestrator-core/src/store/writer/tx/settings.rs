//! What people set: schedules, limits, paused queues, tokens; and what workers say of types of tasks.

use orchestrator_protocol::{LimitRule, Schedule, ScheduleId, Token, TokenId};

use super::WriterTx;
use crate::store::{AnnouncedType, error::StoreError, writer::disk::Disk};

impl<D: Disk> WriterTx<'_, D> {
    /// Creates or replaces the schedule of a name.
    pub(in crate::store::writer) fn put_schedule(&mut self, mut schedule: Schedule) -> Schedule {
        if let Some(first) = self.mirror.schedules.get(&schedule.name) {
            schedule.id = first.id;
            schedule.last_task_id = first.last_task_id;
        }
        self.pending.settings.schedules.push(schedule.clone());
        self.mirror.schedules.insert(schedule.name.clone(), schedule.clone());
        schedule
    }

    pub(in crate::store::writer) fn delete_schedule(&mut self, id: ScheduleId) -> Result<(), StoreError> {
        let count = self.mirror.schedules.len();
        self.mirror.schedules.retain(|_, schedule| schedule.id != id);
        if self.mirror.schedules.len() == count {
            return Err(StoreError::NotFound(format!("schedule {id}")));
        }
        self.pending.settings.schedules.retain(|schedule| schedule.id != id);
        self.pending.settings.schedules_gone.push(id);
        Ok(())
    }

    pub(in crate::store::writer) fn put_limit(&mut self, key: String, rule: Option<LimitRule>) {
        match &rule {
            Some(rule) => self.mirror.limits.insert(key.clone(), rule.clone()),
            None => self.mirror.limits.remove(&key),
        };
        self.pending.settings.limits.push((key, rule));
    }

    pub(in crate::store::writer) fn pause_queue(&mut self, queue: String, paused: bool) {
        if paused {
            self.mirror.paused.insert(queue.clone());
        } else {
            self.mirror.paused.remove(&queue);
        }
        self.pending.settings.queues.push((queue, paused));
    }

    pub(in crate::store::writer) fn put_token(&mut self, token: Token, digest: [u8; 32]) {
        self.mirror.tokens.insert(token.id);
        self.pending.settings.tokens.push((token, digest));
    }

    pub(in crate::store::writer) fn delete_token(&mut self, id: TokenId) -> Result<(), StoreError> {
        if !self.mirror.tokens.remove(&id) {
            return Err(StoreError::NotFound(format!("token {id}")));
        }
        self.pending.settings.tokens.retain(|(token, _)| token.id != id);
        self.pending.settings.tokens_gone.push(id);
        Ok(())
    }

    pub(in crate::store::writer) fn put_task_types(&mut self, types: &[AnnouncedType]) {
        let types = types.iter().map(|said| (said.name.clone(), said.clone()));
        self.pending.settings.task_types.extend(types);
    }
}
