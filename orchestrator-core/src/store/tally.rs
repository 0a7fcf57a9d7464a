//! What happens, counted.

use orchestrator_protocol::{Event, EventType, Minute, TaskState, Timestamp, Usage, Usd};

/// How much happened in some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tasks that were submitted.
    pub submitted: u64,
    /// Tasks that succeeded.
    pub succeeded: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks that were cancelled.
    pub cancelled: u64,
    /// Tokens that were spent, in and out.
    pub tokens: u64,
    /// What was paid, in billionths of a dollar.
    pub cost: i64,
}

impl Tally {
    /// Counts an event.
    pub fn count(&mut self, event: &Event) {
        match (event.kind, event.body.state) {
            (EventType::TaskCreated, _) => self.submitted += 1,
            (EventType::TaskState, Some(TaskState::Succeeded)) => self.succeeded += 1,
            (EventType::TaskState, Some(TaskState::Failed)) => self.failed += 1,
            (EventType::TaskState, Some(TaskState::Cancelled)) => self.cancelled += 1,
            _ => {}
        }
        if let Some(usage) = &event.body.usage {
            self.tokens += Usage::tokens(usage);
            self.cost += usage.cost_usd.as_nanos();
        }
    }

    /// It as what happened in a minute.
    pub fn in_minute(self, at: Timestamp) -> Minute {
        Minute {
            at,
            submitted: self.submitted,
            succeeded: self.succeeded,
            failed: self.failed,
            cancelled: self.cancelled,
            tokens: self.tokens,
            cost_usd: Usd::from_nanos(self.cost),
        }
    }
}
