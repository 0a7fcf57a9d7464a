//! What the contexts of one run share with the run that drives them.

mod operation;

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    task::Waker,
};

use futures::task::AtomicWaker;
use orchestrator_protocol::{LeaseId, NewTask, TaskId, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    host::Host,
    memo::Memo,
    stop::{Stop, StopReason},
    wait::{Wait, union},
};
use crate::{store::LeasedTask, worker::lease::Lease};

pub(crate) use operation::NameInUse;

/// What the contexts of one run share with the run that drives them.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) host: Arc<Host>,
    pub(crate) task: TaskId,
    pub(crate) root_id: TaskId,
    pub(crate) attempt: u32,
    pub(crate) spec: Arc<NewTask>,
    /// Cancelled when the run is stopped.
    pub(crate) token: CancellationToken,
    state: Mutex<State>,
    /// Something changed that an operation may wait for.
    changed: Notify,
    /// Wakes the run when operations outside of its own future change what it should do.
    driver: AtomicWaker,
    /// Microseconds of the last sign of life; only kept when silence is limited.
    last_word: AtomicI64,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// The lease that is held, whether operations may use it or not.
    held: Option<Arc<Lease>>,
    /// The last lease that was held.
    last: Option<LeaseId>,
    /// A lease that was granted for going on.
    granted: Option<Arc<Lease>>,
    stop: Option<Stop>,
    over: bool,
    /// Operations that need the lease now.
    active: usize,
    /// Operations that need it once it is back.
    queued: usize,
    waits: BTreeMap<u64, Wait>,
    last_wait: u64,
    /// Timers up to here have rung, whatever the local clock says.
    rung: Timestamp,
    memo: Memo,
    names: HashSet<String>,
}

/// Whether operations may use the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// They may, if one is held.
    Open,
    /// It is being given back, is gone, or has come again and what happened meanwhile is being fetched.
    Suspended,
}

/// What a run should do while its agent is pending.
#[derive(Debug)]
pub(crate) enum Outlook {
    /// Nothing.
    Idle,
    /// Stop.
    Stopped,
    /// Give the lease back until this has come.
    Park(Wait),
    /// Look now and then for what is waited for, since other operations are under way; a timer rings at this time.
    Look(Option<Timestamp>),
}

