//! The one table of what may happen to a task in which state.

use orchestrator_protocol::TaskState::{
    self, Blocked, Cancelled, Failed, NeedsAttention, Paused, Ready, Running, Scheduled, Succeeded, Waiting,
};

/// What can happen to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskEvent {
    /// What it waited for has come: dependencies, a place among siblings, children, its time. Where it goes on from
    /// there is said: it may still have to wait for a later time.
    Freed(Rest),
    /// A session was granted its lease.
    Claimed,
    /// Its agent waits for children, a timer or an event and gave the lease back.
    Suspended,
    /// It gave its result.
    Succeeded,
    /// It failed for good.
    Failed,
    /// It failed and will be tried again after a backoff.
    Backoff,
    /// Its lease was given back or lost; it is run again at once.
    Returned,
    /// A person must decide.
    Escalated,
    /// It was cancelled, or stopped after it had been.
    Cancelled,
    /// An operator or a budget stopped it.
    Paused,
    /// The stop was taken back; it goes on where its facts say.
    Resumed(Rest),
    /// Someone wants it run again.
    Retried(Rest),
}

/// The states in which a task is at rest until something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rest {
    /// Waits for other tasks.
    Blocked,
    /// Waits for a time.
    Scheduled,
    /// Waits for a worker.
    Ready,
    /// Its agent waits.
    Waiting,
}

impl From<Rest> for TaskState {
    fn from(rest: Rest) -> Self {
        match rest {
            Rest::Blocked => Blocked,
            Rest::Scheduled => Scheduled,
            Rest::Ready => Ready,
            Rest::Waiting => Waiting,
        }
    }
}

impl TaskEvent {
    /// Every event, for tests that walk the whole table.
    pub const ALL: [Self; 20] = [
        Self::Freed(Rest::Blocked),
        Self::Freed(Rest::Scheduled),
        Self::Freed(Rest::Ready),
        Self::Freed(Rest::Waiting),
        Self::Claimed,
        Self::Suspended,
        Self::Succeeded,
        Self::Failed,
        Self::Backoff,
        Self::Returned,
        Self::Escalated,
        Self::Cancelled,
        Self::Paused,
        Self::Resumed(Rest::Blocked),
        Self::Resumed(Rest::Scheduled),
        Self::Resumed(Rest::Ready),
        Self::Resumed(Rest::Waiting),
        Self::Retried(Rest::Blocked),
        Self::Retried(Rest::Ready),
        Self::Retried(Rest::Waiting),
    ];
}

/// An event that the table does not allow in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {state} cannot meet {event:?}")]
pub struct IllegalTransition {
    /// The state.
    pub state: TaskState,
    /// The event.
    pub event: TaskEvent,
}

/// The state after an event: total over every pair, with a typed error where there is no way.
///
/// ```
/// use orchestrator_core::domain::state::{TaskEvent, next};
/// use orchestrator_protocol::TaskState;
///
/// assert_eq!(next(TaskState::Ready, TaskEvent::Claimed), Ok(TaskState::Running));
/// assert!(next(TaskState::Succeeded, TaskEvent::Cancelled).is_err());
/// ```
pub const fn next(state: TaskState, event: TaskEvent) -> Result<TaskState, IllegalTransition> {
    use TaskEvent as E;
    let after = match (state, event) {
        (Ready, E::Claimed) => Running,
        // Running, or waiting without an agent: checkpoints and external events are completed by people and calls.
        (Running | Waiting, E::Succeeded) => Succeeded,
        // What has not started fails when its deadline passes.
        (Blocked | Scheduled | Ready | Running | Waiting | Paused, E::Failed) => Failed,
        (Running, E::Suspended) | (Blocked, E::Freed(Rest::Waiting)) => Waiting,
        (Running, E::Backoff) | (Blocked, E::Freed(Rest::Scheduled)) => Scheduled,
        (Running, E::Returned) | (Blocked | Scheduled | Waiting, E::Freed(Rest::Ready)) => Ready,
        (Running, E::Escalated) => NeedsAttention,
        (Blocked | Scheduled | Ready | Running | Waiting | Paused | NeedsAttention, E::Cancelled) => Cancelled,
        (Blocked | Scheduled | Ready | Waiting, E::Paused) => Paused,
        (Paused, E::Resumed(rest)) | (Failed | Cancelled | NeedsAttention, E::Retried(rest)) => rest_state(rest),
        _ => return Err(IllegalTransition { state, event }),
    };
    Ok(after)
}

const fn rest_state(rest: Rest) -> TaskState {
    match rest {
        Rest::Blocked => Blocked,
        Rest::Scheduled => Scheduled,
        Rest::Ready => Ready,
        Rest::Waiting => Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table in one picture: a change of any cell is a change of this text.
    #[test]
    fn the_table_is_this_one() {
        let mut table = String::new();
        for state in TaskState::ALL {
            for event in TaskEvent::ALL {
                if let Ok(after) = next(state, event) {
                    let event = format!("{event:?}");
                    table.extend([format!("{state:<16}{event:<20} -> {after}\n")]);
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn an_illegal_pair_is_named() {
        let refused = next(TaskState::Succeeded, TaskEvent::Claimed).unwrap_err();
        assert_eq!(refused.to_string(), "a task that is succeeded cannot meet Claimed");
    }

    #[test]
    fn terminal_states_are_left_only_by_a_retry() {
        for state in TaskState::ALL.into_iter().filter(|s| s.is_terminal()) {
            for event in TaskEvent::ALL {
                let left = next(state, event).is_ok();
                assert!(!left || matches!(event, TaskEvent::Retried(_)), "{state} {event:?}");
            }
        }
    }

    #[test]
    fn every_state_but_success_can_be_left_and_all_can_be_reached() {
        for target in TaskState::ALL {
            let reached = target == TaskState::Blocked
                || TaskState::ALL
                    .into_iter()
                    .any(|s| TaskEvent::ALL.into_iter().any(|e| next(s, e) == Ok(target)));
            assert!(reached, "{target}");
            let left = TaskEvent::ALL.into_iter().any(|e| next(target, e).is_ok());
            assert_eq!(left, target != TaskState::Succeeded, "{target}");
        }
    }
}
