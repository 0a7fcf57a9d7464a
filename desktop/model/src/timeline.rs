//! When each task of a tree waited and ran: bars over time.

use std::collections::BTreeMap;

use orchestrator_protocol::{Event, EventType, TaskId, TaskState, Timestamp, WorkerId};

/// What a task did meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doing {
    /// It waited for its turn: blocked, scheduled or ready.
    Queued,
    /// It ran.
    Running,
    /// It waited for children, a person, a timer or an event.
    Waiting,
    /// It was stopped: paused, or until a person decides.
    Stopped,
}

impl Doing {
    const fn of(state: TaskState) -> Option<Self> {
        Some(match state {
            TaskState::Blocked | TaskState::Scheduled | TaskState::Ready => Self::Queued,
            TaskState::Running => Self::Running,
            TaskState::Waiting => Self::Waiting,
            TaskState::Paused | TaskState::NeedsAttention => Self::Stopped,
            TaskState::Succeeded | TaskState::Failed | TaskState::Cancelled => return None,
        })
    }

    /// Its name for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Waiting => "Waiting",
            Self::Stopped => "Stopped",
        }
    }
}

/// A bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// What the task did.
    pub doing: Doing,
    /// From when.
    pub from: Timestamp,
    /// Until when; none while it goes on.
    pub to: Option<Timestamp>,
    /// Which attempt it was.
    pub attempt: u32,
    /// On which worker.
    pub worker: Option<WorkerId>,
    /// Whether it ended badly: the attempt failed.
    pub failed: bool,
}

/// The bars of each task, from its history in order.
pub fn bars(history: &[Event]) -> BTreeMap<TaskId, Vec<Bar>> {
    let mut all: BTreeMap<TaskId, Vec<Bar>> = BTreeMap::new();
    for event in history {
        let Some(id) = event.task_id else { continue };
        let (EventType::TaskState | EventType::TaskCreated) = event.kind else {
            continue;
        };
        let bars = all.entry(id).or_default();
        let Some(state) = event.body.state else { continue };
        let doing = Doing::of(state);
        if let Some(last) = bars.last_mut().filter(|last| last.to.is_none()) {
            // Blocked, then ready: one wait.
            if doing == Some(last.doing) && doing != Some(Doing::Running) {
                continue;
            }
            last.to = Some(event.at.max(last.from));
            let again = matches!(state, TaskState::Scheduled | TaskState::Ready) && event.body.error.is_some();
            last.failed = last.doing == Doing::Running && (state == TaskState::Failed || again);
        }
        if let Some(doing) = doing {
            bars.push(Bar {
                doing,
                from: event.at,
                to: None,
                attempt: event.body.attempt.unwrap_or(0),
                worker: event.body.worker_id,
                failed: false,
            });
        }
    }
    all
}

/// From the first to the last moment of all bars; `now` while something goes on.
pub fn span<'b>(bars: impl IntoIterator<Item = &'b Bar>, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let mut span = None;
    for bar in bars {
        let to = bar.to.unwrap_or(now).max(bar.from);
        let (from, until) = span.unwrap_or((bar.from, to));
        span = Some((bar.from.min(from), to.max(until)));
    }
    span
}

/// Moments for a scale: round ones, at most `most` of them, in seconds from the beginning.
pub fn ticks(seconds: f64, most: usize) -> Vec<f64> {
    const STEPS: [f64; 20] = [
        0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0,
        21_600.0, 86_400.0,
    ];
    if !seconds.is_finite() || seconds <= 0.0 {
        return vec![0.0];
    }
    let most = most.max(1) as f64;
    let step = STEPS.into_iter().find(|step| seconds / step <= most);
    let step = step.unwrap_or_else(|| (seconds / most / 86_400.0).ceil() * 86_400.0);
    let count = (seconds / step).floor() as usize;
    (0..=count).map(|n| n as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, id, state};

    #[test]
    fn waits_and_attempts_become_bars() {
        let mut failed = state(4, 5.0, 1, TaskState::Scheduled, 1);
        failed.body.error = serde_json::from_value(serde_json::json!({"class": "retryable", "message": "no"})).ok();
        let history = [
            state(1, 0.0, 1, TaskState::Blocked, 0),
            state(2, 1.0, 1, TaskState::Ready, 0),
            state(3, 2.0, 1, TaskState::Running, 1),
            failed,
            state(5, 6.0, 1, TaskState::Running, 2),
            state(6, 7.0, 1, TaskState::Waiting, 2),
            state(7, 9.0, 1, TaskState::Running, 2),
            state(8, 10.0, 1, TaskState::Succeeded, 2),
            state(9, 3.0, 2, TaskState::Running, 1),
        ];
        let all = bars(&history);
        let told: Vec<_> = all[&id(1)]
            .iter()
            .map(|bar| (bar.doing, bar.to, bar.attempt, bar.failed))
            .collect();
        assert_eq!(
            told,
            [
                (Doing::Queued, Some(at(2.0)), 0, false),
                (Doing::Running, Some(at(5.0)), 1, true),
                (Doing::Queued, Some(at(6.0)), 1, false),
                (Doing::Running, Some(at(7.0)), 2, false),
                (Doing::Waiting, Some(at(9.0)), 2, false),
                (Doing::Running, Some(at(10.0)), 2, false),
            ]
        );
        assert_eq!(all[&id(2)][0].to, None);
        assert_eq!(span(all.values().flatten(), at(12.0)), Some((at(0.0), at(12.0))));
        assert_eq!(span([], at(0.0)), None);
    }

    #[test]
    fn scales_are_round() {
        assert_eq!(ticks(10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(0.0, 5), [0.0]);
        assert_eq!(ticks(f64::NAN, 5), [0.0]);
        for seconds in [0.003, 0.7, 59.0, 3_700.0, 1e6, 1e9] {
            let ticks = ticks(seconds, 8);
            assert!((1..=9).contains(&ticks.len()), "{seconds}: {}", ticks.len());
        }
    }
}
