//! The lossy half of the system: live events and wake-ups. Losing every one of them costs latency, never work.

use async_trait::async_trait;
use orchestrator_protocol::{Event, SessionId};
use tokio::sync::broadcast;

pub mod local;

/// A hint that someone should look at the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nudge {
    /// Tasks are ready.
    Ready,
    /// A session runs something that was cancelled.
    Cancel(SessionId),
    /// A timer nearer than the ones before was set.
    Timer,
}

/// Carries live events and wake-ups between the parts of a process, or of a fleet. Delivery is not guaranteed.
#[async_trait]
pub trait Bus: Send + Sync + std::fmt::Debug + 'static {
    /// Tells everyone what happened. Events come in the order of their seq from one publisher.
    async fn publish(&self, events: Vec<Event>);

    /// Everything that is published from now on. A slow reader loses the oldest and is told how many
    /// ([`broadcast::error::RecvError::Lagged`]).
    fn subscribe(&self) -> broadcast::Receiver<Event>;

    /// Tells everyone to look.
    async fn nudge(&self, nudge: Nudge);

    /// Every nudge from now on.
    fn nudges(&self) -> broadcast::Receiver<Nudge>;
}
