//! Schedules: refused when they make no sense, fired by the loop, at rest while they are paused.

use std::time::Duration;

use orchestrator_core::{
    maintain::{Service, timer},
    protocol::{NewSchedule, OverlapPolicy, ScheduleId, Timing},
    service::Engine,
    store::{ListQuery, StoreError},
};
use uuid::Uuid;

use super::world::{engine, field, task};

fn every(name: &str, seconds: f64) -> NewSchedule {
    NewSchedule {
        name: name.to_owned(),
        timing: Timing::EveryS(seconds),
        task: task("a"),
        overlap: OverlapPolicy::Queue,
        paused: false,
    }
}

fn cron(expression: &str) -> NewSchedule {
    NewSchedule {
        timing: Timing::Cron {
            expression: expression.to_owned(),
            time_zone: "UTC".to_owned(),
        },
        ..every("s", 1.0)
    }
}

async fn submitted(engine: &Engine) -> usize {
    engine.list(ListQuery::default()).await.unwrap().items.len()
}

#[tokio::test(start_paused = true)]
async fn nonsense_is_refused_when_it_is_created() {
    let engine = engine();
    assert_eq!(field(engine.put_schedule(every("", 60.0)).await), "name");
    assert_eq!(field(engine.put_schedule(every("s", 0.1)).await), "timing");
    assert_eq!(field(engine.put_schedule(cron("at nine")).await), "timing");
    assert_eq!(field(engine.put_schedule(cron("0 0 30 2 *")).await), "timing");
    // It did fire once, long ago.
    assert_eq!(field(engine.put_schedule(cron("0 0 0 1 1 * 2020")).await), "timing");
    let mut wrong = every("s", 60.0);
    wrong.task.priority = 11;
    assert_eq!(field(engine.put_schedule(wrong).await), "task.priority");
    let mut once = every("s", 60.0);
    once.task.idempotency_key = Some("k".to_owned());
    assert_eq!(field(engine.put_schedule(once).await), "task");
    assert!(engine.schedules().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn fires_on_time_rests_and_goes_on() {
    let engine = engine();
    let ticking = engine.clone();
    let timers = Service::start("timers", &engine.sources, move || timer::run(ticking.clone()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begin = engine.now();
    let schedule = engine.put_schedule(every("hourly", 3600.0)).await.unwrap();
    assert_eq!(schedule.next_at, Some(begin.plus(Duration::from_hours(1))));
    tokio::time::sleep(Duration::from_mins(150)).await;
    assert_eq!(submitted(&engine).await, 2);

    let paused = engine.pause_schedule(schedule.id, true).await.unwrap();
    assert!(paused.paused);
    tokio::time::sleep(Duration::from_hours(10)).await;
    assert_eq!(submitted(&engine).await, 2);

    let resumed = engine.pause_schedule(schedule.id, false).await.unwrap();
    assert_eq!(resumed.next_at, Some(engine.now().plus(Duration::from_hours(1))));
    assert_eq!(resumed.id, schedule.id);
    tokio::time::sleep(Duration::from_mins(61)).await;
    assert_eq!(submitted(&engine).await, 3);

    engine.delete_schedule(schedule.id).await.unwrap();
    tokio::time::sleep(Duration::from_hours(5)).await;
    assert_eq!(submitted(&engine).await, 3);
    timers.stop().await;
}

/// A schedule that is nearer than what the loop waits for wakes it.
#[tokio::test(start_paused = true)]
async fn a_nearer_schedule_wakes_the_loop() {
    let engine = engine();
    let ticking = engine.clone();
    let timers = Service::start("timers", &engine.sources, move || timer::run(ticking.clone()));
    tokio::time::sleep(Duration::from_millis(10)).await;
    engine.put_schedule(every("s", 1.0)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1010)).await;
    assert_eq!(submitted(&engine).await, 1);
    timers.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_name_replaces() {
    let engine = engine();
    let first = engine.put_schedule(every("s", 60.0)).await.unwrap();
    let second = engine.put_schedule(every("s", 120.0)).await.unwrap();
    assert_eq!(first.id, second.id);
    assert_eq!(engine.schedules().await.unwrap(), [second]);
    let unknown = ScheduleId::from_uuid(Uuid::from_u128(7));
    for refused in [
        engine.pause_schedule(unknown, true).await.err(),
        engine.schedule(unknown).await.err(),
        engine.delete_schedule(unknown).await.err(),
    ] {
        assert!(matches!(refused, Some(StoreError::NotFound(_))));
    }
}
