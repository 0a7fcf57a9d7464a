//! What is known of the connection, of the session, and of what is under way.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use orchestrator_core::{
    store::{LeasedTask, ReportBody, ReportItem, StoreError},
    worker::source::Wakeup,
};
use orchestrator_protocol::{
    Code, SessionId,
    frame::{Credit, Failure, Report, ServerFrame, Welcome, WorkerFrame},
};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::convert;

/// The way to the connection, while there is one.
pub(super) type Out = mpsc::UnboundedSender<WorkerFrame>;

/// What the connection and those who use it share.
#[derive(Debug)]
pub(super) struct Link {
    state: Mutex<State>,
    /// The connection. What waits for its answers is bounded by the callers, who each wait for one.
    pub(super) out: watch::Sender<Option<Out>>,
    /// Rings when `woken` should look.
    bell: Notify,
}

#[derive(Debug, Default)]
struct State {
    session: Option<SessionId>,
    /// A session that was opened in place of one that had ended, and that nobody has asked for yet.
    fresh: Option<Welcome>,
    max_frame_bytes: usize,
    last_id: u64,
    pending: HashMap<u64, oneshot::Sender<Result<ServerFrame, StoreError>>>,
    /// Granted and not yet taken.
    leases: VecDeque<LeasedTask>,
    /// Credit that was given and not yet used.
    promised: usize,
    wakeup: Wakeup,
    /// Nothing more is wanted.
    retired: bool,
}

/// A request that was sent, or is about to be.
pub(super) struct Expected<'a> {
    link: &'a Link,
    pub(super) id: u64,
    pub(super) answer: oneshot::Receiver<Result<ServerFrame, StoreError>>,
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.link.lock().pending.remove(&self.id);
    }
}

impl Link {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            out: watch::Sender::new(None),
            bell: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn session(&self) -> Option<SessionId> {
        self.lock().session
    }

    pub(super) fn check(&self, session: SessionId) -> Result<(), StoreError> {
        if self.session() == Some(session) {
            Ok(())
        } else {
            Err(StoreError::SessionLost(session))
        }
    }

    pub(super) fn max_frame_bytes(&self) -> usize {
        self.lock().max_frame_bytes
    }

    /// A session that is there already, for one who opens a session.
    pub(super) fn take_fresh(&self) -> Option<Welcome> {
        self.lock().fresh.take()
    }

    /// Forgets everything, for a session that begins anew.
    pub(super) fn reset(&self) {
        self.out.send_replace(None);
        *self.lock() = State::default();
    }

    /// A connection is there.
    pub(super) fn up(&self, out: Out, welcome: &Welcome) {
        let mut state = self.lock();
        let resumed = state.session == Some(welcome.session);
        if !resumed {
            let had_one = state.session.replace(welcome.session).is_some();
            // What belonged to the session before is others' now.
            state.leases.clear();
            state.wakeup.cancel |= had_one;
            state.fresh = had_one.then_some(*welcome);
        }
        state.max_frame_bytes = welcome.max_frame_bytes.max(1);
        state.promised = 0;
        if state.retired {
            let _ = out.send(WorkerFrame::Drain);
        }
        // Before the wake-up: who wakes up finds the connection there.
        self.out.send_replace(Some(out));
        state.wakeup.work = true;
        drop(state);
        self.bell.notify_one();
    }

    /// The connection is gone. Whoever waits for an answer asks again over the next one.
    pub(super) fn down(&self) {
        self.out.send_replace(None);
        self.lock().pending.clear();
    }

    /// The session has ended, or goes on elsewhere.
    pub(super) fn lose_session(&self) {
        let mut state = self.lock();
        state.session = None;
        state.leases.clear();
        state.wakeup.cancel = true;
        drop(state);
        self.bell.notify_one();
    }

