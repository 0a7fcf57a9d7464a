//! Who is connected, and what they are told without having asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use orchestrator_core::{
    bus::{Nudge, Nudged},
    service::{Engine, LocalSource},
    store::{LeasedTask, StoreError},
    worker::source::TaskSource,
};
use orchestrator_protocol::{
    SessionId, TaskRef,
    frame::{Lease, Leases, Recalled, ServerFrame},
};
use tokio::sync::broadcast::{self, error::RecvError};

use super::{
    WorkersConfig, convert,
    group::{Group, give_back},
    seat::Seat,
};

/// After how many polls without a nudge the groups look for work regardless.
const QUIET_POLLS: u32 = 5;

/// How large a lease frame may grow before the next one begins, in bytes of input.
const FRAME: usize = 1 << 20;

/// What a worker offers: its labels and its agents.
pub(super) type Offer = (BTreeSet<String>, BTreeSet<String>);

/// The connected workers, by session and by what they offer.
#[derive(Debug)]
pub(super) struct Dispatch {
    engine: Engine,
    source: Arc<LocalSource>,
    poll: Duration,
    patience: Duration,
    halls: Mutex<Halls>,
    /// What was nudged before [`Dispatch::listen`] began.
    nudges: Mutex<Option<broadcast::Receiver<Nudge>>>,
}

#[derive(Debug, Default)]
struct Halls {
    seats: BTreeMap<SessionId, Arc<Seat>>,
    groups: BTreeMap<Offer, Arc<Group>>,
}

/// A place among the connected workers, left when it is dropped.
#[derive(Debug)]
pub(super) struct Admission<'a> {
    dispatch: &'a Dispatch,
    offer: Offer,
    pub(super) group: Arc<Group>,
    pub(super) seat: Arc<Seat>,
}

impl Dispatch {
    pub(super) fn new(engine: Engine, source: Arc<LocalSource>, config: &WorkersConfig) -> Self {
        let nudges = engine.bus.nudges();
        Self {
            engine,
            source,
            poll: config.poll,
            // Heartbeats come three times in a lease; two that are missing are a sign.
            patience: config.lease.mul_f64(0.75),
            halls: Mutex::default(),
            nudges: Mutex::new(Some(nudges)),
        }
    }

    fn halls(&self) -> MutexGuard<'_, Halls> {
        self.halls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a worker in. An earlier connection of its session is told to go.
    pub(super) fn admit(&self, offer: Offer, seat: Seat) -> Admission<'_> {
        let seat = Arc::new(seat);
        let mut halls = self.halls();
        let group = halls
            .groups
            .entry(offer.clone())
            .or_insert_with(|| Group::new(self.engine.clone(), self.source.clone(), self.patience))
            .clone();
        group.join(&seat);
        if let Some(earlier) = halls.seats.insert(seat.session, seat.clone()) {
            earlier.replaced.cancel();
            // The new connection orders for itself.
            self.source.take_back(seat.session);
        }
        drop(halls);
        Admission {
            dispatch: self,
            offer,
            group,
            seat,
        }
    }

    fn groups(&self) -> Vec<Arc<Group>> {
        self.halls().groups.values().cloned().collect()
    }

    fn wake_all(&self) {
        for group in self.groups() {
            group.wake();
        }
    }

    /// Wakes the groups when there may be work, and tells sessions of cancellations, until it is dropped.
    pub(super) async fn listen(&self) {
        let kept = self.nudges.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut nudges = kept.unwrap_or_else(|| self.engine.bus.nudges());
        let mut filled = self.source.filled();
        let mut foreign = self.engine.store.foreign_changes().await.unwrap_or_default();
        let mut polls = 0_u32;
        let mut next_poll = self.engine.now().plus(self.engine.pace(self.poll));
        loop {
            let rest = next_poll.since(self.engine.now()).min(self.engine.pace(self.poll));
            tokio::select! {
                biased;
                session = filled.recv() => match session {
                    Ok(session) => self.invite(session),
                    Err(RecvError::Lagged(_)) => self.invite_all(),
                    Err(RecvError::Closed) => return,
                },
                nudged = Nudged::next(&mut nudges) => match nudged {
                    Some(nudged) => self.pass_on(&nudged),
                    None => return,
                },
                () = self.engine.sources.clock.sleep(rest) => {
                    next_poll = self.engine.now().plus(self.engine.pace(self.poll));
                    polls = polls.wrapping_add(1);
                    // While the store is unavailable its users notice and try again by themselves.
                    let changes = self.engine.store.foreign_changes().await.unwrap_or(foreign);
                    if changes != foreign {
                        foreign = changes;
                        self.wake_all();
                        self.engine.bus.nudge(Nudge::Timer).await;
                    } else if polls.is_multiple_of(QUIET_POLLS) {
                        self.wake_all();
                    }
                }
            }
        }
    }

    /// Lets a session ask for what was left or ordered for it.
    fn invite(&self, session: SessionId) {
        let seat = self.halls().seats.get(&session).map(|seat| seat.id);
        let Some(seat) = seat else { return };
        for group in self.groups() {
            group.invite(seat);
        }
    }

    fn invite_all(&self) {
        let sessions: Vec<SessionId> = self.halls().seats.keys().copied().collect();
        for session in sessions {
            self.invite(session);
        }
    }

    fn pass_on(&self, nudged: &Nudged) {
        if nudged.ready || nudged.lost {
            self.wake_all();
        }
        for session in &nudged.meant {
            self.invite(*session);
        }
        let seats: Vec<Arc<Seat>> = {
            let halls = self.halls();
            if nudged.lost {
                halls.seats.values().cloned().collect()
            } else {
                nudged
                    .cancel
                    .iter()
                    .filter_map(|session| halls.seats.get(session))
                    .cloned()
                    .collect()
            }
        };
        for seat in seats {
            let source = self.source.clone();
            tokio::spawn(async move { recall(&source, &seat).await });
        }
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        self.group.leave(self.seat.id);
        let mut halls = self.dispatch.halls();
        if halls
            .seats
            .get(&self.seat.session)
            .is_some_and(|seat| seat.id == self.seat.id)
        {
            halls.seats.remove(&self.seat.session);
        }
        if self.group.is_empty() {
            halls.groups.remove(&self.offer);
        }
    }
}

