//! The reference adapter: everything in memory, gone with the process.
//!
//! One lock around ordered maps. A verb holds the lock from its first read to its last write and never waits inside,
//! so it happens entirely or not at all.

mod happening;
mod read;
mod shelf;
mod tx;

use std::fmt;

use async_trait::async_trait;
use orchestrator_protocol::{
    Event, ExternalResult, LimitRule, LogLine, Page, Schedule, ScheduleId, Seq, SessionId, Stats, Task, TaskId,
    Timestamp, Token, TokenId, Tree, WorkerId,
};
use tokio::sync::Mutex;

use self::shelf::Shelf;
use super::{
    AnnouncedType, Claim, Committed, EventQuery, Facts, History, Intervention, LeasedTask, ListQuery, LogQuery,
    OpenSession, Renewal, Renewed, ReportAck, ReportItem, SessionView, Settled, Store, StoreError, Submit,
    SubmittedTask, Ticked, ledger,
};

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore {
    shelf: Mutex<Shelf>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// The only answer of a verb that was given a batch of one.
fn only<V>(answers: Vec<V>) -> Result<V, StoreError> {
    answers
        .into_iter()
        .next()
        .ok_or_else(|| StoreError::Unavailable("a verb gave no answer".to_owned()))
}

#[async_trait]
impl Store for MemoryStore {
    async fn submit(&self, submit: Submit) -> Result<Committed<Vec<SubmittedTask>>, StoreError> {
        let mut shelf = self.shelf.lock().await;
        only(ledger::submit(&mut *shelf, vec![submit]).await?)?
    }

    async fn open_session(&self, open: OpenSession) -> Result<Committed<()>, StoreError> {
        ledger::open_session(&mut *self.shelf.lock().await, open).await
    }

    async fn claim(&self, claim: Claim) -> Result<Committed<Vec<LeasedTask>>, StoreError> {
        let mut shelf = self.shelf.lock().await;
        only(ledger::claim(&mut *shelf, vec![claim]).await?)?
    }

    async fn report(&self, items: Vec<ReportItem>, now: Timestamp) -> Result<Committed<Vec<ReportAck>>, StoreError> {
        ledger::report(&mut *self.shelf.lock().await, items, now).await
    }

    async fn renew(&self, renewal: Renewal) -> Result<Renewed, StoreError> {
        let mut shelf = self.shelf.lock().await;
        only(ledger::renew(&mut *shelf, vec![renewal]).await?)
    }

    async fn drain(&self, worker: WorkerId, now: Timestamp) -> Result<Committed<()>, StoreError> {
        ledger::drain(&mut *self.shelf.lock().await, worker, now).await?
    }

    async fn close_session(&self, session: SessionId, now: Timestamp) -> Result<Committed<()>, StoreError> {
        ledger::close_session(&mut *self.shelf.lock().await, session, now).await
    }

    async fn settle(
        &self,
        task: TaskId,
        result: ExternalResult,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        ledger::settle(&mut *self.shelf.lock().await, task, result, now).await?
    }

    async fn intervene(
        &self,
        task: TaskId,
        intervention: Intervention,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        ledger::intervene(&mut *self.shelf.lock().await, task, intervention, now).await?
    }

    async fn tick(&self, now: Timestamp, limit: usize) -> Result<Committed<Ticked>, StoreError> {
        ledger::tick(&mut *self.shelf.lock().await, now, limit).await
    }

    async fn prune(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        Ok(self.shelf.lock().await.prune(before, limit))
    }

    async fn put_schedule(&self, schedule: Schedule) -> Result<Schedule, StoreError> {
        let mut shelf = self.shelf.lock().await;
        let mut schedule = schedule;
        if let Some(first) = shelf.schedules.get(&schedule.name) {
            schedule.id = first.id;
            schedule.last_task_id = first.last_task_id;
        }
        shelf.schedules.insert(schedule.name.clone(), schedule.clone());
        Ok(schedule)
    }

    async fn delete_schedule(&self, id: ScheduleId) -> Result<(), StoreError> {
        let mut shelf = self.shelf.lock().await;
        let count = shelf.schedules.len();
        shelf.schedules.retain(|_, s| s.id != id);
        if shelf.schedules.len() == count {
            return Err(StoreError::NotFound(format!("schedule {id}")));
        }
        Ok(())
    }

    async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        Ok(self.shelf.lock().await.schedules.values().cloned().collect())
    }

    async fn put_limit(&self, key: String, rule: Option<LimitRule>) -> Result<(), StoreError> {
        let mut shelf = self.shelf.lock().await;
        match rule {
            Some(rule) => shelf.limits.insert(key, rule),
            None => shelf.limits.remove(&key),
        };
        Ok(())
    }

    async fn limits(&self) -> Result<Vec<(String, LimitRule)>, StoreError> {
        Ok(self.shelf.lock().await.limits.clone().into_iter().collect())
    }

    async fn pause_queue(&self, queue: String, paused: bool) -> Result<(), StoreError> {
        let mut shelf = self.shelf.lock().await;
        if paused {
            shelf.paused.insert(queue);
        } else {
            shelf.paused.remove(&queue);
        }
        Ok(())
    }

    async fn put_token(&self, token: Token, digest: [u8; 32]) -> Result<(), StoreError> {
        self.shelf.lock().await.tokens.insert(token.id, (token, digest));
        Ok(())
    }

    async fn delete_token(&self, id: TokenId) -> Result<(), StoreError> {
        let gone = self.shelf.lock().await.tokens.remove(&id);
        gone.map(drop)
            .ok_or_else(|| StoreError::NotFound(format!("token {id}")))
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let shelf = self.shelf.lock().await;
        let mut tokens: Vec<Token> = shelf.tokens.values().map(|(token, _)| token.clone()).collect();
        tokens.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(tokens)
    }

    async fn token_by_digest(&self, digest: [u8; 32]) -> Result<Option<Token>, StoreError> {
        let shelf = self.shelf.lock().await;
        let found = shelf.tokens.values().find(|(_, known)| *known == digest);
        Ok(found.map(|(token, _)| token.clone()))
    }

    async fn put_task_types(&self, types: Vec<AnnouncedType>) -> Result<(), StoreError> {
        let mut shelf = self.shelf.lock().await;
        let types = types.into_iter().map(|said| (said.name.clone(), said));
        shelf.task_types.extend(types);
        Ok(())
    }

    async fn task_types(&self, names: Option<Vec<String>>) -> Result<Vec<AnnouncedType>, StoreError> {
        let shelf = self.shelf.lock().await;
        let is_asked = |said: &&AnnouncedType| names.as_ref().is_none_or(|names| names.contains(&said.name));
        Ok(shelf.task_types.values().filter(is_asked).cloned().collect())
    }

    async fn get(&self, task: TaskId) -> Result<Option<Task>, StoreError> {
        Ok(self.shelf.lock().await.by_id(task).map(super::row::TaskRow::to_task))
    }

    async fn list(&self, query: ListQuery) -> Result<Page<Task>, StoreError> {
        self.shelf.lock().await.list(&query)
    }

    async fn tree(&self, task: TaskId) -> Result<Tree, StoreError> {
        self.shelf.lock().await.tree(task)
    }

    async fn events(&self, query: EventQuery) -> Result<Vec<Event>, StoreError> {
        self.shelf.lock().await.events(&query)
    }

    async fn newest(&self) -> Result<Seq, StoreError> {
        let shelf = self.shelf.lock().await;
        Ok(shelf.events.back().map_or(Seq(0), |event| event.seq))
    }

    async fn logs(&self, query: LogQuery) -> Result<Vec<LogLine>, StoreError> {
        self.shelf.lock().await.logs(&query)
    }

    async fn history(&self, task: TaskId) -> Result<History, StoreError> {
        self.shelf.lock().await.history(task)
    }

    async fn results(&self, tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError> {
        let shelf = self.shelf.lock().await;
        Ok(tasks
            .into_iter()
            .filter_map(|id| shelf.by_id(id))
            .map(super::row::TaskRow::to_settled)
            .collect())
    }

    async fn facts(&self, task: TaskId, now: Timestamp) -> Result<Option<Facts>, StoreError> {
        Ok(self.shelf.lock().await.facts(task, now))
    }

    async fn sessions(&self) -> Result<Vec<SessionView>, StoreError> {
        Ok(self.shelf.lock().await.session_views())
    }

    async fn stats(&self, now: Timestamp) -> Result<Stats, StoreError> {
        Ok(self.shelf.lock().await.stats(now))
    }

    async fn foreign_changes(&self) -> Result<i64, StoreError> {
        Ok(0)
    }

    async fn close(&self) {}
}
