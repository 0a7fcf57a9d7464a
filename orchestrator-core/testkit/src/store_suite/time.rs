//! Times: starts, deadlines, schedules.

use std::time::Duration;

use orchestrator_core::domain::cron;
use orchestrator_protocol::{NewTask, OverlapPolicy, Schedule, ScheduleId, TaskState, Timing};
use uuid::Uuid;

use crate::harness::{Harness, task};

pub async fn a_task_starts_at_its_time(h: &Harness) {
    let at = h.now().plus(Duration::from_mins(1));
    let id = h
        .submit(NewTask {
            run_at: Some(at),
            ..task("a")
        })
        .await;
    let past = h
        .submit(NewTask {
            run_at: Some(h.now()),
            ..task("b")
        })
        .await;
    assert_eq!(h.states(&[id, past]).await, [TaskState::Scheduled, TaskState::Ready]);
    assert_eq!(h.tick().await.next_at, Some(at));
    assert_eq!(h.pass(Duration::from_secs(59)).await.due, 0);
    assert_eq!(h.pass(Duration::from_secs(1)).await.due, 1);
    assert_eq!(h.state(id).await, TaskState::Ready);
    assert_eq!(h.tick().await.due, 0);
}

pub async fn a_missed_deadline_fails(h: &Harness) {
    let deadline = Some(h.now().plus(Duration::from_mins(1)));
    let late = h.submit(NewTask { deadline, ..task("a") }).await;
    let started = h.submit(NewTask { deadline, ..task("b") }).await;
    let session = h.session(&["b"]).await;
    let leased = h.claim_one(session).await;
    h.pass(Duration::from_mins(1)).await;
    assert_eq!(h.state(late).await, TaskState::Failed);
    assert!(h.get(late).await.error.expect("why").message.contains("deadline"));
    assert_ne!(h.state(started).await, TaskState::Failed, "what has started may go on");
    assert_eq!(leased.id, started);
}

pub async fn next_at_tells_when(h: &Harness) {
    assert_eq!(h.tick().await.next_at, None);
    h.session(&["a"]).await;
    let expiry = h.now().plus(crate::harness::TTL);
    assert_eq!(h.tick().await.next_at, Some(expiry));
    h.submit_all(
        (0..5)
            .map(|_| NewTask {
                run_at: Some(h.now().plus(Duration::from_secs(1))),
                ..task("a")
            })
            .collect(),
    )
    .await;
    h.clock.advance(Duration::from_secs(1));
    let ticked = h.store.tick(h.now(), 3).await.expect("a tick").value;
    assert_eq!(ticked.due, 3);
    assert!(ticked.next_at.is_some_and(|at| at <= h.now()), "more is due");
    assert_eq!(h.store.tick(h.now(), 3).await.expect("a tick").value.due, 2);
}

fn every_minute(h: &Harness, overlap: OverlapPolicy) -> Schedule {
    let timing = Timing::EveryS(60.0);
    Schedule {
        id: ScheduleId::from_uuid(Uuid::from_u128(5)),
        name: "minutely".into(),
        next_at: cron::next_after(&timing, h.now(), h.now()),
        timing,
        task: task("a"),
        overlap,
        paused: false,
        last_task_id: None,
    }
}

pub async fn schedules_fire_once(h: &Harness) {
    let schedule = h
        .store
        .put_schedule(every_minute(h, OverlapPolicy::Queue))
        .await
        .expect("a schedule");
    assert_eq!(h.tick().await.next_at, schedule.next_at);
    assert_eq!(h.pass(Duration::from_mins(1)).await.scheduled, 1);
    assert_eq!(h.tick().await.scheduled, 0);
    assert_eq!(h.all().await.len(), 1);
    assert_eq!(
        h.pass(Duration::from_mins(10)).await.scheduled,
        1,
        "missed firings count as one"
    );
    let after = h.store.schedules().await.expect("schedules").remove(0);
    assert_eq!(
        after.next_at,
        Some(h.now().plus(Duration::from_mins(1))),
        "on the grid of its beginning"
    );
    assert_eq!(h.all().await[0].id, after.last_task_id.expect("a task"));
}

pub async fn schedules_do_not_overlap(h: &Harness) {
    for (overlap, expected) in [
        (OverlapPolicy::Skip, vec![TaskState::Ready]),
        (OverlapPolicy::Queue, vec![TaskState::Blocked, TaskState::Ready]),
        (
            OverlapPolicy::CancelPrevious,
            vec![TaskState::Ready, TaskState::Cancelled],
        ),
    ] {
        let schedule = h
            .store
            .put_schedule(every_minute(h, overlap))
            .await
            .expect("a schedule");
        let before = h.all().await.len();
        h.pass(Duration::from_mins(1)).await;
        h.pass(Duration::from_mins(1)).await;
        let tasks = h.all().await;
        let states: Vec<_> = tasks[..tasks.len() - before].iter().map(|t| t.state).collect();
        assert_eq!(states, expected, "{overlap:?}");
        h.store.delete_schedule(schedule.id).await.expect("it exists");
        for task in tasks {
            h.cancel(task.id).await;
        }
    }
}

pub async fn schedules_can_be_changed(h: &Harness) {
    let first = h
        .store
        .put_schedule(every_minute(h, OverlapPolicy::Skip))
        .await
        .expect("a schedule");
    let paused = Schedule {
        paused: true,
        id: ScheduleId::from_uuid(Uuid::from_u128(6)),
        ..first.clone()
    };
    let second = h.store.put_schedule(paused).await.expect("a schedule");
    assert_eq!(second.id, first.id, "the name says which one it is");
    assert_eq!(h.store.schedules().await.expect("schedules"), [second]);
    assert_eq!(h.pass(Duration::from_mins(2)).await.scheduled, 0);
    h.store.delete_schedule(first.id).await.expect("it exists");
    assert!(h.store.delete_schedule(first.id).await.is_err());
}
