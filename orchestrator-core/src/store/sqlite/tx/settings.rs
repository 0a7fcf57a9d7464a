//! What people set: schedules, limits, paused queues, tokens.

use orchestrator_protocol::{LimitRule, Schedule, ScheduleId, Token, TokenId};

use super::SqliteTx;
use crate::store::{error::StoreError, sqlite::codec::text};

impl SqliteTx<'_> {
    /// Creates or replaces the schedule of a name.
    pub(in crate::store::sqlite) fn put_schedule(&mut self, mut schedule: Schedule) -> Schedule {
        if let Some(first) = self.mirror.schedules.get(&schedule.name) {
            schedule.id = first.id;
            schedule.last_task_id = first.last_task_id;
        }
        self.pending.schedules.push(schedule.name.clone());
        self.mirror.schedules.insert(schedule.name.clone(), schedule.clone());
        schedule
    }

    pub(in crate::store::sqlite) async fn delete_schedule(
        &mut self,
        id: ScheduleId,
    ) -> Result<Result<(), StoreError>, StoreError> {
        let count = self.mirror.schedules.len();
        self.mirror.schedules.retain(|_, schedule| schedule.id != id);
        if self.mirror.schedules.len() == count {
            return Ok(Err(StoreError::NotFound(format!("schedule {id}"))));
        }
        self.see("delete from schedule where id=?", |args| args.id(id.as_bytes()))
            .await?;
        Ok(Ok(()))
    }

    pub(in crate::store::sqlite) async fn put_limit(
        &mut self,
        key: String,
        rule: Option<LimitRule>,
    ) -> Result<Result<(), StoreError>, StoreError> {
        if let Some(rule) = rule {
            let put = "insert or replace into limit_rule(key,rule) values (?,?)";
            self.see(put, |args| {
                args.text(key.as_str());
                args.text(text(&rule));
            })
            .await?;
            self.mirror.limits.insert(key, rule);
        } else {
            let delete = "delete from limit_rule where key=?";
            self.see(delete, |args| args.text(key.as_str())).await?;
            self.mirror.limits.remove(&key);
        }
        Ok(Ok(()))
    }

    pub(in crate::store::sqlite) async fn put_token(
        &mut self,
        token: Token,
        digest: [u8; 32],
    ) -> Result<Result<(), StoreError>, StoreError> {
        let put = "insert or replace into token(id,digest,name,body) values (?,?,?,?)";
        self.see(put, |args| {
            args.id(token.id.as_bytes());
            args.digest(&digest);
            args.text(token.name.as_str());
            args.text(text(&token));
        })
        .await?;
        Ok(Ok(()))
    }

    pub(in crate::store::sqlite) async fn delete_token(
        &mut self,
        id: TokenId,
    ) -> Result<Result<(), StoreError>, StoreError> {
        let delete = "delete from token where id=? returning 1";
        let gone = self.see(delete, |args| args.id(id.as_bytes())).await?;
        if gone.is_empty() {
            return Ok(Err(StoreError::NotFound(format!("token {id}"))));
        }
        Ok(Ok(()))
    }

    pub(in crate::store::sqlite) async fn pause_queue(
        &mut self,
        queue: String,
        paused: bool,
    ) -> Result<Result<(), StoreError>, StoreError> {
        let sql = if paused {
            "insert or ignore into paused_queue(queue) values (?)"
        } else {
            "delete from paused_queue where queue=?"
        };
        self.see(sql, |args| args.text(queue.as_str())).await?;
        if paused {
            self.mirror.paused.insert(queue);
        } else {
            self.mirror.paused.remove(&queue);
        }
        Ok(Ok(()))
    }
}
