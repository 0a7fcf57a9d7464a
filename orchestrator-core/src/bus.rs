//! The lossy half of the system: live events and wake-ups. Losing every one of them costs latency, never work.

use std::collections::BTreeSet;

use async_trait::async_trait;
use orchestrator_protocol::{Event, SessionId};
use tokio::sync::broadcast::{
    self,
    error::{RecvError, TryRecvError},
};

pub mod local;
mod outbox;
mod parcel;
pub mod relay;

/// A hint that someone should look at the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nudge {
    /// Tasks are ready.
    Ready,
    /// A session runs something that was cancelled.
    Cancel(SessionId),
    /// A task was left for a session, which should ask for it.
    Meant(SessionId),
    /// A timer nearer than the ones before was set.
    Timer,
    /// Nudges of other processes were lost, or will be: it may have been any of them.
    Lost,
}

/// How a bus is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// What carries it beyond this process: `redis`, `postgres`; none for a bus within one process.
    pub carrier: Option<&'static str>,
    /// Why it does not reach the others at the moment. Their changes are found by the poll then.
    pub trouble: Option<String>,
    /// How often it was lost since it was first there.
    pub losses: u64,
    /// How many parcels this process has sent.
    pub sent: u64,
    /// How many parcels of others it has received.
    pub received: u64,
}

/// Carries live events and wake-ups between the parts of a process, or of a fleet. Delivery is not guaranteed.
#[async_trait]
pub trait Bus: Send + Sync + std::fmt::Debug + 'static {
    /// Tells everyone what happened, without waiting for those in other processes. Events come in the order of their seq
    /// from one publisher.
    async fn publish(&self, events: Vec<Event>);

    /// Everything that is published from now on. A slow reader loses the oldest and is told how many
    /// ([`broadcast::error::RecvError::Lagged`]). Where others' events are lost on the way it receives an event of the type
    /// [`Lagged`](orchestrator_protocol::EventType::Lagged): without `lost` when nobody knows how many, with 0 when it is
    /// only to look at the store.
    ///
    /// Of another process's durable events only what they are about, and the state, comes: the rest is in the store.
    fn subscribe(&self) -> broadcast::Receiver<Event>;

    /// Tells everyone to look.
    async fn nudge(&self, nudge: Nudge);

    /// Every nudge from now on.
    fn nudges(&self) -> broadcast::Receiver<Nudge>;

    /// Whether what other processes publish arrives here at the moment. Readers look at the store less often while it
    /// does.
    fn reaches_others(&self) -> bool {
        false
    }

    /// How it is, for operators.
    fn health(&self) -> Health {
        Health::default()
    }
}

/// What was nudged since the last look, each thing once: however many nudges come at a time, they are acted on once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nudged {
    /// Tasks are ready.
    pub ready: bool,
    /// A timer was set.
    pub timer: bool,
    /// Sessions that run something that was cancelled.
    pub cancel: BTreeSet<SessionId>,
    /// Sessions for which tasks were left.
    pub meant: BTreeSet<SessionId>,
    /// Some nudges were lost: it may have been any of them.
    pub lost: bool,
}

impl Nudged {
    /// Waits for a nudge and takes all that are there with it. None when the bus is gone.
    ///
    /// # Cancel safety
    ///
    /// No nudge is lost when the future is dropped.
    pub async fn next(nudges: &mut broadcast::Receiver<Nudge>) -> Option<Self> {
        let mut nudged = Self::default();
        match nudges.recv().await {
            Ok(nudge) => nudged.add(nudge),
            Err(RecvError::Lagged(_)) => nudged.lost = true,
            Err(RecvError::Closed) => return None,
        }
        // As many as there were when it began: senders that never stop must not keep it from answering.
        for _ in 0..nudges.len() {
            match nudges.try_recv() {
                Ok(nudge) => nudged.add(nudge),
                Err(TryRecvError::Lagged(_)) => nudged.lost = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        Some(nudged)
    }

    fn add(&mut self, nudge: Nudge) {
        match nudge {
            Nudge::Ready => self.ready = true,
            Nudge::Timer => self.timer = true,
            Nudge::Lost => self.lost = true,
            Nudge::Cancel(session) => {
                self.cancel.insert(session);
            }
            Nudge::Meant(session) => {
                self.meant.insert(session);
            }
        }
    }
}
