//! Machines, and the workers that live and die on them.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use orchestrator_core::{
    agent::Registry,
    clock::Sources,
    worker::{Worker, WorkerConfig},
};
use orchestrator_protocol::WorkerId;

use super::{
    author::TYPES,
    flaky::{Faults, Weather},
    referee::WorkerWitness,
    time::MachineClock,
    wire::FaultySource,
    world::World,
};
use crate::{
    agents::{Stage, scripted},
    chance::Chance,
};

/// How a worker's life ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// With the simulation.
    Never,
    /// Dropped after being polled so often.
    AfterPolls(u64),
    /// Dropped with this call, which may or may not take effect.
    WithCall(u64, bool),
    /// Stopped in order after a time, with so long for the last tasks.
    Stopped(Duration, Duration),
}

/// Lives on a machine, one after the other.
pub async fn live(world: Arc<World>, place: usize, mut chance: Chance) {
    let kept = world.ids.worker();
    loop {
        let end = draw_end(&world, &mut chance);
        let id = if chance.happens(0.5) { kept } else { world.ids.worker() };
        world.referee.tell(|| format!("worker {id} starts, ends {end:?}"));
        life(&world, place, id, end, &mut chance).await;
        world.referee.tell(|| format!("worker {id} is gone"));
        let downtime = if world.weather.is_calm() {
            Duration::from_millis(100)
        } else {
            chance.millis(0, 5_000)
        };
        tokio::time::sleep(downtime).await;
    }
}

fn draw_end(world: &World, chance: &mut Chance) -> End {
    if world.weather.is_calm() {
        return End::Never;
    }
    if chance.happens(world.plan.crash) {
        if chance.happens(0.5) {
            return End::AfterPolls(chance.between(1, 400));
        }
        return End::WithCall(chance.between(1, 60), chance.happens(0.5));
    }
    if chance.happens(world.plan.stop) {
        return End::Stopped(chance.millis(0, 20_000), chance.millis(0, 3_000));
    }
    End::Never
}

async fn life(world: &Arc<World>, place: usize, id: WorkerId, end: End, chance: &mut Chance) {
    let machine = world.machines[place].clone();
    let skew = if world.plan.skew {
        chance.between(0, 4_000_000) as i64 - 2_000_000
    } else {
        0
    };
    let clock = Arc::new(MachineClock {
        wall: world.clock.clone(),
        machine: machine.clone(),
        skew,
    });
    let dies_with = match end {
        End::WithCall(call, after) => Some((call, after)),
        _ => None,
    };
    let faults = Faults::new(world.weather.clone(), chance.fork());
    let wire = Arc::new(FaultySource::new(
        world.source.clone(),
        machine,
        faults,
        world.plan.wire,
        dies_with,
    ));
    let sources = Sources {
        clock: clock.clone(),
        ids: world.ids.clone(),
    };
    let stage = Stage {
        clock,
        witness: Arc::new(WorkerWitness {
            referee: world.referee.clone(),
            worker: id,
        }),
    };
    // The first machine runs everything, so that nothing has to wait for ever.
    let complete = place == 0 || world.weather.is_calm();
    let agents = registry(&stage, |_| complete || chance.happens(0.6));
    let config = config(id, chance);
    let Ok(worker) = Worker::new(config, wire.clone(), agents, sources) else {
        return world.referee.blame("a worker's configuration was refused");
    };
    let stop = async {
        match end {
            End::Stopped(after, deadline) => {
                tokio::time::sleep(after).await;
                deadline
            }
            _ => std::future::pending().await,
        }
    };
    let polls = match end {
        End::AfterPolls(polls) => Some(polls),
        _ => None,
    };
    tokio::select! {
        biased;
        () = wire.died() => {}
        ended = until_poll(worker.run(stop), polls, &world.weather) => {
            if let Some(Err(error)) = ended {
                world.referee.blame(format!("the worker {id} ended: {error}"));
            }
        }
    }
}

fn registry(stage: &Stage, mut has: impl FnMut(&str) -> bool) -> Registry {
    let mut agents = Registry::new();
    for task_type in TYPES {
        if task_type == TYPES[0] || has(task_type) {
            // The types differ, and none is reserved.
            let _ = agents.add(scripted(task_type, stage.clone()));
        }
    }
    agents
}

fn config(id: WorkerId, chance: &mut Chance) -> WorkerConfig {
    WorkerConfig {
        worker: Some(id),
        slots: chance.between(1, 4) as u32,
        grace: chance.millis(100, 2_000),
        suspended: *chance.pick(&[0, 1, 10_000]),
        suspended_for: *chance.pick(&[Duration::from_secs(1), Duration::from_hours(1)]),
        wait_poll: chance.millis(100, 1_000),
        ..WorkerConfig::default()
    }
}

/// Polls a future until it is ready, or so often in rough weather; none when it was dropped before it was ready.
async fn until_poll<T>(future: impl Future<Output = T>, polls: Option<u64>, weather: &Weather) -> Option<T> {
    let mut future = pin!(future);
    let mut count = 0_u64;
    poll_fn(|cx| {
        count += 1;
        if polls.is_some_and(|polls| count > polls) && !weather.is_calm() {
            return Poll::Ready(None);
        }
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Lets machines stand still for a while, now and then.
pub async fn freeze(world: Arc<World>, place: usize, mut chance: Chance) {
    let ttl = u64::try_from(world.plan.ttl.as_millis()).unwrap_or(u64::MAX);
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if world.weather.is_calm() {
            return;
        }
        if chance.happens(world.plan.freeze) {
            let time = chance.millis(10, ttl * 3);
            world
                .referee
                .tell(|| format!("machine {place} stands still for {time:?}"));
            world.machines[place].freeze();
            tokio::time::sleep(time).await;
            world.machines[place].thaw();
        }
    }
}
