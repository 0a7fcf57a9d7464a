//! The row port: what an adapter lends the ledger inside one transaction.
//!
//! Everything is set-based: a method is called once for a batch, never once a row. Reads see the transaction's own
//! writes. Writes are not seen by anyone else until the adapter commits; when a method fails the adapter rolls back and
//! the whole batch fails.

use std::{future::Future, sync::Arc};

use orchestrator_protocol::{
    Event, Json, LeaseId, LimitRule, LogLine, Schedule, Seq, SessionId, TaskId, Timestamp, WorkerId,
};

use super::{
    error::StoreError,
    ledger::Arrival,
    row::{Key, Lane, LaneId, SessionRow, Standing, TaskRow},
};
use crate::domain::placement::{Eligibility, record::Observed};

/// Rows, in sets, inside one transaction. Tasks are shared with whatever the adapter remembers of them: handing one over
/// copies nothing, and the ledger copies a task when it changes it for the first time.
///
/// The futures must be `Send`; implementors may write plain `async fn`s.
pub trait Tx: Send {
    /// The first of `count` consecutive new task keys.
    fn next_keys(&mut self, count: usize) -> Key;

    /// The first of `count` consecutive new leases. Every one is larger than any given before, also before a restart.
    fn next_leases(&mut self, count: usize) -> LeaseId;

    /// The first of `count` consecutive new places in the history, larger than any given before.
    fn next_seqs(&mut self, count: usize) -> Seq;

    /// The newest place in the history that was given out.
    fn last_seq(&self) -> Seq;

    /// The cache of which session may claim from which lane; it lives as long as the adapter.
    fn eligibility(&mut self) -> &mut Eligibility;

    /// What workers have shown lately; it lives as long as the adapter.
    fn observed(&mut self) -> &mut Observed;

    /// The number of a lane, which is created when it is new.
    fn lane(&mut self, lane: &Lane) -> impl Future<Output = Result<LaneId, StoreError>> + Send;

    /// Every lane from this number on, in order; the adapter may leave out lanes that no unfinished task uses.
    fn lanes_from(&mut self, first: LaneId) -> impl Future<Output = Result<Vec<(LaneId, Lane)>, StoreError>> + Send;

    /// Tasks by id; unknown ones are left out; in no particular order.
    fn tasks(&mut self, ids: &[TaskId]) -> impl Future<Output = Result<Vec<Arc<TaskRow>>, StoreError>> + Send;

    /// Tasks by key; in no particular order.
    fn tasks_by_key(&mut self, keys: &[Key]) -> impl Future<Output = Result<Vec<Arc<TaskRow>>, StoreError>> + Send;

    /// Tasks by idempotency key.
    fn tasks_by_idempotency_key(
        &mut self,
        keys: &[String],
    ) -> impl Future<Output = Result<Vec<Arc<TaskRow>>, StoreError>> + Send;

    /// Named children, by parent and name.
    fn children_named(
        &mut self,
        names: &[(Key, String)],
    ) -> impl Future<Output = Result<Vec<Arc<TaskRow>>, StoreError>> + Send;

    /// All tasks below these, at any depth, without these, that are not terminal; parents before their children.
    fn unsettled_below(&mut self, keys: &[Key]) -> impl Future<Output = Result<Vec<Arc<TaskRow>>, StoreError>> + Send;

    /// The first `count` tasks of each lane that are ready, in the order of (rank, key) within each lane.
    fn ready(
        &mut self,
        lanes: &[LaneId],
        count: usize,
    ) -> impl Future<Output = Result<Vec<Arc<TaskRow>>, StoreError>> + Send;

    /// How many leases are live in each lane; lanes without one are left out.
    fn leases_by_lane(&mut self) -> impl Future<Output = Result<Vec<(LaneId, u32)>, StoreError>> + Send;

