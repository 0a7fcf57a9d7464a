//! Workers that offer the same: what one of them cannot get, the others cannot get either.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use orchestrator_core::{
    service::{Engine, LocalSource},
    store::{LeasedTask, StoreError},
    worker::source::TaskSource,
};
use orchestrator_protocol::{
    Code, Timestamp,
    frame::{Failure, ServerFrame},
};

use super::{
    dispatch,
    seat::{Seat, SeatId},
};

/// How long to wait before a store that failed is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// Connected workers with the same labels and agents, and how much room each has.
///
/// When there may be work, one of them asks. When it gets as many tasks as it asked for, there may be more, and two
/// others ask; so a single task costs one question, and a flood is soon taken by all.
#[derive(Debug)]
pub(super) struct Group {
    engine: Engine,
    source: Arc<LocalSource>,
    /// How long after its last word a worker counts as asleep, and is granted nothing.
    patience: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    places: BTreeMap<SeatId, Place>,
    /// Those that have room and do not ask at the moment, the longest idle first.
    idle: VecDeque<SeatId>,
    /// Those that ask at the moment.
    asking: BTreeSet<SeatId>,
}

#[derive(Debug)]
struct Place {
    seat: Arc<Seat>,
    credit: usize,
    doing: Doing,
    /// There may be work since it began to ask.
    again: bool,
    /// It wants nothing more.
    drained: bool,
    heard_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// It has no room, or sleeps.
    Nothing,
    /// It stands in line.
    Idle,
    Asking,
    /// What it was granted is being sent.
    Getting,
}

impl Inner {
    /// Puts a seat in line if it has room and does nothing.
    fn line_up(&mut self, id: SeatId) -> bool {
        let Some(place) = self.places.get_mut(&id) else {
            return false;
        };
        if place.doing == Doing::Nothing && place.credit > 0 && !place.drained {
            place.doing = Doing::Idle;
            self.idle.push_back(id);
            return true;
        }
        false
    }
}

