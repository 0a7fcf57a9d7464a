//! People and programs around the system: they submit, answer, intervene, repair and watch.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use orchestrator_core::store::{EventQuery, Intervention, StoreError, SubmittedTask};
use orchestrator_protocol::{
    Decision, ExternalResult, Json, NewTask, Seq, TaskError, TaskId, TaskRef, TaskState, Verdict,
};

use super::world::World;
use crate::chance::Chance;

/// Submits batches, again when it does not hear what became of them.
pub async fn submit(world: Arc<World>, mut chance: Chance) {
    let mut author = world.author(chance.fork());
    let mut earlier: Vec<TaskId> = Vec::new();
    let pause = u64::try_from(world.plan.chaos.as_millis()).unwrap_or(u64::MAX) / world.plan.batches;
    for number in 0..world.plan.batches {
        let mut batch = author.batch(number, &earlier);
        set_times(&world, &mut batch, &mut chance);
        place_below(&world, &mut batch, &mut chance);
        let Some(tasks) = send(&world, &batch, &mut chance).await else {
            tokio::time::sleep(chance.millis(0, pause)).await;
            continue;
        };
        let ids: Vec<TaskId> = tasks.iter().map(SubmittedTask::id).collect();
        for id in &ids {
            tokio::spawn(await_result(world.clone(), *id));
        }
        insist(&world, batch, &ids, &mut chance).await;
        earlier.extend(ids);
        tokio::time::sleep(chance.millis(0, pause)).await;
    }
}

/// Some tasks start later, and some must start in time.
fn set_times(world: &World, batch: &mut [NewTask], chance: &mut Chance) {
    let now = world.engine.now();
    for task in batch {
        if chance.happens(0.1) {
            task.run_at = Some(now.plus(chance.millis(0, 8_000)));
        }
        if chance.happens(0.05) {
            task.deadline = Some(now.plus(chance.millis(100, 20_000)));
        }
    }
}

/// Now and then a batch belongs below a task that exists.
fn place_below(world: &World, batch: &mut [NewTask], chance: &mut Chance) {
    if !chance.happens(0.1) {
        return;
    }
    let running = |model: &mut super::model::Model| -> Vec<TaskId> {
        let running = model
            .tasks
            .iter()
            .filter(|(_, known)| known.state == TaskState::Running);
        running.map(|(id, _)| *id).collect()
    };
    let running = world.referee.model(running);
    if running.is_empty() {
        return;
    }
    let parent = *chance.pick(&running);
    for task in batch {
        task.parent_id = Some(parent);
    }
}

/// Sends a batch until it is answered; none when it was refused, or has no keys by which to send it again.
async fn send(world: &World, batch: &[NewTask], chance: &mut Chance) -> Option<Vec<SubmittedTask>> {
    let wire = world.plan.wire;
    let keyed = batch.iter().all(|task| task.idempotency_key.is_some());
    loop {
        let rough = !world.weather.is_calm();
        let lost = rough && chance.happens(wire.lose_request);
        let unheard = rough && chance.happens(wire.lose_answer);
        if !lost {
            match world.engine.submit(batch.to_vec()).await {
                Ok(tasks) if !unheard => return Some(tasks),
                Err(error) if !error.is_transient() => return None,
                _ => {}
            }
        }
        if !keyed {
            return None;
        }
        tokio::time::sleep(chance.millis(10, 2_000)).await;
    }
}

/// Submits again what was submitted: as it was, changed, or as nonsense.
async fn insist(world: &World, mut batch: Vec<NewTask>, ids: &[TaskId], chance: &mut Chance) {
    if batch.iter().any(|task| task.idempotency_key.is_none()) {
        return;
    }
    if chance.happens(0.3) {
        match world.engine.submit(batch.clone()).await {
            Ok(again) if again.iter().map(SubmittedTask::id).eq(ids.iter().copied()) => {}
            Ok(_) => world.referee.blame("a batch that was submitted again is another one"),
            Err(error) if error.is_transient() => {}
            // A parent that has ended refuses children, also those that it has.
            Err(StoreError::StateConflict { .. }) => {}
            Err(error) => world
                .referee
                .blame(format!("a batch that was submitted again was refused: {error}")),
        }
    }
    if chance.happens(0.1) {
        batch[0].priority = batch[0].priority % 10 + 1;
        match world.engine.submit(batch.clone()).await {
            Ok(_) => world.referee.blame("another batch with the same keys was taken"),
            Err(error) if error.is_transient() => {}
            Err(StoreError::IdempotencyConflict { .. } | StoreError::StateConflict { .. }) => {}
            Err(error) => world
                .referee
                .blame(format!("another batch with the same keys: {error}")),
        }
    }
    if chance.happens(0.1) {
        for task in &mut batch {
            task.idempotency_key = None;
            task.depends_on.extend(task.local_ref.clone().map(TaskRef::Local));
        }
        if world.engine.submit(batch).await.is_ok() {
            world
                .referee
                .blame("a batch of tasks that depend on themselves was taken");
        }
    }
}