    /// Expects an answer to a request with a new number.
    pub(super) fn expect(&self) -> Expected<'_> {
        let (sender, answer) = oneshot::channel();
        let mut state = self.lock();
        state.last_id += 1;
        let id = state.last_id;
        state.pending.insert(id, sender);
        drop(state);
        Expected { link: self, id, answer }
    }

    /// Takes granted tasks, and promises room for the rest.
    pub(super) fn claim(&self, session: SessionId, credit: usize) -> Result<Vec<LeasedTask>, StoreError> {
        let mut state = self.lock();
        if state.session != Some(session) {
            return Err(StoreError::SessionLost(session));
        }
        let count = state.leases.len().min(credit);
        let taken: Vec<LeasedTask> = state.leases.drain(..count).collect();
        let wanted = credit - count;
        let add = wanted.saturating_sub(state.promised);
        if add > 0
            && let Some(out) = &*self.out.borrow()
        {
            let add32 = u32::try_from(add).unwrap_or(u32::MAX);
            if out.send(WorkerFrame::Credit(Credit { add: add32 })).is_ok() {
                state.promised = wanted;
            }
        }
        Ok(taken)
    }

    /// Nothing more is wanted: what was granted and not taken is given back.
    pub(super) fn retire(&self) {
        let mut state = self.lock();
        if std::mem::replace(&mut state.retired, true) {
            return;
        }
        let leases = std::mem::take(&mut state.leases).into();
        drop(state);
        if let Some(out) = &*self.out.borrow() {
            let _ = out.send(WorkerFrame::Drain);
        }
        self.give_back(leases);
    }

    fn give_back(&self, leases: Vec<LeasedTask>) {
        if leases.is_empty() {
            return;
        }
        let release = |task: LeasedTask| ReportItem {
            task: task.id,
            lease: task.lease,
            number: 1,
            body: ReportBody::Release {
                reason: "its worker stops".to_owned(),
            },
        };
        // Should it be lost, the end of the session gives them back.
        if let Some(out) = &*self.out.borrow() {
            let items = leases.into_iter().map(release).collect();
            let _ = out.send(WorkerFrame::Report(Report { id: 0, items }));
        }
    }

    /// What there is to wake up for; returns when there is something.
    pub(super) async fn woken(&self) -> Wakeup {
        loop {
            let woken = std::mem::take(&mut self.lock().wakeup);
            if woken != Wakeup::default() {
                return woken;
            }
            self.bell.notified().await;
        }
    }

    /// Takes in what the server says.
    pub(super) fn hear(&self, frame: ServerFrame) {
        match frame {
            ServerFrame::Lease(leases) => self.granted(leases.tasks.into_iter().map(convert::leased).collect()),
            ServerFrame::Cancel(_) | ServerFrame::Drain => {
                // The next heartbeat, which is sent at once, says which.
                self.lock().wakeup.cancel = true;
                self.bell.notify_one();
            }
            ServerFrame::Ack(ref ack) => self.answer(ack.id, frame),
            ServerFrame::Renewed(ref renewed) => self.answer(renewed.id, frame),
            ServerFrame::Settled(ref settled) => self.answer(settled.id, frame),
            ServerFrame::History(ref history) => self.answer(history.id, frame),
            ServerFrame::Done(ref done) => self.answer(done.id, frame),
            ServerFrame::Error(failure) => self.failed(failure),
            _ => {}
        }
    }

    fn granted(&self, tasks: Vec<LeasedTask>) {
        let mut state = self.lock();
        state.promised = state.promised.saturating_sub(tasks.len());
        if state.retired {
            drop(state);
            return self.give_back(tasks);
        }
        state.leases.extend(tasks);
        state.wakeup.work = true;
        drop(state);
        self.bell.notify_one();
    }

    fn answer(&self, id: u64, frame: ServerFrame) {
        if let Some(asker) = self.lock().pending.remove(&id) {
            let _ = asker.send(Ok(frame));
        }
    }

    fn failed(&self, failure: Failure) {
        let Failure { id, code, message } = failure;
        match id {
            Some(id) => {
                let mut state = self.lock();
                let error = convert::refused(code, message, state.session);
                if let Some(asker) = state.pending.remove(&id) {
                    let _ = asker.send(Err(error));
                }
            }
            None if code == Code::LeaseLost => self.lose_session(),
            None => tracing::warn!("the server did not understand a frame: {message}"),
        }
    }
}
