//! How states look: a tone, a shape and a word each, so that none depends on colour alone.

use orchestrator_protocol::{TaskState, WorkerState};

/// A role that a colour plays. Neighbouring states differ in shape and word too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Nothing to see.
    Neutral,
    /// Work goes on.
    Active,
    /// It rests, and will go on by itself.
    Waiting,
    /// Good.
    Good,
    /// A person should look.
    Attention,
    /// Bad.
    Bad,
}

/// A shape that a state has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A dashed ring.
    Dashed,
    /// A clock.
    Clock,
    /// A ring.
    Ring,
    /// A filled dot in a ring, or a turning one.
    Dot,
    /// An hourglass.
    Hourglass,
    /// Two bars.
    Bars,
    /// A triangle with an exclamation mark.
    Triangle,
    /// A check mark in a ring.
    Check,
    /// A cross in a ring.
    Cross,
    /// A slashed ring.
    Slash,
}

/// How a state looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Look {
    /// The role that its colour plays.
    pub tone: Tone,
    /// Its shape.
    pub shape: Shape,
    /// Its name for people.
    pub word: &'static str,
}

/// How a task's state looks.
pub const fn task(state: TaskState) -> Look {
    let (tone, shape, word) = match state {
        TaskState::Blocked => (Tone::Neutral, Shape::Dashed, "Blocked"),
        TaskState::Scheduled => (Tone::Waiting, Shape::Clock, "Scheduled"),
        TaskState::Ready => (Tone::Neutral, Shape::Ring, "Ready"),
        TaskState::Running => (Tone::Active, Shape::Dot, "Running"),
        TaskState::Waiting => (Tone::Waiting, Shape::Hourglass, "Waiting"),
        TaskState::Paused => (Tone::Attention, Shape::Bars, "Paused"),
        TaskState::NeedsAttention => (Tone::Attention, Shape::Triangle, "Needs attention"),
        TaskState::Succeeded => (Tone::Good, Shape::Check, "Succeeded"),
        TaskState::Failed => (Tone::Bad, Shape::Cross, "Failed"),
        TaskState::Cancelled => (Tone::Neutral, Shape::Slash, "Cancelled"),
    };
    Look { tone, shape, word }
}

/// How a worker's state looks.
pub const fn worker(state: WorkerState) -> Look {
    let (tone, shape, word) = match state {
        WorkerState::Online => (Tone::Good, Shape::Check, "Online"),
        WorkerState::Draining => (Tone::Waiting, Shape::Hourglass, "Draining"),
        WorkerState::Offline => (Tone::Bad, Shape::Cross, "Offline"),
    };
    Look { tone, shape, word }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_state_can_be_told_without_colour() {
        let looks: Vec<Look> = TaskState::ALL.into_iter().map(task).collect();
        let words: BTreeSet<_> = looks.iter().map(|look| look.word).collect();
        let shapes: std::collections::HashSet<_> = looks.iter().map(|look| look.shape).collect();
        assert_eq!((words.len(), shapes.len()), (looks.len(), looks.len()));
    }
}
