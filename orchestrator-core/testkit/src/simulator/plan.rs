//! What a seed decides before anything happens.

use std::time::Duration;

use crate::chance::Chance;

/// How a simulation goes, decided by its seed. Half of the faults and features are absent from any one plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How long faults go on.
    pub chaos: Duration,
    /// How long sessions may be silent.
    pub ttl: Duration,
    /// How many machines there are.
    pub machines: u64,
    /// How many loops look for what is due.
    pub tickers: u64,
    /// How many batches are submitted.
    pub batches: u64,
    /// How deep tasks nest.
    pub depth: u32,
    /// Between workers and the store.
    pub wire: Wire,
    /// Between the services and the store.
    pub store: Trouble,
    /// How likely a nudge or an event on the bus is lost.
    pub bus_loss: f64,
    /// How likely a worker's life ends in a crash, of either kind.
    pub crash: f64,
    /// How likely it ends in order.
    pub stop: f64,
    /// How likely a machine stands still in any second.
    pub freeze: f64,
    /// How likely the clock jumps in any second.
    pub jump: f64,
    /// How likely someone intervenes in any second.
    pub intervene: f64,
    /// Whether machines' clocks are off.
    pub skew: bool,
    /// Whether there are limits.
    pub limits: bool,
    /// Whether workers order what is not there yet.
    pub orders: bool,
    /// How likely an order is not considered when something becomes ready, or its answer is lost.
    pub order_loss: f64,
    /// Whether trees have budgets.
    pub budgets: f64,
}

/// What happens to messages.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    /// How likely a request is lost.
    pub lose_request: f64,
    /// How likely an answer is lost.
    pub lose_answer: f64,
    /// How likely a request arrives twice.
    pub duplicate: f64,
    /// How likely a message takes long.
    pub delay: f64,
}

/// What happens to verbs.
#[derive(Debug, Clone, Copy)]
pub struct Trouble {
    /// How likely the store fails with nothing done.
    pub before: f64,
    /// How likely it fails with everything done.
    pub after: f64,
}

impl Plan {
    /// The plan of a seed.
    pub fn draw(chance: &mut Chance) -> Self {
        Self {
            chaos: Duration::from_secs(chance.between(5, 40)),
            ttl: Duration::from_secs(chance.between(2, 8)),
            machines: chance.between(1, 4),
            tickers: chance.between(1, 2),
            batches: chance.between(1, 6),
            depth: chance.between(1, 3) as u32,
            wire: Wire {
                lose_request: chance.sometimes(0.1),
                lose_answer: chance.sometimes(0.1),
                duplicate: chance.sometimes(0.15),
                delay: chance.sometimes(0.2),
            },
            store: Trouble {
                before: chance.sometimes(0.05),
                after: chance.sometimes(0.05),
            },
            bus_loss: chance.sometimes(0.6),
            crash: chance.sometimes(1.0),
            stop: chance.sometimes(0.4),
            freeze: chance.sometimes(0.15),
            jump: chance.sometimes(0.1),
            intervene: chance.sometimes(0.4),
            skew: chance.happens(0.3),
            limits: chance.happens(0.5),
            budgets: chance.sometimes(0.3),
            orders: chance.happens(0.5),
            order_loss: chance.sometimes(0.2),
        }
    }
}
