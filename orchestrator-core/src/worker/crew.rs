//! What the parts of a worker share: its runs, its slots and the agents that it has.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::FutureExt;
use orchestrator_protocol::{LeaseId, TaskError, TaskId};

use tokio_util::sync::CancellationToken;

use super::{
    config::LoadProbe,
    lease::{Lease, Session},
    outbox::{Message, Reply},
    roster::Roster,
    run::{self, Start},
    slot::Slots,
};
use crate::{
    agent::Registry,
    context::{host::Host, inner::Inner},
    store::{LeasedTask, ReportBody},
};

/// What the parts of a worker share.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) host: Arc<Host>,
    pub(crate) slots: Arc<Slots>,
    pub(crate) roster: Roster,
    pub(crate) agents: Registry,
    /// How long a run stays suspended before it is dropped.
    pub(crate) suspended_for: Duration,
    pub(crate) load: LoadProbe,
    /// Whether it was told to take nothing more.
    pub(crate) draining: AtomicBool,
    /// Cancelled when what still runs is to be given back without waiting for it.
    pub(crate) hurry: CancellationToken,
}

impl Crew {
    /// Takes nothing more from now on. False when that was so already.
    pub(crate) fn drain(&self) -> bool {
        !self.draining.swap(true, Ordering::Relaxed)
    }

    /// How many tasks it would take now.
    pub(crate) fn credit(&self) -> usize {
        if self.draining.load(Ordering::Relaxed) {
            0
        } else {
            self.slots.free()
        }
    }

    /// Starts a task that was claimed, or lets it go on.
    pub(crate) async fn start(&self, leased: LeasedTask, session: &Session) {
        if self.roster.was_given_up(leased.lease) {
            return;
        }
        let lease = |run| {
            let slot = self.slots.take();
            Arc::new(Lease::new(leased.id, leased.lease, run, session.clone(), slot))
        };
        let mut after = None;
        if let Some(run) = self.roster.newest(leased.id) {
            if leased.resumed && self.roster.resume(run, &lease(run), leased.parked) {
                return;
            }
            after = self.roster.replace(run);
        }
        let run = self.roster.next();
        let lease = lease(run);
        let Some(agent) = self.agents.get(&leased.spec.task_type).cloned() else {
            return self.refuse(lease).await;
        };
        let inner = Inner::new(self.host.clone(), &leased, lease.clone());
        let start = Start {
            inner: inner.clone(),
            lease,
            agent,
            has_history: leased.has_history || leased.resumed,
            after,
        };
        let task = tokio::spawn(run::drive(start));
        self.roster.add(run, inner, task.abort_handle());
    }

    /// A source granted what the worker did not offer.
    async fn refuse(&self, lease: Arc<Lease>) {
        let error = TaskError::retryable("the worker that was given this task does not have its agent");
        let body = ReportBody::Fail { error, wall_s: 0.0 };
        let reply = Reply::Run;
        self.host.outbox.send(Message::Report { lease, body, reply }).await;
    }

    /// The session holds a task that this worker was never told of: gives it back, untouched.
    pub(crate) fn give_back(&self, task: TaskId, lease: LeaseId, session: &Session) {
        // An answer that arrives after all must not start it any more.
        self.roster.give_up(lease);
        let slot = self.slots.take();
        let lease = Arc::new(Lease::new(task, lease, self.roster.next(), session.clone(), slot));
        let reason = "its worker was not told of it: the answer was lost".to_owned();
        let body = ReportBody::Release { reason };
        let reply = Reply::Run;
        let message = Message::Report { lease, body, reply };
        // Heartbeats never wait for a full queue; the next one tries again.
        let _ = self.host.outbox.send(message).now_or_never();
    }

    /// A run is over.
    pub(crate) fn end(&self, lease: &Lease) {
        lease.release();
        self.roster.end(lease.run);
    }

    /// A run has given its lease back until something comes.
    pub(crate) fn suspend(&self, lease: &Lease) {
        lease.release();
        self.roster.suspend(lease, self.host.sources.clock.now());
    }

    /// A session has ended: so have its leases.
    pub(crate) fn lose(&self, session: &Session) {
        if !session.ended.is_cancelled() {
            session.ended.cancel();
            self.roster.lose_session(session.id);
        }
    }
}
