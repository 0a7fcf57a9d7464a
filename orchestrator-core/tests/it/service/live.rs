//! Live events: everything durable once and in order, whatever the bus does.

use std::{sync::Arc, time::Duration};

use orchestrator_core::{
    bus::local::LocalBus,
    clock::Sources,
    protocol::{Event, EventBody, EventType, ExternalResult, Json, NewTask, Seq, TaskId, TaskState},
    service::{Engine, Live, LocalSource, SourceConfig},
    store::{EventQuery, EventScope, ReportBody, StoreError, memory::MemoryStore},
};
use tokio::time::{Instant, timeout};

use super::world::{claim, complete, deaf, engine, open, over, report, submit, task};

const SOON: Duration = Duration::from_millis(100);

/// Everything that comes at once.
async fn what_comes(live: &mut Live) -> Vec<Event> {
    let mut events = Vec::new();
    while let Ok(event) = timeout(SOON, live.next()).await {
        events.push(event.unwrap());
    }
    events
}

fn seqs(events: &[Event]) -> Vec<Seq> {
    events.iter().map(|event| event.seq).collect()
}

fn kinds(events: &[Event]) -> Vec<EventType> {
    events.iter().map(|event| event.kind).collect()
}

async fn stored(engine: &Engine, scope: EventScope) -> Vec<Event> {
    let query = EventQuery {
        scope,
        limit: usize::MAX,
        ..EventQuery::default()
    };
    engine.events(query).await.unwrap()
}

async fn watch(engine: &Engine, scope: EventScope, after: Seq) -> Live {
    let query = EventQuery {
        scope,
        after,
        ..EventQuery::default()
    };
    engine.live(query).await.unwrap()
}

/// A live-only event of a task.
fn progress(seq: Seq, task: TaskId) -> Event {
    Event {
        seq,
        at: orchestrator_testkit::clock::START,
        kind: EventType::TaskProgress,
        task_id: Some(task),
        root_id: Some(task),
        body: EventBody::default(),
    }
}

/// What a bus says when others' events were lost on the way.
fn lagged(lost: Option<u64>) -> Event {
    Event {
        kind: EventType::Lagged,
        task_id: None,
        root_id: None,
        body: EventBody {
            lost,
            ..EventBody::default()
        },
        ..progress(Seq(0), TaskId::from_uuid(uuid::Uuid::nil()))
    }
}

