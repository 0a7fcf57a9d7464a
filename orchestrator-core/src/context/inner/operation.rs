//! Operations of an agent while they are under way: what keeps a task from being suspended, and what lets it.

use std::sync::Arc;

use orchestrator_protocol::{TaskError, Timestamp};
use tokio::sync::oneshot;

use super::{Inner, Phase};
use crate::{
    context::{
        stop::{Stop, StopReason},
        wait::Wait,
    },
    store::{ReportAck, ReportBody},
    worker::{
        lease::Lease,
        outbox::{Message, Reply},
    },
};

impl Inner {
    /// Lets an operation use the lease; waits for it while the task is suspended. Last words are let through while a
    /// stopped agent cleans up, as long as the lease is good.
    ///
    /// # Errors
    ///
    /// The task was stopped.
    pub(crate) async fn admit(self: &Arc<Self>, last_words: bool) -> Result<Admitted, TaskError> {
        let mut place = None;
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.lock();
                if let Some(stop) = &state.stop
                    && (!last_words || stop.reason == StopReason::LeaseLost || state.over)
                {
                    return Err(stop.error());
                }
                if state.phase == Phase::Open
                    && let Some(lease) = state.held.clone()
                {
                    state.active += 1;
                    drop(state);
                    self.speak();
                    return Ok(Admitted {
                        inner: self.clone(),
                        lease,
                    });
                }
                if place.is_none() {
                    state.queued += 1;
                    place = Some(Place(self));
                }
            }
            changed.await;
        }
    }

    /// Waits for tasks or a time, letting the task be suspended meanwhile.
    ///
    /// # Errors
    ///
    /// The task was stopped.
    pub(crate) async fn wait(&self, wait: Wait) -> Result<(), TaskError> {
        let timed = wait.until.is_some();
        let mut wait = Some(wait);
        let mut ticket: Option<Ticket<'_>> = None;
        loop {
            let changed = self.changed.notified();
            let now = if timed {
                self.host.sources.clock.now()
            } else {
                Timestamp::EPOCH
            };
            {
                let mut guard = self.lock();
                let state = &mut *guard;
                if let Some(stop) = &state.stop {
                    return Err(stop.error());
                }
                let registered = ticket.as_ref().and_then(|t| state.waits.get(&t.number));
                if let Some(wait) = wait.as_ref().or(registered)
                    && wait.is_over(&state.memo, state.rung.max(now))
                {
                    return Ok(());
                }
                if let Some(wait) = wait.take() {
                    state.last_wait += 1;
                    let number = state.last_wait;
                    state.waits.insert(number, wait);
                    drop(guard);
                    ticket = Some(Ticket { inner: self, number });
                }
            }
            if ticket.is_some() {
                self.driver.wake();
            }
            changed.await;
        }
    }

    /// Claims a name for as long as an operation uses it.
    ///
    /// # Errors
    ///
    /// Another operation is using it.
    pub(crate) fn name(self: &Arc<Self>, name: &str) -> Result<NameInUse, TaskError> {
        if self.lock().names.insert(name.to_owned()) {
            return Ok(NameInUse {
                inner: self.clone(),
                name: name.to_owned(),
            });
        }
        Err(TaskError::terminal(format!(
            "two operations use the name `{name}` at the same time; give each a name of its own"
        )))
    }

    pub(crate) fn stop_error(&self) -> TaskError {
        self.lock()
            .stop
            .as_ref()
            .map_or_else(|| Stop::lost().error(), Stop::error)
    }
}

/// Lets an operation use the lease; keeps the task from being suspended.
#[derive(Debug)]
pub(crate) struct Admitted {
    inner: Arc<Inner>,
    lease: Arc<Lease>,
}

impl Admitted {
    /// Queues something to be said.
    pub(crate) async fn tell(&self, body: ReportBody) {
        self.send(body, Reply::Nobody).await;
    }

    /// Says something and waits for the answer.
    ///
    /// # Errors
    ///
    /// The task was stopped.
    pub(crate) async fn ask(&self, body: ReportBody) -> Result<ReportAck, TaskError> {
        let (sender, answer) = oneshot::channel();
        let answer = async {
            self.send(body, Reply::Operation(sender)).await;
            answer.await
        };
        let ack = tokio::select! {
            biased;
            ack = answer => ack.unwrap_or(ReportAck::LeaseLost),
            () = self.inner.token.cancelled() => return Err(self.inner.stop_error()),
        };
        match ack {
            ReportAck::LeaseLost => Err(Stop::lost().error()),
            ReportAck::Refused { message } => {
                // A task that is being cancelled is refused; then the worker should hear of it now.
                self.inner.host.beat.notify_one();
                Err(TaskError::terminal(message))
            }
            ack => Ok(ack),
        }
    }

    async fn send(&self, body: ReportBody, reply: Reply) {
        let lease = self.lease.clone();
        self.inner
            .host
            .outbox
            .send(Message::Report { lease, body, reply })
            .await;
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut state = self.inner.lock();
        state.active -= 1;
        let rests = state.active == 0 && !state.waits.is_empty();
        drop(state);
        if rests {
            self.inner.driver.wake();
        }
    }
}

/// An operation that waits for the lease to come back.
struct Place<'a>(&'a Inner);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().queued -= 1;
        self.0.driver.wake();
    }
}

/// A registered wait.
struct Ticket<'a> {
    inner: &'a Inner,
    number: u64,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.inner.lock();
        state.waits.remove(&self.number);
        let others = !state.waits.is_empty();
        drop(state);
        if others {
            // What is left may be all that is under way now.
            self.inner.driver.wake();
        }
    }
}

/// A name that an operation is using.
#[derive(Debug)]
pub(crate) struct NameInUse {
    inner: Arc<Inner>,
    name: String,
}

impl Drop for NameInUse {
    fn drop(&mut self) {
        self.inner.lock().names.remove(&self.name);
    }
}
