//! A store that cannot always be reached, and a bus that loses what it carries.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use orchestrator_core::{
    bus::{Bus, Nudge, local::LocalBus},
    store::{
        Claim, Committed, History, Intervention, LeasedTask, OpenSession, Order, Renewal, Renewed, ReportAck,
        ReportItem, Settled, Store, StoreError, Submit, SubmittedTask, Ticked,
    },
};
use orchestrator_protocol::{Event, ExternalResult, SessionId, Task, TaskId, Timestamp};
use tokio::sync::broadcast;

use super::plan::Trouble;
use crate::{chance::Chance, layer::Layer};

/// Whether faults happen; all parts of a simulation look at the same one.
#[derive(Debug, Default)]
pub struct Weather {
    calm: AtomicBool,
}

impl Weather {
    /// Ends all faults.
    pub fn calm_down(&self) {
        self.calm.store(true, Ordering::Relaxed);
    }

    /// Whether faults have ended.
    pub fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }
}

/// A source of faults that can be shared.
#[derive(Debug)]
pub struct Faults {
    weather: Arc<Weather>,
    chance: Mutex<Chance>,
}

impl Faults {
    /// Faults while the weather is rough.
    pub fn new(weather: Arc<Weather>, chance: Chance) -> Self {
        Self {
            weather,
            chance: Mutex::new(chance),
        }
    }

    /// Whether a fault of this probability happens now.
    pub fn happens(&self, probability: f64) -> bool {
        probability > 0.0 && !self.weather.is_calm() && self.draw(|chance| chance.happens(probability))
    }

    /// Draws something.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.chance.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A store that sometimes fails, with nothing or with everything done.
#[derive(Debug)]
pub struct Flaky {
    /// The store below.
    pub below: Arc<dyn Store>,
    /// When it fails.
    pub faults: Faults,
    /// How often it fails.
    pub trouble: Trouble,
}

impl Flaky {
    async fn perhaps<T>(&self, verb: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        if self.faults.happens(self.trouble.before) {
            return Err(StoreError::Unavailable("the simulation says so".to_owned()));
        }
        let answer = verb.await;
        if self.faults.happens(self.trouble.after) {
            return Err(StoreError::Unavailable("the simulation lost the answer".to_owned()));
        }
        answer
    }
}

#[async_trait]
impl Layer for Flaky {
    fn below(&self) -> &Arc<dyn Store> {
        &self.below
    }

    async fn submit(&self, submit: Submit) -> Result<Committed<Vec<SubmittedTask>>, StoreError> {
        self.perhaps(self.below.submit(submit)).await
    }

    async fn open_session(&self, open: OpenSession) -> Result<Committed<()>, StoreError> {
        self.perhaps(self.below.open_session(open)).await
    }

    async fn claim(&self, claim: Claim) -> Result<Committed<Vec<LeasedTask>>, StoreError> {
        self.perhaps(self.below.claim(claim)).await
    }

    async fn claim_or_order(&self, claim: Claim) -> Result<(Committed<Vec<LeasedTask>>, Option<Order>), StoreError> {
        self.perhaps(self.below.claim_or_order(claim)).await
    }

    async fn report(&self, items: Vec<ReportItem>, now: Timestamp) -> Result<Committed<Vec<ReportAck>>, StoreError> {
        self.perhaps(self.below.report(items, now)).await
    }

    async fn renew(&self, renewal: Renewal) -> Result<Renewed, StoreError> {
        self.perhaps(self.below.renew(renewal)).await
    }

    async fn close_session(&self, session: SessionId, now: Timestamp) -> Result<Committed<()>, StoreError> {
        self.perhaps(self.below.close_session(session, now)).await
    }

    async fn settle(
        &self,
        task: TaskId,
        result: ExternalResult,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        self.perhaps(self.below.settle(task, result, now)).await
    }

    async fn intervene(
        &self,
        task: TaskId,
        intervention: Intervention,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        self.perhaps(self.below.intervene(task, intervention, now)).await
    }

    async fn tick(&self, now: Timestamp, limit: usize) -> Result<Committed<Ticked>, StoreError> {
        self.perhaps(self.below.tick(now, limit)).await
    }

    async fn history(&self, task: TaskId) -> Result<History, StoreError> {
        self.perhaps(self.below.history(task)).await
    }

    async fn results(&self, tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError> {
        self.perhaps(self.below.results(tasks)).await
    }

    async fn get(&self, task: TaskId) -> Result<Option<Task>, StoreError> {
        self.perhaps(self.below.get(task)).await
    }
}

/// A bus that loses some of what it carries.
#[derive(Debug)]
pub struct LossyBus {
    bus: LocalBus,
    faults: Faults,
    loss: f64,
}

impl LossyBus {
    /// A bus that loses this much.
    pub fn new(faults: Faults, loss: f64) -> Self {
        Self {
            bus: LocalBus::new(),
            faults,
            loss,
        }
    }
}

#[async_trait]
impl Bus for LossyBus {
    async fn publish(&self, events: Vec<Event>) {
        if !self.faults.happens(self.loss) {
            self.bus.publish(events).await;
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.bus.subscribe()
    }

    async fn nudge(&self, nudge: Nudge) {
        if !self.faults.happens(self.loss) {
            self.bus.nudge(nudge).await;
        }
    }

    fn nudges(&self) -> broadcast::Receiver<Nudge> {
        self.bus.nudges()
    }
}
