//! A bus between processes, whatever carries it.
//!
//! Who publishes is never kept waiting: this process hears it at once, and a task sends it on, as much together as there
//! is. Another task listens to what the others sent. That the two work is not believed but seen: every few seconds
//! something is sent, and must come back. When it does not, the relay says so, everyone looks at the store more often, and
//! it tries again until it does.

mod carrier;
mod loops;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use orchestrator_protocol::{Event, EventBody, EventType, Seq};
use tokio::{
    sync::{Notify, broadcast, watch},
    task::AbortHandle,
};
use uuid::Uuid;

pub use self::carrier::{Broken, Carrier, Inbox};
use super::{Bus, Health, Nudge, local::LocalBus, outbox::Outbox, parcel};
use crate::clock::Sources;

/// A bus between processes. It works within this one from the start, and with the others while its carrier does. Dropping
/// it ends it.
#[derive(Debug)]
pub struct Relay {
    shared: Arc<Shared>,
    tasks: [AbortHandle; 2],
}

#[derive(Debug)]
struct Shared {
    carrier: Box<dyn Carrier>,
    sources: Sources,
    id: Uuid,
    /// How our own parcels begin.
    sign: String,
    local: LocalBus,
    desk: Mutex<Desk>,
    /// Something is to be sent.
    filled: Notify,
    /// Sending failed.
    failed: Notify,
    /// Whether it reaches the others.
    open: watch::Sender<bool>,
    losses: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

/// What changes together.
#[derive(Debug, Default)]
struct Desk {
    outbox: Outbox,
    /// Whether what is put into the outbox will be sent.
    open: bool,
    /// Whether it ever was.
    was_open: bool,
    /// Why it is not.
    trouble: Option<Broken>,
    /// Why something could not be sent.
    unsent: Option<Broken>,
}

impl Relay {
    /// A relay that begins to connect in the background. Needs a Tokio runtime, which must live as long as it does.
    pub fn start(carrier: impl Carrier, sources: Sources) -> Self {
        let id = sources.ids.uuid();
        let shared = Arc::new(Shared {
            carrier: Box::new(carrier),
            id,
            sign: parcel::sign(id),
            local: LocalBus::new(),
            desk: Mutex::default(),
            filled: Notify::new(),
            failed: Notify::new(),
            open: watch::Sender::new(false),
            losses: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            sources,
        });
        let listener = tokio::spawn(loops::listen(shared.clone())).abort_handle();
        let sender = tokio::spawn(loops::send(shared.clone())).abort_handle();
        Self {
            shared,
            tasks: [listener, sender],
        }
    }

    /// Whether it reaches the others, and when that changes.
    pub fn open(&self) -> watch::Receiver<bool> {
        self.shared.open.subscribe()
    }