impl Inner {
    pub(crate) fn new(host: Arc<Host>, leased: &LeasedTask, lease: Arc<Lease>) -> Arc<Self> {
        let now = match leased.spec.silence_timeout_s {
            Some(_) => host.sources.clock.now().as_micros(),
            None => 0,
        };
        Arc::new(Self {
            host,
            task: leased.id,
            root_id: leased.root_id,
            attempt: leased.attempt,
            spec: leased.spec.clone(),
            token: CancellationToken::new(),
            state: Mutex::new(State {
                phase: Phase::Open,
                last: Some(lease.id),
                held: Some(lease),
                granted: None,
                stop: None,
                over: false,
                active: 0,
                queued: 0,
                waits: BTreeMap::new(),
                last_wait: 0,
                rung: Timestamp::EPOCH,
                memo: Memo::default(),
                names: HashSet::new(),
            }),
            changed: Notify::new(),
            driver: AtomicWaker::new(),
            last_word: AtomicI64::new(now),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; if it did, the state would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn memo<T>(&self, look: impl FnOnce(&mut Memo) -> T) -> T {
        look(&mut self.lock().memo)
    }

    /// Takes in news of steps and children, and wakes who waits for them.
    pub(crate) fn learn(&self, take: impl FnOnce(&mut Memo)) {
        take(&mut self.lock().memo);
        self.changed.notify_waiters();
    }

    pub(crate) fn last_word(&self) -> Timestamp {
        Timestamp::from_micros(self.last_word.load(Ordering::Relaxed))
    }

    /// Notes a sign of life.
    pub(crate) fn speak(&self) {
        if self.spec.silence_timeout_s.is_some() {
            let now = self.host.sources.clock.now().as_micros();
            self.last_word.store(now, Ordering::Relaxed);
        }
    }
}

/// For the run and its worker.
impl Inner {
    /// Stops the run: operations fail from now on, the agent is told, the run is woken. The first stop counts, except
    /// that a lost lease counts over all others.
    pub(crate) fn stop(&self, stop: Stop) {
        {
            let mut state = self.lock();
            let lost = stop.reason == StopReason::LeaseLost;
            let stronger = lost && state.stop.as_ref().is_some_and(|s| s.reason != StopReason::LeaseLost);
            if state.over || (state.stop.is_some() && !stronger) {
                return;
            }
            if lost && let Some(lease) = &state.held {
                lease.lose();
            }
            state.stop = Some(stop);
        }
        self.token.cancel();
        self.changed.notify_waiters();
        self.driver.wake();
    }

    pub(crate) fn stopped(&self) -> Option<StopReason> {
        self.lock().stop.as_ref().map(|s| s.reason)
    }

    /// Ends the run: every later operation fails. Returns why it was stopped, if it was.
    pub(crate) fn close(&self) -> Option<Stop> {
        let stop = {
            let mut state = self.lock();
            state.over = true;
            let stop = state.stop.clone();
            state.stop.get_or_insert_with(|| {
                Stop::new(
                    StopReason::LeaseLost,
                    "the run is over: its context cannot be used any more",
                )
            });
            stop
        };
        self.changed.notify_waiters();
        stop
    }

    /// Returns when the run is over.
    pub(crate) async fn over(&self) {
        loop {
            let changed = self.changed.notified();
            if self.lock().over {
                return;
            }
            changed.await;
        }
    }

    pub(crate) fn register(&self, waker: &Waker) {
        self.driver.register(waker);
    }

    /// What the run should do while its agent is pending.
    pub(crate) fn outlook(&self) -> Outlook {
        let state = self.lock();
        if state.stop.is_some() {
            return Outlook::Stopped;
        }
        if state.waits.is_empty() {
            return Outlook::Idle;
        }
        let until = state.waits.values().filter_map(|w| w.until).min();
        let now = until.map_or(Timestamp::EPOCH, |_| self.host.sources.clock.now());
        let rung = state.rung.max(now);
        if state.waits.values().any(|w| w.is_over(&state.memo, rung)) {
            drop(state);
            // Whoever waits for it goes on when it is polled next.
            self.changed.notify_waiters();
            return Outlook::Idle;
        }
        if state.active == 0 && state.queued == 0 && state.phase == Phase::Open {
            return Outlook::Park(union(state.waits.values(), &state.memo));
        }
        Outlook::Look(until)
    }

    /// Everything that is waited for now.
    pub(crate) fn awaited(&self) -> Wait {
        let state = self.lock();
        union(state.waits.values(), &state.memo)
    }

    /// Keeps operations from using the lease.
    pub(crate) fn suspend(&self) {
        self.lock().phase = Phase::Suspended;
    }

    /// The lease was given back.
    pub(crate) fn let_go(&self) {
        self.lock().held = None;
    }

    /// Lets operations use this lease. `rung` is the timer that has rung, if that is why the task goes on.
    pub(crate) fn reopen(&self, lease: Arc<Lease>, rung: Option<Timestamp>) {
        {
            let mut state = self.lock();
            state.phase = Phase::Open;
            state.last = Some(lease.id);
            state.held = Some(lease);
            state.rung = state.rung.max(rung.unwrap_or(Timestamp::EPOCH));
        }
        self.speak();
        self.changed.notify_waiters();
    }

    /// Hands a suspended run the lease with which it goes on. Refused when the run is not suspended, or was not
    /// suspended under the lease `after`: then the task has gone on elsewhere since.
    pub(crate) fn grant(&self, lease: &Arc<Lease>, after: Option<LeaseId>) -> bool {
        {
            let mut state = self.lock();
            let waits_for_it = state.phase == Phase::Suspended && state.granted.is_none();
            if !waits_for_it || state.stop.is_some() || state.over || state.last != after {
                return false;
            }
            state.granted = Some(lease.clone());
        }
        self.changed.notify_waiters();
        true
    }

    /// Takes the lease that was granted for going on, if there is one.
    pub(crate) fn take_granted(&self) -> Option<Arc<Lease>> {
        let mut state = self.lock();
        let lease = state.granted.take()?;
        state.held = Some(lease.clone());
        state.last = Some(lease.id);
        Some(lease)
    }

    /// Returns when a lease was granted for going on.
    pub(crate) async fn granted(&self) -> Arc<Lease> {
        loop {
            let changed = self.changed.notified();
            if let Some(lease) = self.take_granted() {
                return lease;
            }
            changed.await;
        }
    }

    /// The lease that is held, or was granted.
    pub(crate) fn held(&self) -> Option<Arc<Lease>> {
        let state = self.lock();
        state.granted.clone().or_else(|| state.held.clone())
    }
}