/// Viewers that join at any moment while several tasks write see every durable event after where they began once, in
/// order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_viewer_joins_while_others_write() {
    const WRITERS: usize = 4;
    const BATCHES: usize = 60;
    let engine = Engine::new(
        Arc::new(MemoryStore::new()),
        Arc::new(LocalBus::new()),
        Sources::default(),
    );
    let last = WRITERS * BATCHES * 5;
    let write = |writer: usize| {
        let engine = engine.clone();
        async move {
            for batch in 0..BATCHES {
                engine.submit(vec![task("a"); 5]).await.unwrap();
                if (batch + writer).is_multiple_of(7) {
                    tokio::task::yield_now().await;
                }
            }
        }
    };
    let view = |viewer: usize| {
        let engine = engine.clone();
        async move {
            for _ in 0..viewer * 3 {
                tokio::task::yield_now().await;
            }
            let after = Seq((viewer * 20) as i64);
            let mut live = watch(&engine, EventScope::All, after).await;
            let mut events = Vec::new();
            while events.len() < last - viewer * 20 {
                let event = timeout(Duration::from_secs(20), live.next()).await;
                let event = event.expect("the last event comes").unwrap();
                if event.kind != EventType::Lagged {
                    events.push(event);
                }
            }
            (after, events)
        }
    };
    let viewers: Vec<_> = (0..8).map(|n| tokio::spawn(view(n))).collect();
    let writers: Vec<_> = (0..WRITERS).map(|n| tokio::spawn(write(n))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let all = stored(&engine, EventScope::All).await;
    assert_eq!(all.len(), last);
    for viewer in viewers {
        let (after, events) = viewer.await.unwrap();
        let expected: Vec<Seq> = seqs(&all).into_iter().filter(|seq| *seq > after).collect();
        assert_eq!(seqs(&events), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_viewer_loses_live_frames_only_and_is_told_once() {
    let engine = engine();
    let id = submit(&engine, task("a")).await;
    let mut live = watch(&engine, EventScope::All, Seq(0)).await;
    assert_eq!(what_comes(&mut live).await.len(), 1);
    engine.bus.publish(vec![progress(Seq(1), id); 3000]).await;
    for _ in 0..50 {
        engine.submit(vec![task("a"); 100]).await.unwrap();
    }
    let events = what_comes(&mut live).await;
    assert_eq!(events[0].kind, EventType::Lagged);
    assert_eq!(events[0].seq, Seq(1), "who goes on from here misses nothing");
    assert!(events[0].body.lost.unwrap() >= 3904);
    assert!(events[1..].iter().all(|event| event.kind.is_durable()));
    let all = stored(&engine, EventScope::All).await;
    assert_eq!(seqs(&events[1..]), seqs(&all)[1..]);
    assert_eq!(all.len(), 5001);
}

#[tokio::test(start_paused = true)]
async fn who_asked_for_durable_events_is_not_told_of_lost_frames() {
    let engine = engine();
    let id = submit(&engine, task("a")).await;
    let query = EventQuery {
        types: vec![EventType::TaskCreated],
        ..EventQuery::default()
    };
    let mut live = engine.live(query).await.unwrap();
    engine.bus.publish(vec![progress(Seq(1), id); 10_000]).await;
    assert_eq!(kinds(&what_comes(&mut live).await), [EventType::TaskCreated]);
    submit(&engine, task("a")).await;
    assert_eq!(kinds(&what_comes(&mut live).await), [EventType::TaskCreated]);
}

#[tokio::test(start_paused = true)]
async fn a_live_frame_never_overtakes_a_durable_event() {
    let engine = engine();
    let source = LocalSource::new(engine.clone(), SourceConfig::default());
    let session = open(&source).await;
    let id = submit(&engine, task("a")).await;
    let mut live = watch(&engine, EventScope::Task(id), Seq(0)).await;
    let leased = claim(&source, session).await;
    let line = |text: &str| ReportBody::Log {
        stream: "stdout".to_owned(),
        text: text.to_owned(),
        at: engine.now(),
    };
    report(&source, &leased, 1, line("one")).await;
    report(&source, &leased, 2, ReportBody::Progress(0.5)).await;
    let step = ReportBody::Step {
        name: "s".to_owned(),
        output: Json::NULL,
    };
    report(&source, &leased, 3, step).await;
    report(&source, &leased, 4, line("two")).await;
    let events = what_comes(&mut live).await;
    assert_eq!(
        kinds(&events),
        [
            EventType::TaskCreated,
            EventType::TaskState,
            EventType::TaskLog,
            EventType::TaskProgress,
            EventType::TaskStep,
            EventType::TaskLog,
        ]
    );
    assert!(seqs(&events).is_sorted());
    report(&source, &leased, 5, line("three")).await;
    assert_eq!(kinds(&what_comes(&mut live).await), [EventType::TaskLog]);
}

/// Two verbs that are told in the wrong order: the one that was committed first is not skipped.
#[tokio::test(start_paused = true)]
async fn events_that_the_bus_reorders_come_in_order() {
    let store = Arc::new(MemoryStore::new());
    let (mute, engine) = (super::world::deaf_over(store.clone()), over(store));
    let mut live = watch(&engine, EventScope::All, Seq(0)).await;
    submit(&mute, task("a")).await;
    submit(&mute, task("a")).await;
    let mut told = stored(&mute, EventScope::All).await;
    told.reverse();
    for event in told {
        engine.bus.publish(vec![event]).await;
    }
    assert_eq!(seqs(&what_comes(&mut live).await), [Seq(1), Seq(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_deaf_bus_costs_seconds_and_no_event() {
    let engine = deaf();
    let mut live = watch(&engine, EventScope::All, Seq(0)).await;
    let begin = Instant::now();
    submit(&engine, task("a")).await;
    assert_eq!(live.next().await.unwrap().seq, Seq(1));
    submit(&engine, task("a")).await;
    assert_eq!(live.next().await.unwrap().seq, Seq(2));
    assert!(begin.elapsed() <= Duration::from_secs(6), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_lost_something_makes_viewers_and_guests_look() {
    let store = Arc::new(MemoryStore::new());
    let (here, there) = (over(store.clone()), over(store));
    let mut live = watch(&here, EventScope::All, Seq(0)).await;
    assert!(what_comes(&mut live).await.is_empty());
    let first = submit(&there, task("a")).await;
    here.bus.publish(vec![lagged(Some(0))]).await;
    assert_eq!(
        kinds(&what_comes(&mut live).await),
        [EventType::TaskCreated],
        "and nothing was lost"
    );
    // How many were lost nobody knows as soon as one does not.
    submit(&there, task("a")).await;
    here.bus
        .publish(vec![lagged(Some(2)), lagged(None), lagged(Some(3))])
        .await;
    let seen = what_comes(&mut live).await;
    assert_eq!(kinds(&seen), [EventType::Lagged, EventType::TaskCreated]);
    assert_eq!(seen[0].body.lost, None);
    let began = Instant::now();
    let waiting = here.clone();
    let settled = tokio::spawn(async move { waiting.settled(first).await });
    timeout(SOON, std::future::pending::<()>()).await.expect_err("it waits");
    there.cancel(first, "no").await.unwrap();
    here.bus.publish(vec![lagged(Some(0))]).await;
    assert_eq!(settled.await.unwrap().unwrap().task.state, TaskState::Cancelled);
    assert!(began.elapsed() < SOON * 2, "without waiting for the poll");
}

#[tokio::test(start_paused = true)]
async fn others_are_looked_for_on_a_busy_bus_too() {
    let store = Arc::new(MemoryStore::new());
    let (engine, other) = (over(store.clone()), over(store));
    let watched = submit(&engine, task("a")).await;
    let unwatched = submit(&engine, task("a")).await;
    let mut live = watch(&engine, EventScope::Task(watched), Seq(0)).await;
    live.next().await.unwrap();
    other.cancel(watched, "from elsewhere").await.unwrap();
    let noise = async {
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            engine.bus.publish(vec![progress(Seq(2), unwatched)]).await;
        }
    };
    tokio::select! {
        event = live.next() => assert_eq!(event.unwrap().body.state, Some(TaskState::Cancelled)),
        () = noise => {}
        () = tokio::time::sleep(Duration::from_secs(7)) => panic!("it was not looked for"),
    }
}

fn below(parent: TaskId) -> NewTask {
    NewTask {
        parent_id: Some(parent),
        ..task("external")
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_tree_is_watched_with_what_is_born_into_it() {
    let engine = engine();
    let root = submit(&engine, task("external")).await;
    let top = submit(&engine, below(root)).await;
    let child = submit(&engine, below(top)).await;
    // States only: that children are born must be noticed all the same.
    let query = EventQuery {
        scope: EventScope::Tree(top),
        types: vec![EventType::TaskState, EventType::TaskProgress],
        ..EventQuery::default()
    };
    let mut live = engine.live(query).await.unwrap();
    assert!(what_comes(&mut live).await.is_empty());
    let grandchild = submit(&engine, below(child)).await;
    let frame = |task| Event {
        root_id: Some(root),
        ..progress(Seq(4), task)
    };
    let frames = [root, grandchild, child].map(frame).to_vec();
    engine.bus.publish(frames).await;
    for task in [grandchild, root] {
        let done = ExternalResult::Output(Json::NULL);
        engine.complete(task, done).await.unwrap();
    }
    let events = what_comes(&mut live).await;
    let seen: Vec<_> = events.iter().map(|e| (e.kind, e.task_id.unwrap())).collect();
    let (progress, state) = (EventType::TaskProgress, EventType::TaskState);
    // What is below a task that has ended is cancelled with it.
    assert_eq!(
        seen[..3],
        [(progress, grandchild), (progress, child), (state, grandchild)]
    );
    let mut cancelled: Vec<_> = seen[3..].to_vec();
    cancelled.sort();
    assert_eq!(cancelled, [(state, top), (state, child)]);
}

#[tokio::test(start_paused = true)]
async fn a_whole_tree_is_watched_and_others_are_not() {
    let engine = engine();
    let (root, other) = (
        submit(&engine, task("external")).await,
        submit(&engine, task("a")).await,
    );
    let mut live = watch(&engine, EventScope::Tree(root), Seq(0)).await;
    submit(&engine, below(root)).await;
    engine.cancel(other, "").await.unwrap();
    assert_eq!(seqs(&what_comes(&mut live).await), [Seq(1), Seq(3)]);
}

#[tokio::test(start_paused = true)]
async fn long_histories_are_read_in_pages() {
    let engine = engine();
    engine.submit(vec![task("a"); 3500]).await.unwrap();
    let mut live = watch(&engine, EventScope::All, Seq(700)).await;
    submit(&engine, task("a")).await;
    let expected: Vec<Seq> = (701..=3501).map(Seq).collect();
    assert_eq!(seqs(&what_comes(&mut live).await), expected);
    assert!(live.is_caught_up());
    assert_eq!(live.after(), Seq(3501));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_cannot_be_watched() {
    let engine = engine();
    let id = engine.sources.ids.task();
    for scope in [EventScope::Task(id), EventScope::Tree(id)] {
        let query = EventQuery {
            scope,
            ..EventQuery::default()
        };
        assert_eq!(engine.live(query).await.err(), Some(StoreError::TaskNotFound(id)));
    }
}

#[tokio::test(start_paused = true)]
async fn viewers_are_told_that_it_was_shut_down() {
    let engine = engine();
    let id = submit(&engine, task("a")).await;
    let mut live = watch(&engine, EventScope::Task(id), Seq(0)).await;
    live.next().await.unwrap();
    engine.close().await;
    assert!(matches!(live.next().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test(start_paused = true)]
async fn a_viewer_follows_a_task_from_its_birth_to_its_end() {
    let engine = engine();
    let source = LocalSource::new(engine.clone(), SourceConfig::default());
    let session = open(&source).await;
    let id = submit(&engine, task("a")).await;
    let leased = claim(&source, session).await;
    let mut live = watch(&engine, EventScope::Task(id), Seq(0)).await;
    complete(&source, &leased).await;
    let states: Vec<_> = what_comes(&mut live).await.into_iter().map(|e| e.body.state).collect();
    let expected = [TaskState::Ready, TaskState::Running, TaskState::Succeeded];
    assert_eq!(states, expected.map(Some));
}
