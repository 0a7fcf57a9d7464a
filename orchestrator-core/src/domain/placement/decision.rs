//! Whether the worker that asks is the one that a task should go to.

use std::collections::BTreeMap;

use orchestrator_protocol::{Load, PassedOver, Placement, PlacementParts, RunnerUp, SessionId, Timestamp, WorkerId};

use super::{Policy, record::Tally};
use crate::store::row::Standing;

/// From this load on, in percent, a machine's memory or disk is as good as full.
const FULL_PERCENT: f64 = 95.0;

/// From this load on, in percent, a machine's processors have no time left.
const BUSY_PERCENT: f64 = 98.0;

/// A session that may run a task, with what its choice depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The session.
    pub session: SessionId,
    /// Its worker.
    pub worker: WorkerId,
    /// From −1 to 1, as [`super::score`].
    pub tools: f64,
    /// How busy its machine is.
    pub load: Load,
    /// How many tasks it runs at once.
    pub slots: u32,
    /// How many it runs now.
    pub running: u32,
    /// Whether it has the task's workspace, or what the task goes on with.
    pub home: bool,
    /// How tasks of the type went on it.
    pub tally: Tally,
    /// Whether it takes no more.
    pub draining: bool,
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// When it ends unless it is heard of again.
    pub expires_at: Timestamp,
}

impl Candidate {
    /// A session that may run tasks of a type; whether it is one's home is to be said.
    pub fn of(standing: &Standing, tools: f64, task_type: &str) -> Self {
        Self {
            session: standing.session,
            worker: standing.worker,
            tools,
            load: standing.load,
            slots: standing.slots,
            running: standing.running,
            home: false,
            tally: standing.record.tally(task_type),
            draining: standing.draining,
            seen_at: standing.seen_at,
            expires_at: standing.expires_at,
        }
    }
}

/// What comes of a claim for a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// The one that asks gets it.
    Take(Placement),
    /// It is left for a better one for a while.
    Leave {
        /// For whom, by place among the candidates.
        place: usize,
        /// Until when.
        until: Timestamp,
    },
}

/// How well a candidate suits a task.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rated {
    /// From 0 to 1.
    score: f64,
    parts: [f64; 6],
}

/// Why nothing may be left for a candidate, if so.
pub fn passed_over(candidate: &Candidate, now: Timestamp) -> Option<PassedOver> {
    let half = candidate.expires_at.since(candidate.seen_at) / 2;
    let over = |percent: Option<f64>, limit: f64| percent.is_some_and(|p| p >= limit);
    let Load {
        cpu_percent,
        memory_percent,
        disk_percent,
    } = candidate.load;
    if candidate.draining {
        Some(PassedOver::Draining)
    } else if candidate.seen_at.plus(half) < now {
        Some(PassedOver::Silent)
    } else if candidate.running >= candidate.slots {
        Some(PassedOver::Full)
    } else if over(cpu_percent, BUSY_PERCENT) || over(memory_percent, FULL_PERCENT) || over(disk_percent, FULL_PERCENT)
    {
        Some(PassedOver::Exhausted)
    } else {
        None
    }
}

/// Until when a task that became ready at a moment may be left for a better worker; none when that time is over. A clock
/// that was set back makes nobody wait.
pub fn head_start_ends(ready_at: Timestamp, now: Timestamp, policy: &Policy) -> Option<Timestamp> {
    let until = ready_at.plus(policy.head_start());
    (ready_at <= now && now < until).then_some(until)
}

