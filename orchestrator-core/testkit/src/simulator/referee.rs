//! Who watches a simulation: keeps the model, and remembers the first thing that went wrong.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use orchestrator_core::clock::Clock;
use orchestrator_protocol::{TaskId, WorkerId};
use tokio::sync::Notify;

use super::{
    model::{Model, Wrong},
    time::WallClock,
};
use crate::agents::Witness;

/// More verbs than any story takes: who goes on after that runs in circles.
const MOST_VERBS: u64 = 200_000;

/// Who watches a simulation.
pub struct Referee {
    clock: Arc<WallClock>,
    court: Mutex<Court>,
    whistle: Notify,
    tell: bool,
}

#[derive(Default)]
struct Court {
    model: Model,
    wrong: Option<Wrong>,
    trace: u64,
    /// The last things that happened, for people, when they are to be told.
    told: Vec<String>,
}

impl fmt::Debug for Referee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Referee").finish_non_exhaustive()
    }
}

impl Referee {
    /// A referee who has seen nothing; `tell` keeps everything that happens for people to read.
    pub fn new(clock: Arc<WallClock>, tell: bool) -> Self {
        Self {
            clock,
            court: Mutex::default(),
            whistle: Notify::new(),
            tell,
        }
    }

    fn court(&self) -> MutexGuard<'_, Court> {
        self.court.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the model, or changes what it is told beside the verbs.
    pub fn model<T>(&self, look: impl FnOnce(&mut Model) -> T) -> T {
        look(&mut self.court().model)
    }

    /// Judges a verb. `mark` goes into the trace; `words` say what happened, for people.
    pub fn judge(&self, mark: u64, words: impl Fn() -> String, verb: impl FnOnce(&mut Model) -> Result<(), Wrong>) {
        let mut court = self.court();
        if court.wrong.is_some() {
            return;
        }
        court.model.verb += 1;
        let at = court.model.verb;
        let now = self.clock.now().as_micros() as u64;
        court.trace = mix(mix(mix(court.trace, at), now), mark);
        if self.tell {
            let line = format!("{at:>5} {:>9.3}s {}", self.clock.elapsed().as_secs_f64(), words());
            court.told.push(line);
        }
        let verb = verb(&mut court.model).and_then(|()| match at {
            MOST_VERBS.. => Err("nothing comes of all this: somebody runs in circles".to_owned()),
            _ => Ok(()),
        });
        if let Err(wrong) = verb {
            court.wrong = Some(format!("verb {at}: {wrong}\n    {}", words()));
            self.whistle.notify_waiters();
            self.whistle.notify_one();
        }
    }

    /// Says that something is wrong.
    pub fn blame(&self, wrong: impl Into<Wrong>) {
        let mut court = self.court();
        if court.wrong.is_none() {
            court.wrong = Some(wrong.into());
            self.whistle.notify_waiters();
            self.whistle.notify_one();
        }
    }

    /// Keeps something that happened beside the verbs, for people to read.
    pub fn tell(&self, words: impl FnOnce() -> String) {
        if self.tell {
            let line = format!("      {:>9.3}s {}", self.clock.elapsed().as_secs_f64(), words());
            self.court().told.push(line);
        }
    }

    /// Returns when something is wrong.
    pub async fn whistled(&self) {
        loop {
            let whistle = self.whistle.notified();
            if self.wrong().is_some() {
                return;
            }
            whistle.await;
        }
    }

    /// The first thing that went wrong.
    pub fn wrong(&self) -> Option<Wrong> {
        self.court().wrong.clone()
    }

    /// A number that is the same for two runs in which the same happened.
    pub fn trace(&self) -> u64 {
        self.court().trace
    }

    /// Everything that happened, in words.
    pub fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.court().told)
    }
}

/// Mixes a number into a trace.
pub(super) fn mix(trace: u64, with: u64) -> u64 {
    let mixed = (trace ^ with).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// Watches the agents of one worker.
#[derive(Debug)]
pub struct WorkerWitness {
    /// The referee.
    pub referee: Arc<Referee>,
    /// The worker.
    pub worker: WorkerId,
}

impl Witness for WorkerWitness {
    fn begins(&self, task: TaskId, attempt: u32) {
        self.referee
            .tell(|| format!("{task} begins, attempt {attempt}, on {}", self.worker));
        if let Err(wrong) = self.referee.model(|model| model.begins(task)) {
            self.referee.blame(wrong);
        }
    }

    fn step_begins(&self, task: TaskId, step: &str) {
        self.referee
            .tell(|| format!("{task} executes the step `{step}` on {}", self.worker));
        if let Err(wrong) = self.referee.model(|model| model.step_begins(task, self.worker, step)) {
            self.referee.blame(wrong);
        }
    }
}