    /// Returns when it reaches the others; at once if it does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops the waiting.
    pub async fn connected(&self) {
        // The sender lives as long as the relay.
        let _ = self.open().wait_for(|open| *open).await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

#[async_trait]
impl Bus for Relay {
    async fn publish(&self, events: Vec<Event>) {
        self.shared.fill(|desk| {
            if desk.open {
                desk.outbox.push(&events);
            } else {
                desk.outbox.lose(&events);
            }
        });
        self.shared.local.publish(events).await;
    }

    fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.shared.local.subscribe()
    }

    async fn nudge(&self, nudge: Nudge) {
        self.shared.fill(|desk| {
            desk.outbox.nudge(if desk.open { nudge } else { Nudge::Lost });
        });
        self.shared.local.nudge(nudge).await;
    }

    fn nudges(&self) -> broadcast::Receiver<Nudge> {
        self.shared.local.nudges()
    }

    fn reaches_others(&self) -> bool {
        *self.shared.open.borrow()
    }

    fn health(&self) -> Health {
        let trouble = {
            let desk = self.shared.desk();
            let words = || {
                desk.trouble
                    .as_ref()
                    .map_or("it is being connected".to_owned(), ToString::to_string)
            };
            (!desk.open).then(words)
        };
        Health {
            carrier: Some(self.shared.carrier.name()),
            trouble,
            losses: self.shared.losses.load(Ordering::Relaxed),
            sent: self.shared.sent.load(Ordering::Relaxed),
            received: self.shared.received.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is to be sent, and sees to it that it is.
    fn fill(&self, change: impl FnOnce(&mut Desk)) {
        let mut desk = self.desk();
        change(&mut desk);
        if desk.open {
            drop(desk);
            self.filled.notify_one();
        }
    }

    /// What is to be sent now; nothing while it would not arrive.
    fn take(&self) -> Option<Outbox> {
        let mut desk = self.desk();
        desk.open.then(|| desk.outbox.take())
    }

    /// Passes on what somebody sent. Says whether it was a parcel.
    async fn receive(&self, text: &str) -> bool {
        if text.starts_with(&self.sign) {
            return true;
        }
        let Some(parcel) = parcel::read(text) else {
            tracing::debug!("something else than a parcel was overheard");
            return false;
        };
        if parcel.from == self.id {
            return true;
        }
        self.received.fetch_add(1, Ordering::Relaxed);
        // Wake-ups first: somebody waits for them.
        for nudge in parcel.nudges {
            self.local.nudge(nudge).await;
        }
        if !parcel.events.is_empty() {
            self.local.publish(parcel.events).await;
        }
        if parcel.lost.is_some() {
            self.lag(parcel.lost).await;
        }
        true
    }

    /// It reaches the others from now on.
    async fn open(&self) {
        let (again, trouble) = {
            let mut desk = self.desk();
            if desk.open {
                return;
            }
            desk.open = true;
            (std::mem::replace(&mut desk.was_open, true), desk.trouble.take())
        };
        let name = self.carrier.name();
        let again_or_not = if trouble.is_some() { " again" } else { "" };
        tracing::info!("the bus is connected over {name}{again_or_not}");
        self.look(if again { None } else { Some(0) }).await;
        self.open.send_replace(true);
        // What could not be said before.
        self.filled.notify_one();
    }

    /// It does not reach the others any more, or still not.
    async fn close(&self, why: &Broken) {
        let (was_open, first) = {
            let mut desk = self.desk();
            let loss = desk.outbox.take().loss();
            desk.outbox.add_loss(&loss);
            let first = desk.trouble.is_none();
            desk.trouble = Some(why.clone());
            (std::mem::replace(&mut desk.open, false), first)
        };
        let name = self.carrier.name();
        if first {
            tracing::warn!(
                "the bus over {name} is not connected: {why}; other servers' changes are found by looking, and it will be \
                 tried again"
            );
        } else {
            tracing::debug!("the bus over {name} is still not connected: {why}");
        }
        if was_open {
            self.losses.fetch_add(1, Ordering::Relaxed);
            self.open.send_replace(false);
            self.look(Some(0)).await;
        }
    }

    /// Something could not be sent: what it was is lost, and the connection is looked at.
    fn unsent(&self, why: Broken, loss: &Outbox) {
        let mut desk = self.desk();
        desk.outbox.add_loss(loss);
        desk.unsent = Some(why);
        drop(desk);
        self.failed.notify_one();
    }

    /// Makes everyone in this process look at the store.
    async fn look(&self, lost: Option<u64>) {
        self.local.nudge(Nudge::Lost).await;
        self.lag(lost).await;
    }

    async fn lag(&self, lost: Option<u64>) {
        let lagged = Event {
            seq: Seq(0),
            at: self.sources.clock.now(),
            kind: EventType::Lagged,
            task_id: None,
            root_id: None,
            body: EventBody {
                lost,
                ..EventBody::default()
            },
        };
        self.local.publish(vec![lagged]).await;
    }
}