/// Whether the candidate at `asking` gets a task, or it is left for a better one.
///
/// It is left only for one that has room, is heard of, takes tasks and has resources left, that suits it better by the
/// margin, and only until `until`.
pub fn decide(candidates: &[Candidate], asking: usize, until: Timestamp, now: Timestamp, policy: &Policy) -> Decision {
    let cheapest = cheapest(candidates, now);
    let own = rate(&candidates[asking], cheapest, now, policy);
    let mut passed: BTreeMap<PassedOver, u32> = BTreeMap::new();
    let mut best: Option<(usize, f64)> = None;
    let mut compared = 1;
    for (place, candidate) in candidates.iter().enumerate() {
        if place == asking || candidate.worker == candidates[asking].worker {
            continue;
        }
        if let Some(why) = passed_over(candidate, now) {
            *passed.entry(why).or_default() += 1;
            continue;
        }
        compared += 1;
        let score = rate(candidate, cheapest, now, policy).score;
        if best.is_none_or(|(_, known)| score > known) {
            best = Some((place, score));
        }
    }
    if let Some((place, score)) = best
        && score >= own.score + policy.margin
        && score > own.score
        && until > now
    {
        return Decision::Leave { place, until };
    }
    Decision::Take(Placement {
        score: percent(own.score),
        parts: own.parts(),
        compared,
        runner_up: best.map(|(place, score)| RunnerUp {
            worker_id: candidates[place].worker,
            score: percent(score),
        }),
        passed_over: passed,
    })
}

/// For whom a task is being left that nobody has taken yet: the best candidate, where the others are worse by the margin.
/// With how well it suits the task.
pub fn favourite(candidates: &[Candidate], now: Timestamp, policy: &Policy) -> Option<(usize, Placement)> {
    let cheapest = cheapest(candidates, now);
    let rated = |place: usize| rate(&candidates[place], cheapest, now, policy).score;
    let free = (0..candidates.len()).filter(|place| passed_over(&candidates[*place], now).is_none());
    let best = free.clone().max_by(|a, b| rated(*a).total_cmp(&rated(*b)))?;
    let beaten = |place: &usize| *place == best || rated(*place) + policy.margin <= rated(best);
    if free.clone().count() < 2 || !free.clone().all(|place| beaten(&place)) {
        return None;
    }
    match decide(candidates, best, now, now, policy) {
        Decision::Take(placement) => Some((best, placement)),
        Decision::Leave { .. } => None,
    }
}

/// The least that an attempt has cost on any of them.
fn cheapest(candidates: &[Candidate], now: Timestamp) -> Option<f64> {
    let costs = candidates.iter().filter_map(|candidate| candidate.tally.cost(now));
    costs.min_by(f64::total_cmp)
}

fn rate(candidate: &Candidate, cheapest: Option<f64>, now: Timestamp, policy: &Policy) -> Rated {
    let load = [candidate.load.cpu_percent, candidate.load.memory_percent];
    let busiest = load.into_iter().flatten().max_by(f64::total_cmp);
    let resources = busiest.map_or(0.5, |percent| (1.0 - percent / 100.0).clamp(0.0, 1.0));
    let balance = 1.0 - f64::from(candidate.running) / f64::from(candidate.slots.max(1));
    // One of which nothing is known is taken to be as cheap as the cheapest: it is tried.
    let cost = match (cheapest, candidate.tally.cost(now)) {
        (Some(least), Some(own)) if own > 0.0 => (least / own).clamp(0.0, 1.0),
        _ => 1.0,
    };
    let parts = [
        f64::midpoint(candidate.tools, 1.0),
        resources,
        balance.max(0.0),
        f64::from(u8::from(candidate.home)),
        candidate.tally.success(now).clamp(0.0, 1.0),
        cost,
    ];
    let weights = [
        policy.tools,
        policy.resources,
        policy.balance,
        policy.affinity,
        policy.success,
        policy.cost,
    ];
    let sum: f64 = parts.iter().zip(weights).map(|(part, weight)| part * weight).sum();
    let total = policy.total();
    let score = if total > 0.0 { sum / total } else { 0.0 };
    Rated { score, parts }
}

impl Rated {
    fn parts(&self) -> PlacementParts {
        let [tools, resources, balance, affinity, success, cost] = self.parts.map(percent);
        PlacementParts {
            tools,
            resources,
            balance,
            affinity,
            success,
            cost,
        }
    }
}

/// A share as a whole number of hundredths.
fn percent(share: f64) -> u8 {
    (share.clamp(0.0, 1.0) * 100.0).round() as u8
}

#[cfg(test)]
mod tests;
