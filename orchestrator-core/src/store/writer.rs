//! The one writer over a database: takes what waits, makes one transaction of it, and answers when that is on the disk.
//!
//! Nothing is delayed to gather more: while one transaction is being written the next requests queue up, and they
//! become the next transaction. So many callers share the price of a commit, and a lone one pays it alone, at once. When
//! there are many of them, their transaction is worked out while the one before it is on its way to the disk.
//!
//! It remembers the tasks that it has seen lately and the small tables, and reads again when someone else has written. A
//! database is what it lends by [`Disk`]: statements, and nothing of what they mean.

mod batch;
mod cache;
mod changes;
pub mod codec;
mod desk;
mod disk;
mod failure;
mod heads;
mod held;
mod line;
mod mirror;
mod orders;
mod pending;
mod taken;
mod totals;
mod tx;
mod wire;

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use orchestrator_protocol::{SessionId, Timestamp};
use tokio::sync::{mpsc, oneshot};

use self::{
    batch::{Batch, Op, Outcome},
    cache::Cache,
    failure::Failure,
    line::Line,
    orders::Orders,
    tx::{Finished, WriterTx},
    wire::{Landed, Wire},
};
pub use self::{
    changes::{Changes, Counted, Numbers, Place, Settings},
    desk::Desk,
    disk::{Disk, Durability, Keys, Which},
    failure::{Fault, Trouble},
    held::Held,
    mirror::{Counter, Mirror},
    totals::Totals,
};
use crate::{
    domain::placement::record::Observed,
    store::{error::StoreError, row::Key},
};

/// How many requests may wait: enough for every connection of a busy server; beyond it callers wait to be queued.
const QUEUE: usize = 1024;

/// How many tasks and report items make a transaction full, so that it ends within some tens of milliseconds and the
/// next one can be worked out meanwhile.
const MOST: usize = 1024;

/// From how many on a transaction is worked out while the one before it is being written. With fewer, what waits for the
/// disk is the greater part, and all that comes meanwhile is better written together.
const AHEAD: usize = 256;

/// What is asked of the writer.
enum Request<D: Disk> {
    /// A change.
    Op(Op<D>),
    /// A session's order is to be considered.
    Reconsider(SessionId, Timestamp),
    /// The number that changes when someone else writes.
    ForeignChanges(oneshot::Sender<Result<i64, StoreError>>),
    /// The end.
    Close(oneshot::Sender<()>),
}

/// Where requests are sent.
type Sender<D> = mpsc::Sender<Request<D>>;

/// The writer's state.
struct Writer<D: Disk> {
    wire: Wire<D>,
    /// Where the requests come back whose commit failed.
    back: Option<oneshot::Receiver<Batch<D>>>,
    /// A request that was too much for the last transaction.
    held_over: Option<Op<D>>,
    memo: D::Memo,
    cache: Cache,
    mirror: Option<Mirror>,
    observed: Observed,
    orders: Orders,
    commits: Arc<AtomicU64>,
}

/// A transaction that is worked out, and only to be committed.
struct Ready<D: Disk> {
    outcome: Outcome,
    stage: D::Stage,
    must_sync: bool,
    /// Tasks to be read once it is committed.
    ahead: Vec<Key>,
}

