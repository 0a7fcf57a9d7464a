//! An event as it is sent, written once for all who watch.

use std::sync::Arc;

use orchestrator_core::store::EventScope;
use orchestrator_protocol::{Event, EventBody, EventType, Seq, Timestamp};

/// An event with its JSON.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) event: Event,
    pub(super) json: String,
}

impl Line {
    pub(super) fn new(event: Event) -> Arc<Self> {
        // An event has only fields that JSON can hold.
        let json = serde_json::to_string(&event).unwrap_or_default();
        Arc::new(Self { event, json })
    }

    /// What tells a viewer that it was too slow for live-only events.
    pub(super) fn lagged(seq: Seq, at: Timestamp, lost: u64) -> Arc<Self> {
        Self::new(Event {
            seq,
            at,
            kind: EventType::Lagged,
            task_id: None,
            root_id: None,
            body: EventBody {
                lost: Some(lost),
                ..EventBody::default()
            },
        })
    }

    /// The same event at a later place: the seqs that a viewer sees never go back.
    pub(super) fn no_earlier_than(self: Arc<Self>, seq: Seq) -> Arc<Self> {
        if self.event.seq >= seq {
            return self;
        }
        let event = Event {
            seq,
            ..self.event.clone()
        };
        Self::new(event)
    }

    /// Whether it is one of those that were asked for.
    pub(super) fn is_wanted(&self, scope: EventScope, types: &[EventType]) -> bool {
        let kind = self.event.kind;
        if kind == EventType::Lagged {
            return wants_live(types);
        }
        if !types.is_empty() && !types.contains(&kind) {
            return false;
        }
        match scope {
            EventScope::All => true,
            EventScope::Task(id) => self.event.task_id == Some(id),
            EventScope::Tree(id) => self.event.root_id == Some(id),
        }
    }
}

/// Whether there are live-only types among those that were asked for.
pub(super) fn wants_live(types: &[EventType]) -> bool {
    types.is_empty() || types.iter().any(|kind| !kind.is_durable())
}