/// Waits for a task as a client does.
async fn await_result(world: Arc<World>, id: TaskId) {
    loop {
        match world.engine.result(id, Duration::from_hours(24)).await {
            Ok(task) if task.state.is_terminal() => return,
            Ok(task) => {
                return world
                    .referee
                    .blame(format!("{id} was awaited for a day and is {}", task.state));
            }
            Err(error) if error.is_transient() => tokio::time::sleep(Duration::from_millis(500)).await,
            Err(error) => {
                return world
                    .referee
                    .blame(format!("{id} was acknowledged, and waiting for it: {error}"));
            }
        }
    }
}

/// Answers what waits for people and outside systems, sometimes twice.
pub async fn answer(world: Arc<World>, mut chance: Chance) {
    loop {
        tokio::time::sleep(chance.millis(300, 2_000)).await;
        let waiting = world.referee.model(|model| {
            let waiting = |(id, known): (&TaskId, &super::model::Known)| {
                let waits = known.is_external() && known.state == TaskState::Waiting;
                waits.then(|| (*id, known.spec.clone()))
            };
            model.tasks.iter().filter_map(waiting).collect::<Vec<_>>()
        });
        for (id, spec) in waiting {
            let calm = world.weather.is_calm();
            if !calm && chance.happens(0.6) {
                continue;
            }
            let result = if !calm && chance.happens(0.05) {
                world.referee.model(|model| model.disturb(id));
                ExternalResult::Error(TaskError::terminal("the outside system failed"))
            } else if spec.task_type == "checkpoint" {
                ExternalResult::Output(decision())
            } else {
                ExternalResult::Output(spec.input.clone())
            };
            // Whether it was taken is the model's to judge; what failed is tried again in the next round.
            let _ = world.engine.complete(id, result.clone()).await;
            if chance.happens(0.2) {
                let _ = world.engine.complete(id, result).await;
            }
        }
    }
}

fn decision() -> Json {
    let decision = Decision {
        decision: Verdict::Accept,
        feedback: String::new(),
    };
    Json::of(&decision).unwrap_or_default()
}

/// Cancels, pauses, resumes and retries tasks as they come, and pauses a queue.
pub async fn intervene(world: Arc<World>, mut chance: Chance) {
    loop {
        tokio::time::sleep(chance.millis(200, 1_800)).await;
        if world.weather.is_calm() {
            return;
        }
        if !chance.happens(world.plan.intervene) {
            continue;
        }
        let tasks: Vec<TaskId> = world.referee.model(|model| model.tasks.keys().copied().collect());
        if tasks.is_empty() {
            continue;
        }
        let id = *chance.pick(&tasks);
        match chance.place(6) {
            0 => {
                world.referee.model(|model| model.disturb(id));
                let _ = world.engine.cancel(id, "an operator says so").await;
            }
            1 | 2 => {
                let _ = world.engine.pause(id).await;
            }
            3 => {
                let _ = world.engine.resume(id).await;
            }
            4 => {
                let _ = world.engine.retry(id).await;
            }
            _ => {
                let _ = world.engine.pause_queue("side", chance.happens(0.5)).await;
            }
        }
    }
}

/// Decides what needs a person's attention; in calm weather resumes what is paused.
pub async fn repair(world: Arc<World>, mut chance: Chance) {
    loop {
        tokio::time::sleep(chance.millis(1_000, 4_000)).await;
        let calm = world.weather.is_calm();
        if calm {
            let _ = world.engine.pause_queue("side", false).await;
        }
        let stuck = world.referee.model(|model| {
            let stuck = |state| match state {
                TaskState::NeedsAttention => Some(Intervention::Retry),
                TaskState::Paused if calm => Some(Intervention::Resume),
                _ => None,
            };
            let stuck = model
                .tasks
                .iter()
                .filter_map(|(id, known)| Some((*id, stuck(known.state)?)));
            stuck.collect::<Vec<_>>()
        });
        for (id, what) in stuck {
            if calm || chance.happens(0.3) {
                let _ = match what {
                    Intervention::Retry => world.engine.retry(id).await,
                    _ => world.engine.resume(id).await,
                };
            }
        }
    }
}

/// Sets the clock forward, and a little back.
pub async fn jump(world: Arc<World>, mut chance: Chance) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if world.weather.is_calm() {
            return;
        }
        if chance.happens(world.plan.jump) {
            let micros = match chance.place(4) {
                0 => -(chance.between(1, 2_000_000) as i64),
                1 => chance.between(1, 60_000_000) as i64,
                _ => chance.between(1, 1_000_000) as i64,
            };
            world.referee.tell(|| format!("the clock jumps by {micros} us"));
            world.clock.jump(micros);
        }
    }
}

/// Reads every event as it comes, with a connection that breaks now and then; at the end it has missed nothing.
pub async fn view(world: Arc<World>, seen: Arc<std::sync::Mutex<Vec<Seq>>>, mut chance: Chance) {
    let mut after = Seq(0);
    let mut known: BTreeSet<Seq> = BTreeSet::new();
    loop {
        let query = EventQuery {
            after,
            ..EventQuery::default()
        };
        let Ok(mut live) = world.engine.live(query).await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let reads = chance.between(1, 200);
        for _ in 0..reads {
            let Ok(event) = live.next().await else { break };
            after = after.max(event.seq);
            if event.kind.is_durable() {
                if !known.insert(event.seq) {
                    world
                        .referee
                        .blame(format!("a viewer was told the event {} twice", event.seq));
                }
                if let Ok(mut seen) = seen.lock() {
                    seen.push(event.seq);
                }
            }
        }
    }
}
