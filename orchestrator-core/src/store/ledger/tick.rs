//! What time brings: silent sessions end, timers ring, deadlines pass, schedules fire.

use std::collections::HashMap;
use std::sync::Arc;

use orchestrator_protocol::{
    Decision, ErrorClass, ExternalResult, Json, OverlapPolicy, Schedule, TaskError, TaskId, TaskState, Timestamp,
};
use serde::Deserialize;

use super::{arrive::take_in, birth::Birth, submit::lane_of, work::Work};
use crate::{
    domain::cron,
    store::{Committed, Ticked, error::StoreError, row::Key, tx::Tx},
};

/// Does what is due, at most `limit` tasks of it.
///
/// # Errors
///
/// The storage failed.
pub async fn tick<T: Tx>(tx: &mut T, now: Timestamp, limit: usize) -> Result<Committed<Ticked>, StoreError> {
    let mut work = Work::new(tx, now);
    let mut ticked = Ticked {
        arrived: take_in(&mut work, limit).await?,
        ..Ticked::default()
    };
    let expired: Vec<_> = work.tx.expired_sessions(now).await?.into_iter().map(|s| s.id).collect();
    if !expired.is_empty() {
        ticked.rescued = work.end_sessions(&expired).await?;
        work.follow().await?;
    }
    let due = work.tx.due(now, limit).await?;
    ticked.due = due.len();
    for key in work.adopt(due) {
        come_due(&mut work, key).await?;
    }
    work.follow().await?;
    let schedules = work.tx.due_schedules(now).await?;
    ticked.scheduled = schedules.len();
    for schedule in schedules {
        fire(&mut work, schedule).await?;
    }
    work.follow().await?;
    ticked.next_at = if ticked.due >= limit || ticked.arrived >= limit {
        Some(now)
    } else {
        next_at(&mut work).await?
    };
    work.finish_one(ticked).await
}

async fn next_at<T: Tx>(work: &mut Work<'_, T>) -> Result<Option<Timestamp>, StoreError> {
    let moments = [
        work.tx.next_due().await?,
        work.tx.next_expiry().await?,
        work.tx.next_schedule().await?,
    ];
    Ok(moments.into_iter().flatten().min())
}

async fn come_due<T: Tx>(work: &mut Work<'_, T>, key: Key) -> Result<(), StoreError> {
    let row = work.row(key);
    if row.due_at().is_none_or(|at| at > work.now) {
        return Ok(());
    }
    let missed = row.started_at.is_none() && row.spec.deadline.is_some_and(|at| at <= work.now);
    if missed {
        return miss(work, key);
    }
    if row.suspended && row.gate.is_some() {
        // Its timer rang before what it waits for: it goes on and waits for nobody.
        work.flush().await?;
        work.tx.delete_edges_of(&[key]).await?;
        work.change(key).gate = None;
    }
    work.free(key, None)
}

/// What a checkpoint may say about its own end.
#[derive(Deserialize)]
struct Defaults {
    default: Option<Decision>,
}

/// The deadline passed before the task was started or answered.
fn miss<T: Tx>(work: &mut Work<'_, T>, key: Key) -> Result<(), StoreError> {
    let row = work.row(key);
    let default = (row.spec.task_type == "checkpoint" && row.state == TaskState::Waiting)
        .then(|| row.spec.input.to::<Defaults>().ok().and_then(|d| d.default))
        .flatten();
    if let Some(decision) = default {
        let output = Json::of(&decision).unwrap_or_default();
        return work.finish_external(key, ExternalResult::Output(output), Some(decision));
    }
    let message = if row.is_external() {
        "nobody answered before the deadline"
    } else {
        "not started before its deadline"
    };
    work.fail_now(key, TaskError::new(ErrorClass::Terminal, message))
}

/// Submits a schedule's task and sets its next time. Firings that were missed while nobody ran count as one.
async fn fire<T: Tx>(work: &mut Work<'_, T>, mut schedule: Schedule) -> Result<(), StoreError> {
    let due = schedule.next_at.unwrap_or(work.now);
    schedule.next_at = cron::next_after(&schedule.timing, due, work.now);
    let mut previous = None;
    if let Some(id) = schedule.last_task_id {
        work.load(&[id]).await?;
        previous = work
            .by_id(id)
            .filter(|row| !row.state.is_terminal())
            .map(|row| (row.key, row.id));
    }
    match (schedule.overlap, previous) {
        (OverlapPolicy::Skip, Some(_)) => return work.tx.update_schedule(schedule).await,
        (OverlapPolicy::CancelPrevious, Some((key, _))) => {
            work.cancel(key, "its schedule fired again")?;
            work.follow().await?;
        }
        _ => {}
    }
    let mut spec = schedule.task.clone();
    // The same firing is never submitted twice, and its id can be told beforehand.
    let id = firing_id(&schedule, due);
    let mut depends_on = Vec::new();
    if let (OverlapPolicy::Queue, Some((key, previous))) = (schedule.overlap, previous) {
        spec.depends_on = vec![previous.into()];
        spec.on_dependency_failure = orchestrator_protocol::OnDependencyFailure::Continue;
        depends_on.push(key);
    }
    let spec = Arc::new(spec);
    let lane = lane_of(work, &mut HashMap::new(), &spec).await?;
    let key = work.tx.next_keys(1);
    work.bear(Birth {
        key,
        id,
        spec,
        lane,
        parent: None,
        step: None,
        group: None,
        queued: false,
        depends_on,
    })?;
    schedule.last_task_id = Some(id);
    work.tx.update_schedule(schedule).await
}

/// An id made of the schedule and the firing: version 8, the time first so that it sorts like the others.
fn firing_id(schedule: &Schedule, due: Timestamp) -> TaskId {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    hash.update(schedule.id.as_bytes());
    hash.update(due.as_micros().to_be_bytes());
    let digest = hash.finalize();
    let mut bytes = [0_u8; 16];
    bytes[..6].copy_from_slice(&(due.as_micros() / 1000).to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&digest[..10]);
    TaskId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