impl Group {
    pub(super) fn new(engine: Engine, source: Arc<LocalSource>, patience: Duration) -> Arc<Self> {
        Arc::new(Self {
            engine,
            source,
            patience,
            inner: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().places.is_empty()
    }

    pub(super) fn join(&self, seat: &Arc<Seat>) {
        let place = Place {
            credit: 0,
            doing: Doing::Nothing,
            again: false,
            drained: false,
            heard_at: self.engine.now(),
            seat: seat.clone(),
        };
        self.lock().places.insert(seat.id, place);
    }

    /// Takes a seat away. If it was about to ask for all, another one does.
    pub(super) fn leave(self: &Arc<Self>, id: SeatId) {
        let mut inner = self.lock();
        if let Some(place) = inner.places.remove(&id) {
            self.take_back(&place);
        }
        inner.idle.retain(|seat| *seat != id);
        let was_asking = inner.asking.remove(&id);
        drop(inner);
        if was_asking {
            self.wake();
        }
    }

    /// A worker has more room: it asks, since only it knows what it had no room for before.
    pub(super) fn credit(self: &Arc<Self>, id: SeatId, add: usize) {
        let mut inner = self.lock();
        let Some(place) = inner.places.get_mut(&id) else { return };
        place.credit = place.credit.saturating_add(add).min(place.seat.slots);
        place.heard_at = self.engine.now();
        match place.doing {
            Doing::Asking | Doing::Getting => place.again = true,
            Doing::Idle => {
                inner.idle.retain(|seat| *seat != id);
                self.ask(&mut inner, id);
            }
            Doing::Nothing if !place.drained && place.credit > 0 => self.ask(&mut inner, id),
            Doing::Nothing => {}
        }
    }

    /// A task was left for a worker, or what it ordered is there: it asks before the others of the group.
    pub(super) fn invite(self: &Arc<Self>, id: SeatId) {
        let mut inner = self.lock();
        let Some(place) = inner.places.get_mut(&id) else { return };
        match place.doing {
            Doing::Asking | Doing::Getting => place.again = true,
            Doing::Idle => {
                inner.idle.retain(|seat| *seat != id);
                self.ask(&mut inner, id);
            }
            // It has no room after all, or sleeps.
            Doing::Nothing => self.take_back(place),
        }
    }

    /// A worker gave a sign of life. One that slept may have missed something.
    pub(super) fn heard(self: &Arc<Self>, id: SeatId) {
        let mut inner = self.lock();
        let Some(place) = inner.places.get_mut(&id) else { return };
        place.heard_at = self.engine.now();
        if inner.line_up(id) {
            self.ask_next(&mut inner, 1);
        }
    }

    /// A worker wants nothing more; what it did not take others may.
    pub(super) fn drain(self: &Arc<Self>, id: SeatId) {
        let mut inner = self.lock();
        let Some(place) = inner.places.get_mut(&id) else { return };
        if std::mem::replace(&mut place.drained, true) {
            return;
        }
        place.credit = 0;
        self.take_back(place);
        if place.doing == Doing::Idle {
            place.doing = Doing::Nothing;
            inner.idle.retain(|seat| *seat != id);
        }
        drop(inner);
        self.wake();
    }

    /// There may be work.
    pub(super) fn wake(self: &Arc<Self>) {
        let mut inner = self.lock();
        let asking = inner.asking.first().copied();
        match asking.and_then(|id| inner.places.get_mut(&id)) {
            // It asks again when it has its answer, which may have been on its way before the work was there.
            Some(place) => place.again = true,
            None => self.ask_next(&mut inner, 1),
        }
    }

    /// Lets the next in line ask.
    fn ask_next(self: &Arc<Self>, inner: &mut Inner, mut count: usize) {
        let awake_since = self.engine.now().minus(self.patience);
        while count > 0
            && let Some(id) = inner.idle.pop_front()
        {
            let Some(place) = inner.places.get_mut(&id) else {
                continue;
            };
            if place.heard_at < awake_since {
                // Whatever it were granted would only wait for its session to end.
                place.doing = Doing::Nothing;
                self.take_back(place);
                continue;
            }
            self.ask(inner, id);
            count -= 1;
        }
    }

    fn ask(self: &Arc<Self>, inner: &mut Inner, id: SeatId) {
        let Some(place) = inner.places.get_mut(&id) else { return };
        place.doing = Doing::Asking;
        place.again = false;
        inner.asking.insert(id);
        let (group, seat, credit) = (self.clone(), place.seat.clone(), place.credit);
        tokio::spawn(async move { group.claim(seat, credit).await });
    }

    /// Asks for tasks until there are none or the worker has no room.
    async fn claim(self: Arc<Self>, seat: Arc<Seat>, mut credit: usize) {
        loop {
            let granted = match self.source.ask(seat.session, credit).await {
                Ok(granted) => granted,
                Err(error) => return self.fail(&seat, &error).await,
            };
            let full = granted.len() >= credit;
            self.granted(&seat, granted.len(), full);
            if !granted.is_empty() {
                dispatch::deliver(&self.source, &seat, granted).await;
            }
            let Some(next) = self.got(seat.id, full) else { return };
            credit = next;
        }
    }

    /// A claim was answered. Others need not wait until the answer is sent.
    fn granted(self: &Arc<Self>, seat: &Seat, count: usize, full: bool) {
        let mut inner = self.lock();
        inner.asking.remove(&seat.id);
        let mut missed = false;
        if let Some(place) = inner.places.get_mut(&seat.id) {
            place.credit = place.credit.saturating_sub(count);
            place.doing = Doing::Getting;
            // While it gets what it was granted it cannot ask for the others.
            missed = count > 0 && place.again;
        }
        if full {
            self.ask_next(&mut inner, 2);
        } else if missed {
            self.ask_next(&mut inner, 1);
        }
    }

    /// What was granted has been sent. Gives the credit to ask for next, if it is to ask again.
    fn got(self: &Arc<Self>, id: SeatId, full: bool) -> Option<usize> {
        let mut inner = self.lock();
        let place = inner.places.get_mut(&id)?;
        place.doing = Doing::Nothing;
        let again = std::mem::take(&mut place.again) || full;
        if place.credit == 0 || place.drained {
            return None;
        }
        if !again {
            inner.line_up(id);
            return None;
        }
        place.doing = Doing::Asking;
        let credit = place.credit;
        inner.asking.insert(id);
        Some(credit)
    }

    /// A claim failed.
    async fn fail(self: &Arc<Self>, seat: &Seat, error: &StoreError) {
        if let StoreError::SessionLost(_) = error {
            let failure = Failure {
                id: None,
                code: Code::LeaseLost,
                message: error.to_string(),
            };
            self.stop_asking(seat.id, false);
            // It hears of it by its next heartbeat too.
            let _ = seat.out.try_send(ServerFrame::Error(failure));
            self.drain(seat.id);
        } else {
            tracing::debug!(%error, "will claim again");
            self.engine.sources.clock.sleep(PAUSE).await;
            self.stop_asking(seat.id, true);
            self.wake();
        }
    }

    /// Takes back what a worker has ordered, unless its session goes on over another connection: then the order is that
    /// one's.
    fn take_back(&self, place: &Place) {
        if !place.seat.replaced.is_cancelled() {
            self.source.take_back(place.seat.session);
        }
    }

    fn stop_asking(&self, id: SeatId, line_up: bool) {
        let mut inner = self.lock();
        inner.asking.remove(&id);
        if let Some(place) = inner.places.get_mut(&id) {
            place.doing = Doing::Nothing;
            place.again = false;
        }
        if line_up {
            inner.line_up(id);
        }
    }
}

/// Gives tasks back that could not be sent to their worker.
pub(super) async fn give_back(source: &LocalSource, tasks: Vec<LeasedTask>) {
    use orchestrator_core::store::{ReportBody, ReportItem};
    let release = |task: LeasedTask| ReportItem {
        task: task.id,
        lease: task.lease,
        number: 1,
        body: ReportBody::Release {
            reason: "its worker was gone before it was told".to_owned(),
        },
    };
    // Should this fail too, the session's end gives them back.
    if let Err(error) = source.report(tasks.into_iter().map(release).collect()).await {
        tracing::debug!(%error, "tasks of a lost connection wait for the end of its session");
    }
}