    /// How many tasks of these lanes were claimed (first started or started again) after a moment.
    fn starts_since(
        &mut self,
        lanes: &[LaneId],
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<(LaneId, u32)>, StoreError>> + Send;

    /// How many tokens were spent by tasks of these lanes after a moment.
    fn tokens_since(
        &mut self,
        lanes: &[LaneId],
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<(LaneId, u64)>, StoreError>> + Send;

    /// Tasks whose lease one of these sessions holds.
    fn leased_by(
        &mut self,
        sessions: &[SessionId],
    ) -> impl Future<Output = Result<Vec<Arc<TaskRow>>, StoreError>> + Send;

    /// Up to `limit` tasks whose [`TaskRow::due_at`] is not after `now`, the earliest first.
    fn due(
        &mut self,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Arc<TaskRow>>, StoreError>> + Send;

    /// The earliest [`TaskRow::due_at`] of all tasks.
    fn next_due(&mut self) -> impl Future<Output = Result<Option<Timestamp>, StoreError>> + Send;

    /// Of each group of a parent, up to `count` tasks that are queued for a place and not settled, in the order of keys.
    fn queued_in_groups(
        &mut self,
        groups: &[(Key, String, usize)],
    ) -> impl Future<Output = Result<Vec<Arc<TaskRow>>, StoreError>> + Send;

    /// How many tasks of each group of a parent are neither settled nor queued.
    fn places_taken(
        &mut self,
        groups: &[(Key, String)],
    ) -> impl Future<Output = Result<Vec<(Key, String, usize)>, StoreError>> + Send;

    /// Who waits for these: `(target, waiter)`.
    fn waiters(&mut self, targets: &[Key]) -> impl Future<Output = Result<Vec<(Key, Key)>, StoreError>> + Send;

    /// Remembers who waits for whom: `(target, waiter)`. Known pairs stay.
    fn insert_edges(&mut self, edges: &[(Key, Key)]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets every edge to these targets.
    fn delete_edges_to(&mut self, targets: &[Key]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets every edge of these waiters.
    fn delete_edges_of(&mut self, waiters: &[Key]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Batches that other programs left in the database, in the order in which they were left, as many as hold about
    /// `limit` tasks. They are gone from there when the transaction is committed.
    fn arrivals(&mut self, _limit: usize) -> impl Future<Output = Result<Vec<Arrival>, StoreError>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Adds tasks. Keys and ids are new.
    fn insert_tasks(&mut self, rows: Vec<Arc<TaskRow>>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes the changeable fields of tasks that exist.
    fn update_tasks(&mut self, rows: Vec<Arc<TaskRow>>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Which of these names of a task's steps have a result.
    fn steps_named(
        &mut self,
        names: &[(Key, String)],
    ) -> impl Future<Output = Result<Vec<(Key, String)>, StoreError>> + Send;

    /// Adds steps with their results.
    fn insert_steps(&mut self, steps: Vec<(Key, String, Json)>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Adds durable events, each with its task's key and the seq of that task's event before it (0: none).
    fn insert_events(&mut self, events: &[EventRow]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Adds lines of output.
    fn insert_logs(&mut self, lines: Vec<(Key, LogLine)>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Sessions by id, ended or not yet removed.
    fn sessions(&mut self, ids: &[SessionId]) -> impl Future<Output = Result<Vec<SessionRow>, StoreError>> + Send;

    /// All sessions.
    fn every_session(&mut self) -> impl Future<Output = Result<Vec<SessionRow>, StoreError>> + Send;

    /// What the choice of a worker depends on, of these sessions; ended ones are left out; in no particular order. How
    /// much each runs is counted from the leases that it holds.
    fn standings(&mut self, sessions: &[SessionId]) -> impl Future<Output = Result<Vec<Standing>, StoreError>> + Send;

    /// The sessions of a worker.
    fn sessions_of(&mut self, worker: WorkerId) -> impl Future<Output = Result<Vec<SessionRow>, StoreError>> + Send;

    /// Sessions that end at or before a moment.
    fn expired_sessions(&mut self, now: Timestamp) -> impl Future<Output = Result<Vec<SessionRow>, StoreError>> + Send;

    /// When the next session ends.
    fn next_expiry(&mut self) -> impl Future<Output = Result<Option<Timestamp>, StoreError>> + Send;

    /// Adds or replaces a session.
    fn put_session(&mut self, session: SessionRow) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes sessions.
    fn delete_sessions(&mut self, ids: &[SessionId]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// All limit rules.
    fn limit_rules(&mut self) -> impl Future<Output = Result<Vec<(String, LimitRule)>, StoreError>> + Send;

    /// All paused queues.
    fn paused_queues(&mut self) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Schedules that are not paused and fire at or before a moment.
    fn due_schedules(&mut self, now: Timestamp) -> impl Future<Output = Result<Vec<Schedule>, StoreError>> + Send;

    /// When the next schedule fires.
    fn next_schedule(&mut self) -> impl Future<Output = Result<Option<Timestamp>, StoreError>> + Send;

    /// Replaces a schedule.
    fn update_schedule(&mut self, schedule: Schedule) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A durable event with what links it into its task's history.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// The task.
    pub key: Key,
    /// The root of its tree.
    pub root: Key,
    /// The seq of the task's event before this one; 0 when it is the first.
    pub previous: Seq,
    /// The event.
    pub event: Event,
}
