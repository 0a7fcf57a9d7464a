//! Those who wait for tasks to end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use orchestrator_protocol::{Event, EventType, TaskId, TaskState};
use tokio::{
    sync::{
        Notify,
        broadcast::{self, error::RecvError},
    },
    task::AbortHandle,
};
use tokio_util::sync::CancellationToken;

use crate::bus::Bus;

/// Those who wait for tasks to end. However many they are, one of them all listens to the bus, and only while there is
/// anyone; an event costs a look into a map.
#[derive(Debug, Default)]
pub(super) struct Lobby {
    guests: Mutex<Guests>,
    closed: CancellationToken,
}

#[derive(Debug, Default)]
struct Guests {
    last: u64,
    /// By task, and in the order in which they came, so that all are woken in the same order each time.
    seats: BTreeMap<(TaskId, u64), Arc<Notify>>,
    listener: Option<AbortHandle>,
}

/// A place in the lobby, left when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    lobby: Arc<Lobby>,
    place: (TaskId, u64),
    bell: Arc<Notify>,
}

impl Lobby {
    /// Sits down to wait for a task. What ends from now on rings.
    pub(super) fn enter(self: &Arc<Self>, bus: &dyn Bus, task: TaskId) -> Seat {
        let bell = Arc::new(Notify::new());
        let mut guests = self.lock();
        guests.last += 1;
        let place = (task, guests.last);
        guests.seats.insert(place, bell.clone());
        // On an executor that is not Tokio nobody listens, and the guests' own polls must do.
        if guests.listener.is_none()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let listen = listen(Arc::downgrade(self), bus.subscribe());
            guests.listener = Some(runtime.spawn(listen).abort_handle());
        }
        drop(guests);
        Seat {
            lobby: self.clone(),
            place,
            bell,
        }
    }

    /// Sends everyone away, also those who come later.
    pub(super) fn close(&self) {
        self.closed.cancel();
    }

    /// Returns when the lobby was closed.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    fn lock(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, event: &Event) {
        if event.kind == EventType::Lagged {
            return self.ring_all();
        }
        if let (Some(task), Some(state)) = (event.task_id, event.body.state)
            && (has_ended(state) || state == TaskState::Paused)
        {
            let guests = self.lock();
            // Who waits for a whole tree may want to know that something in it needs a person, or has spent its budget. Who
            // waits for a part of it looks now and then.
            let top = event.root_id.filter(|top| *top != task && !state.is_terminal());
            for task in std::iter::once(task).chain(top) {
                for (_, bell) in guests.seats.range((task, 0)..=(task, u64::MAX)) {
                    bell.notify_one();
                }
            }
        }
    }

    fn ring_all(&self) {
        for bell in self.lock().seats.values() {
            bell.notify_one();
        }
    }
}

impl Seat {
    /// Returns when the task may have ended, or come to a stop, since the call before.
    ///
    /// # Cancel safety
    ///
    /// What rings while nobody waits is kept for the next call.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut guests = self.lobby.lock();
        guests.seats.remove(&self.place);
        if guests.seats.is_empty()
            && let Some(listener) = guests.listener.take()
        {
            listener.abort();
        }
    }
}

/// Whether nothing more happens to a task in this state without a person.
pub(super) fn has_ended(state: TaskState) -> bool {
    state.is_terminal() || state == TaskState::NeedsAttention
}

async fn listen(lobby: Weak<Lobby>, mut events: broadcast::Receiver<Event>) {
    loop {
        let heard = events.recv().await;
        let Some(lobby) = lobby.upgrade() else { return };
        match heard {
            Ok(event) => lobby.hear(&event),
            Err(RecvError::Lagged(_)) => lobby.ring_all(),
            Err(RecvError::Closed) => return,
        }
    }
}
