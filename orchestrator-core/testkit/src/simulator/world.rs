//! Everything that the parts of a simulation share.

use std::sync::Arc;

use orchestrator_core::{
    clock::{Ids, Sources},
    service::{Engine, LocalSource, SourceConfig},
    store::Store,
};

use super::{
    author::{Author, LIMITS},
    flaky::{Faults, Flaky, LossyBus, Weather},
    ordered::Ordered,
    plan::Plan,
    referee::Referee,
    time::{Machine, WallClock},
    watched::Watched,
};
use crate::{SeededIds, chance::Chance, layer::Layered};

/// Everything that the parts of a simulation share.
#[derive(Debug)]
pub struct World {
    /// What the seed decided.
    pub plan: Plan,
    /// The store's time.
    pub clock: Arc<WallClock>,
    /// All ids.
    pub ids: Arc<dyn Ids>,
    /// Whether faults happen.
    pub weather: Arc<Weather>,
    /// Who watches.
    pub referee: Arc<Referee>,
    /// The store, watched and without faults.
    pub store: Arc<dyn Store>,
    /// The services, over a store with faults.
    pub engine: Engine,
    /// The workers' tasks.
    pub source: Arc<LocalSource>,
    /// The machines that workers live on.
    pub machines: Vec<Machine>,
}

impl World {
    /// The world of a seed over a fresh store.
    pub fn new(
        plan: Plan,
        chance: &mut Chance,
        store: Arc<dyn Store>,
        between: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
        tell: bool,
    ) -> Self {
        let clock = Arc::new(WallClock::new());
        let weather = Arc::new(Weather::default());
        let referee = Arc::new(Referee::new(clock.clone(), tell));
        let ids: Arc<dyn Ids> = Arc::new(SeededIds::new(chance.draw()));
        let store = Layered::shared(Watched::new(store, referee.clone()));
        let mut below = between(store.clone());
        if plan.orders {
            let faults = Faults::new(weather.clone(), chance.fork());
            below = Layered::shared(Ordered::new(below, clock.clone(), faults, plan.order_loss));
        }
        let flaky = Layered::shared(Flaky {
            below,
            faults: Faults::new(weather.clone(), chance.fork()),
            trouble: plan.store,
        });
        let bus = LossyBus::new(Faults::new(weather.clone(), chance.fork()), plan.bus_loss);
        let sources = Sources {
            clock: clock.clone(),
            ids: ids.clone(),
        };
        let engine = Engine::new(flaky, Arc::new(bus), sources);
        let config = SourceConfig {
            ttl: plan.ttl,
            ..SourceConfig::default()
        };
        let mut source = LocalSource::new(engine.clone(), config);
        if plan.orders {
            source = source.with_orders();
        }
        let source = Arc::new(source);
        let machines = (0..plan.machines).map(|_| Machine::new()).collect();
        Self {
            plan,
            clock,
            ids,
            weather,
            referee,
            store,
            engine,
            source,
            machines,
        }
    }

    /// Sets what is there before anything happens.
    pub async fn prepare(&self, chance: &mut Chance) {
        if !self.plan.limits {
            return;
        }
        for key in LIMITS {
            let rule = orchestrator_protocol::LimitRule {
                max_running: Some(chance.between(1, 3) as u32),
                starts_per_minute: chance.happens(0.3).then(|| chance.between(10, 30) as u32),
                tokens_per_minute: None,
            };
            let _ = self.store.put_limit(key.to_owned(), Some(rule)).await;
        }
    }

    /// Someone who writes tasks for this world.
    pub fn author(&self, chance: Chance) -> Author {
        Author::new(chance, &self.plan)
    }
}
