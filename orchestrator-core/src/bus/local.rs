//! The bus within one process.

use async_trait::async_trait;
use orchestrator_protocol::Event;
use tokio::sync::broadcast;

use super::{Bus, Nudge};

/// How many events a slow reader may be behind before it loses the oldest: about a second of a busy system. It reads what
/// is durable from the store then.
const EVENTS: usize = 4096;

/// How many nudges a reader may be behind; a lost one is found by the poll.
const NUDGES: usize = 1024;

/// Events and nudges within one process. Where nobody listens, telling costs next to nothing.
#[derive(Debug)]
pub struct LocalBus {
    events: broadcast::Sender<Event>,
    nudges: broadcast::Sender<Nudge>,
}

impl LocalBus {
    /// A bus that nobody listens to yet.
    pub fn new() -> Self {
        Self {
            events: broadcast::Sender::new(EVENTS),
            nudges: broadcast::Sender::new(NUDGES),
        }
    }
}

impl Default for LocalBus {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, events: Vec<Event>) {
        if self.events.receiver_count() == 0 {
            return;
        }
        for event in events {
            // An error says that the last listener has just gone.
            let _ = self.events.send(event);
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    async fn nudge(&self, nudge: Nudge) {
        if self.nudges.receiver_count() > 0 {
            let _ = self.nudges.send(nudge);
        }
    }

    fn nudges(&self) -> broadcast::Receiver<Nudge> {
        self.nudges.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::SessionId;
    use uuid::Uuid;

    use super::*;
    use crate::bus::Nudged;

    #[tokio::test]
    async fn many_nudges_are_one() {
        let bus = LocalBus::new();
        let mut nudges = bus.nudges();
        let session = SessionId::from_uuid(Uuid::from_u128(7));
        for _ in 0..500 {
            bus.nudge(Nudge::Ready).await;
            bus.nudge(Nudge::Cancel(session)).await;
        }
        let expected = Nudged {
            ready: true,
            cancel: [session].into(),
            ..Nudged::default()
        };
        assert_eq!(Nudged::next(&mut nudges).await, Some(expected));
        assert!(nudges.is_empty());
    }

    #[tokio::test]
    async fn lost_nudges_may_have_been_any() {
        let bus = LocalBus::new();
        let mut nudges = bus.nudges();
        for _ in 0..=NUDGES {
            bus.nudge(Nudge::Timer).await;
        }
        let nudged = Nudged::next(&mut nudges).await.unwrap();
        assert!(nudged.lost);
    }

    #[tokio::test]
    async fn without_a_bus_there_is_nothing_to_wait_for() {
        let bus = LocalBus::new();
        let mut nudges = bus.nudges();
        drop(bus);
        assert_eq!(Nudged::next(&mut nudges).await, None);
    }
}