/// Tells a worker at once what was cancelled, or that it is to drain.
async fn recall(source: &LocalSource, seat: &Seat) {
    let Ok(renewed) = source.renew(seat.session, seat.load()).await else {
        // Its next heartbeat tells it.
        return;
    };
    if !renewed.cancel.is_empty() {
        let tasks = convert::held(renewed.cancel);
        let _ = seat.out.send(ServerFrame::Cancel(Recalled { tasks })).await;
    }
    if renewed.drain {
        let _ = seat.out.send(ServerFrame::Drain).await;
    }
}

/// Sends a worker what it was granted, or gives it back when the worker is gone.
pub(super) async fn deliver(source: &LocalSource, seat: &Seat, granted: Vec<LeasedTask>) {
    let mut rest = granted.into_iter().peekable();
    while rest.peek().is_some() {
        let mut batch = Vec::new();
        let mut size = 0;
        while let Some(task) = rest.next_if(|_| size < FRAME) {
            size += task.spec.input.get().len();
            batch.push(task);
        }
        let tasks = match leases(source, &batch, seat.inline_history).await {
            Ok(tasks) => tasks,
            Err(error) => {
                tracing::debug!(%error, "what granted tasks have finished cannot be read");
                give_back(source, batch).await;
                continue;
            }
        };
        if seat.out.send(ServerFrame::Lease(Leases { tasks })).await.is_err() {
            batch.extend(rest);
            return give_back(source, batch).await;
        }
    }
}

/// The words for granted tasks, with what they have finished if the worker wants that.
pub(super) async fn leases(
    source: &LocalSource,
    tasks: &[LeasedTask],
    inline_history: bool,
) -> Result<Vec<Lease>, StoreError> {
    let leases = tasks.iter().cloned().map(convert::lease);
    if !inline_history {
        return Ok(leases.collect());
    }
    join_all(leases.map(|lease| complete(source, lease)))
        .await
        .into_iter()
        .collect()
}

async fn complete(source: &LocalSource, mut lease: Lease) -> Result<Lease, StoreError> {
    if lease.has_history {
        lease.history = Some(source.history(lease.task_id).await?);
    }
    let id = |reference: &TaskRef| match reference {
        TaskRef::Id(id) => Some(*id),
        TaskRef::Local(_) => None,
    };
    let dependencies: Vec<_> = lease.task.depends_on.iter().filter_map(id).collect();
    if !dependencies.is_empty() {
        lease.dependencies = source.results(dependencies).await?;
    }
    Ok(lease)
}