impl<D: Disk> Writer<D> {
    /// Starts the writer on a connection that is set up.
    fn start(options: D::Options, disk: D, commits: Arc<AtomicU64>) -> Sender<D> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let writer = Self {
            wire: Wire::new(options, disk),
            back: None,
            held_over: None,
            memo: D::Memo::default(),
            cache: Cache::default(),
            mirror: None,
            observed: Observed::default(),
            orders: Orders::default(),
            commits,
        };
        tokio::spawn(writer.run(receiver));
        sender
    }

    async fn run(mut self, mut requests: mpsc::Receiver<Request<D>>) {
        let mut closing = Vec::new();
        loop {
            let next = if let Some(op) = self.held_over.take() {
                Some(Some(Request::Op(op)))
            } else {
                tokio::select! {
                    biased;
                    () = self.wire.land(), if self.wire.is_busy() => None,
                    request = requests.recv() => Some(request),
                }
            };
            self.repair().await;
            self.orders.stand(self.wire.standing());
            let first = match next {
                None if self.orders.is_reminded() => None,
                None => continue,
                Some(None) => break,
                Some(first) => first,
            };
            let mut batch = Batch::default();
            self.gather(first, &mut batch, &mut requests, &mut closing).await;
            if self.wire.is_busy() && batch.weight() < AHEAD {
                // A few are sooner done with those that come until the disk is ready.
                self.wire.land().await;
                self.repair().await;
                self.gather(None, &mut batch, &mut requests, &mut closing).await;
            }
            self.serve(batch).await;
            // It may have failed at once.
            self.repair().await;
        }
        self.wire.land().await;
        self.repair().await;
        if let Some(disk) = self.wire.take() {
            disk.close().await;
        }
        for reply in closing {
            reply.send(()).ok();
        }
    }

    /// Adds what waits to a batch.
    async fn gather(
        &mut self,
        mut next: Option<Request<D>>,
        batch: &mut Batch<D>,
        requests: &mut mpsc::Receiver<Request<D>>,
        closing: &mut Vec<oneshot::Sender<()>>,
    ) {
        // Those that were just answered get the chance to ask again before the next transaction begins.
        tokio::task::yield_now().await;
        loop {
            let held_over = next.take().or_else(|| self.held_over.take().map(Request::Op));
            let Some(request) = held_over.or_else(|| requests.try_recv().ok()) else {
                return;
            };
            match request {
                Request::Op(op) if !batch.has_room_for(&op, MOST) => {
                    // It becomes part of the next transaction, which is worked out while this one is written.
                    self.held_over = Some(op);
                    return;
                }
                Request::Op(op) => batch.push(op),
                Request::Reconsider(session, now) => self.orders.remind(session, now),
                Request::ForeignChanges(reply) => {
                    reply.send(self.foreign_changes().await).ok();
                }
                Request::Close(reply) => {
                    requests.close();
                    closing.push(reply);
                }
            }
            if batch.weight() >= MOST {
                return;
            }
        }
    }

    /// Works a batch out as one transaction, while the one before it may be on its way to the disk, and sends it there.
    async fn serve(&mut self, mut batch: Batch<D>) {
        self.orders.stand(self.wire.standing());
        batch.consider(self.orders.take_reminded(!self.wire.is_busy()));
        if batch.is_empty() {
            return;
        }
        let worked_out = self.work_out(&mut batch).await;
        self.wire.land().await;
        if let Some((before, failure)) = self.failed() {
            // This one was worked out on it, in vain.
            self.redo(before, failure).await;
            if let Err((batch, failure)) = self.alone(batch).await {
                self.redo(batch, failure).await;
            }
            return;
        }
        match worked_out {
            Ok(ready) => {
                if let Err((batch, failure)) = self.launch(batch, ready).await {
                    self.redo(batch, failure).await;
                }
            }
            Err(failure) => self.redo(batch, failure).await,
        }
    }

    /// What failed on its way to the disk, and why.
    fn failed(&mut self) -> Option<(Batch<D>, Failure)> {
        let failure = self.wire.failed()?;
        let batch = self.back.take()?.try_recv().ok()?;
        Some((batch, failure))
    }

    /// Sees to what failed on its way.
    async fn repair(&mut self) {
        if let Some((batch, failure)) = self.failed() {
            self.redo(batch, failure).await;
        }
    }

    /// Takes a failed transaction back and does it again; when it failed for a reason that may lie with one of the
    /// requests, each alone.
    async fn redo(&mut self, batch: Batch<D>, failure: Failure) {
        let mut failed = VecDeque::from([(batch, failure)]);
        while let Some((batch, failure)) = failed.pop_front() {
            self.roll_back().await;
            let again = match failure.trouble {
                // What is remembered is read anew, under the lock: that happens once.
                Some(Trouble::Stale) => vec![batch],
                _ if failure.may_lie_with_one && batch.len() > 1 => batch.singly(),
                _ => {
                    batch.refuse(&failure.error);
                    continue;
                }
            };
            for batch in again {
                failed.extend(self.alone(batch).await.err());
            }
        }
    }

    /// Does a batch with nothing else under way.
    async fn alone(&mut self, mut batch: Batch<D>) -> Result<(), (Batch<D>, Failure)> {
        match self.work_out(&mut batch).await {
            Ok(ready) => self.launch(batch, ready).await?,
            Err(failure) => {
                // What follows must not find a transaction begun.
                self.roll_back().await;
                return Err((batch, failure));
            }
        }
        self.wire.land().await;
        let Some(failed) = self.failed() else {
            return Ok(());
        };
        self.roll_back().await;
        Err(failed)
    }

    /// Finds out what a batch comes to, and what is to be written.
    async fn work_out(&mut self, batch: &mut Batch<D>) -> Result<Ready<D>, Failure> {
        let durability = if batch.may_be_lost_with_the_power() {
            Durability::System
        } else {
            Durability::Disk
        };
        let stage = self.begin(durability).await.map_err(Failure::of_storage)?;
        self.cache.learn(self.wire.ahead());
        let Some(mirror) = &mut self.mirror else {
            let closed = StoreError::Unavailable("the database is closed".to_owned());
            return Err(Failure::of_storage(closed));
        };
        let mut tx = WriterTx::new(
            Line::new(&mut self.wire, stage),
            &mut self.cache,
            mirror,
            &mut self.observed,
        );
        match batch.run(&mut tx, &mut self.orders).await {
            Ok(outcome) => {
                if durability == Durability::Disk {
                    tx.mirror.top_up();
                }
                let Finished {
                    stage,
                    must_sync,
                    ahead,
                } = tx.finish();
                Ok(Ready {
                    outcome,
                    stage,
                    must_sync: must_sync && durability == Durability::System,
                    ahead,
                })
            }
            Err(error) => {
                let trouble = tx.line.trouble();
                Err(Failure::within(Fault { error, trouble }))
            }
        }
    }

    /// Sends a transaction on its way to the disk: its requests are answered when it is there.
    async fn launch(&mut self, batch: Batch<D>, ready: Ready<D>) -> Result<(), (Batch<D>, Failure)> {
        if let Err(error) = self.wire.free().await {
            return Err((batch, Failure::of_storage(error)));
        }
        let Some(mut disk) = self.wire.take() else {
            let lost = StoreError::Unavailable("the connection to the database is lost".to_owned());
            return Err((batch, Failure::of_storage(lost)));
        };
        let Ready {
            outcome,
            mut stage,
            must_sync,
            ahead,
        } = ready;
        D::seal(&mut self.memo, &mut stage, must_sync);
        let commits = Arc::clone(&self.commits);
        let (give_back, back) = oneshot::channel();
        self.back = Some(back);
        let coming = ahead.iter().copied().collect();
        let flight = Box::pin(async move {
            if let Err(fault) = disk.commit(stage).await {
                give_back.send(batch).ok();
                let failed = Some(Failure::within(fault));
                return Landed {
                    disk,
                    failed,
                    standing: Vec::new(),
                    ahead: Vec::new(),
                };
            }
            commits.fetch_add(1, Ordering::Relaxed);
            let standing = batch.answer(outcome);
            let ahead = match ahead.as_slice() {
                [] => Vec::new(),
                keys => disk.look_ahead(keys).await,
            };
            Landed {
                disk,
                failed: None,
                standing,
                ahead,
            }
        });
        self.wire.launch(flight, coming);
        self.wire.nudge().await;
        Ok(())
    }

    /// Begins a transaction, on condition that nobody else has written since the last one. Where nothing is remembered
    /// yet, or no more, it begins at once and is read.
    async fn begin(&mut self, durability: Durability) -> Result<D::Stage, StoreError> {
        if self.mirror.is_some()
            && let Some(stage) = D::resume(&mut self.memo, durability)
        {
            return Ok(stage);
        }
        self.wire.land().await;
        self.forget();
        let disk = self.wire.free().await?;
        let (stage, mirror) = disk.begin(&mut self.memo, durability).await?;
        self.mirror = Some(mirror);
        Ok(stage)
    }

    /// Forgets the tasks that were seen.
    fn forget(&mut self) {
        self.cache.clear();
        self.wire.ahead();
    }

    /// Takes a failed transaction back, and forgets what it may have changed in memory.
    async fn roll_back(&mut self) {
        self.forget();
        self.mirror = None;
        self.memo = D::Memo::default();
        let Ok(disk) = self.wire.free().await else { return };
        if disk.roll_back().await.is_err()
            && let Some(disk) = self.wire.take()
        {
            tracing::warn!("the connection to the database is lost; a new one is made for the next request");
            // A connection that cannot roll back must not be waited for.
            tokio::time::timeout(Duration::from_secs(1), disk.abandon()).await.ok();
        }
    }

    async fn foreign_changes(&mut self) -> Result<i64, StoreError> {
        self.wire.land().await;
        self.repair().await;
        let changes = self.wire.free().await?.foreign_changes().await;
        if changes.is_err() {
            // So that the next request does not have to find out that the connection is lost.
            self.roll_back().await;
        }
        changes
    }
}
