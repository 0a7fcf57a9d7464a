//! What a database lends the writer: one connection, on which one transaction follows the other.

use std::future::Future;

use orchestrator_protocol::{SessionId, TaskId, Timestamp};

use super::{changes::Changes, failure::Fault, mirror::Mirror};
use crate::store::{
    error::StoreError,
    ledger::Arrival,
    row::{Key, LaneId, TaskRow},
};

/// How far a transaction must be written before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On the disk: it survives a power failure.
    Disk,
    /// With the operating system: it survives the end of the process, also of the database's. A claim that is lost with
    /// the power was never worked on, and its number is not given out again. What a database cannot keep like this it
    /// keeps on the disk.
    System,
}

/// Which tasks are asked for, by what names them.
#[derive(Debug, Clone, Copy)]
pub enum Which<'q> {
    /// By id.
    Ids(&'q [TaskId]),
    /// By key.
    Keys(&'q [Key]),
}

/// Which keys are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Keys<'q> {
    /// Tasks with one of these idempotency keys.
    Idempotent(&'q [String]),
    /// Children of a parent with a name.
    Named(&'q [(Key, String)]),
    /// Everything below these that is not terminal, in the order of (these, depth, key).
    Below(&'q [Key]),
    /// Tasks whose lease one of these sessions holds; asked for where the mirror does not say.
    LeasedBy(&'q [SessionId]),
    /// So many tasks that are due at a moment, the earliest first.
    Due(Timestamp, usize),
}

/// A connection to a database, with the statements that the writer needs.
///
/// What is gathered by [`Disk::write`] is seen by every reading method of the same transaction; so is everything that was
/// committed before. When a method fails the transaction is rolled back, and nothing of it is there.
pub trait Disk: Send + Sized + 'static {
    /// How a connection is made.
    type Options: Send + 'static;
    /// What is remembered between transactions, so that one can begin without a trip to the database.
    type Memo: Default + Send;
    /// A transaction that is being worked out: how it begins, and what is to be sent with its next trip.
    type Stage: Send;
    /// Whether other programs may leave tasks in the database, to be taken in by [`Disk::arrivals`].
    const HAS_OUTBOX: bool = false;

    /// Makes a connection.
    fn connect(options: &Self::Options) -> impl Future<Output = Result<Self, StoreError>> + Send;

    /// A transaction on what is remembered, which begins without a trip. It fails as [`super::Trouble::Stale`], at the
    /// latest when it is committed, if someone else has written since. None where nothing is remembered.
    fn resume(memo: &mut Self::Memo, durability: Durability) -> Option<Self::Stage>;

    /// Begins a transaction that nobody else can write beside, and reads the small tables.
    fn begin(
        &mut self,
        memo: &mut Self::Memo,
        durability: Durability,
    ) -> impl Future<Output = Result<(Self::Stage, Mirror), StoreError>> + Send;

    /// Takes what is to be written, to be sent with the next trip.
    fn write(stage: &mut Self::Stage, changes: Changes<'_>);

    /// Tasks, in no particular order.
    fn tasks(
        &mut self,
        stage: &mut Self::Stage,
        which: Which<'_>,
    ) -> impl Future<Output = Result<Vec<TaskRow>, Fault>> + Send;

    /// Keys of tasks.
    fn keys(
        &mut self,
        stage: &mut Self::Stage,
        which: Keys<'_>,
    ) -> impl Future<Output = Result<Vec<Key>, Fault>> + Send;

    /// The places, `(lane, rank, key)`, of the first so many ready tasks of each lane.
    fn heads(
        &mut self,
        stage: &mut Self::Stage,
        lanes: &[LaneId],
        depth: usize,
    ) -> impl Future<Output = Result<Vec<(LaneId, i64, Key)>, Fault>> + Send;

    /// How many tasks run in each lane; asked for where the mirror does not say.
    fn running(&mut self, stage: &mut Self::Stage) -> impl Future<Output = Result<Vec<(LaneId, u32)>, Fault>> + Send;

    /// How many tasks of these lanes were started after a moment.
    fn starts_since(
        &mut self,
        stage: &mut Self::Stage,
        lanes: &[LaneId],
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<(LaneId, u32)>, Fault>> + Send;

    /// How many tokens tasks of these lanes spent after a moment.
    fn tokens_since(
        &mut self,
        stage: &mut Self::Stage,
        lanes: &[LaneId],
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<(LaneId, u64)>, Fault>> + Send;

    /// Which task's lease each of these sessions holds.
    fn held(
        &mut self,
        stage: &mut Self::Stage,
        sessions: &[SessionId],
    ) -> impl Future<Output = Result<Vec<(SessionId, Key)>, Fault>> + Send;

    /// The earliest moment at which a task is due.
    fn next_due(&mut self, stage: &mut Self::Stage) -> impl Future<Output = Result<Option<Timestamp>, Fault>> + Send;

    /// The queued tasks of each group of a parent that are not settled, in the order of keys: the task, and which of the
    /// groups it is of.
    fn queued_in_groups(
        &mut self,
        stage: &mut Self::Stage,
        groups: &[(Key, String)],
    ) -> impl Future<Output = Result<Vec<(Key, usize)>, Fault>> + Send;

    /// Which of the groups has how many tasks that are neither settled nor queued.
    fn places_taken(
        &mut self,
        stage: &mut Self::Stage,
        groups: &[(Key, String)],
    ) -> impl Future<Output = Result<Vec<(usize, usize)>, Fault>> + Send;

    /// Who waits for these, `(target, waiter)`, in the order of (these, waiter).
    fn waiters(
        &mut self,
        stage: &mut Self::Stage,
        targets: &[Key],
    ) -> impl Future<Output = Result<Vec<(Key, Key)>, Fault>> + Send;

    /// The names of all steps of these tasks.
    fn step_names(
        &mut self,
        stage: &mut Self::Stage,
        tasks: &[Key],
    ) -> impl Future<Output = Result<Vec<(Key, String)>, Fault>> + Send;

    /// Takes out what other programs left, in the order in which they left it: whole batches, of about `limit` tasks.
    fn arrivals(
        &mut self,
        _stage: &mut Self::Stage,
        _limit: usize,
    ) -> impl Future<Output = Result<Vec<Arrival>, Fault>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Forgets those of these trees that ended before a moment: how many, and every task of them.
    fn forget(
        &mut self,
        stage: &mut Self::Stage,
        roots: &[Key],
        before: Timestamp,
    ) -> impl Future<Output = Result<(usize, Vec<Key>), Fault>> + Send;

    /// A transaction is about to be committed: what is remembered from then on. `must_sync`: also where it was begun to
    /// be only with the system, it must be on the disk.
    fn seal(memo: &mut Self::Memo, stage: &mut Self::Stage, must_sync: bool);

    /// Commits.
    fn commit(&mut self, stage: Self::Stage) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Reads tasks beside any transaction, for claims that are to come: what was committed is seen, and what fails is left
    /// out, since it will be read when it is needed.
    fn look_ahead(&mut self, keys: &[Key]) -> impl Future<Output = Vec<TaskRow>> + Send;

    /// Takes a transaction back, whether one has begun or not.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    fn roll_back(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// A number that changes when someone else writes.
    fn foreign_changes(&mut self) -> impl Future<Output = Result<i64, StoreError>> + Send;

    /// Ends the connection in order.
    fn close(self) -> impl Future<Output = ()> + Send;

    /// Drops a connection that is lost, without waiting for an answer.
    fn abandon(self) -> impl Future<Output = ()> + Send;
}
