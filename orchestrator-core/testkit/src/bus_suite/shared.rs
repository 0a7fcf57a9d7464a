//! What every bus does that several processes share.

use std::{sync::Arc, time::Duration};

use orchestrator_core::bus::{Bus, Nudge};
use orchestrator_protocol::{Event, EventBody, EventType, Seq, SessionId, TaskId, TaskState};
use tokio::{
    sync::broadcast::{self, error::TryRecvError},
    time::timeout,
};
use uuid::Uuid;

use crate::clock::START;

/// What a test waits for at most. Machines that are busy are slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// Two ends of one bus, as two processes have them.
pub type Ends = (Arc<dyn Bus>, Arc<dyn Bus>);

/// An event of a task, with a text.
pub fn event(seq: i64, kind: EventType) -> Event {
    Event {
        seq: Seq(seq),
        at: START,
        kind,
        task_id: Some(TaskId::from_uuid(Uuid::from_u128(seq.unsigned_abs().into()))),
        root_id: Some(TaskId::from_uuid(Uuid::from_u128(1))),
        body: EventBody {
            state: kind.is_durable().then_some(TaskState::Succeeded),
            text: Some(format!("the text of {seq}")),
            ..EventBody::default()
        },
    }
}

/// Returns when both ends reach each other.
pub async fn joined((a, b): &Ends) {
    connected(&**a).await;
    connected(&**b).await;
}

/// Returns when a bus reaches others.
pub async fn connected(bus: &dyn Bus) {
    let connected = async {
        while !bus.reaches_others() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let connected = timeout(PATIENCE, connected).await;
    assert!(connected.is_ok(), "{:?}", bus.health());
}

/// The next thing that a receiver gets.
pub async fn next<T: Clone>(receiver: &mut broadcast::Receiver<T>) -> T {
    let next = timeout(PATIENCE, receiver.recv()).await;
    next.expect("something is heard in the end").expect("nothing was lost")
}

/// What one end publishes the other gets: what is live only as it is; of what is durable, which task it is about.
pub async fn what_one_publishes_the_other_gets(ends: Ends) {
    joined(&ends).await;
    let (a, b) = &ends;
    let mut there = b.subscribe();
    let sent = [
        event(1, EventType::TaskCreated),
        event(1, EventType::TaskLog),
        event(2, EventType::TaskState),
        event(2, EventType::TaskProgress),
    ];
    a.publish(sent.to_vec()).await;
    for event in sent {
        let got = next(&mut there).await;
        if event.kind.is_durable() {
            let about = |e: &Event| (e.seq, e.kind, e.task_id, e.root_id, e.body.state, e.body.parent_id);
            assert_eq!(about(&got), about(&event));
        } else {
            assert_eq!(got, event);
        }
    }
}

/// However many events there are, those of one publisher come in their order, and both directions at once.
pub async fn events_come_in_the_order_of_their_publisher(ends: Ends) {
    const COUNT: i64 = 1_500;
    joined(&ends).await;
    let (a, b) = ends;
    let run = |from: Arc<dyn Bus>, to: &Arc<dyn Bus>, first: i64| {
        let mut there = to.subscribe();
        let send = async move {
            for chunk in (first..first + COUNT).collect::<Vec<_>>().chunks(7) {
                let events = chunk.iter().map(|seq| event(*seq, EventType::TaskLog)).collect();
                from.publish(events).await;
                // As a busy process would: others get their turn.
                tokio::task::yield_now().await;
            }
        };
        let hear = async move {
            let mut expected = first;
            while expected < first + COUNT {
                let seq = next(&mut there).await.seq.0;
                // The other end's events are heard here too, by those who are in its process.
                if (first..first + COUNT).contains(&seq) {
                    assert_eq!(seq, expected);
                    expected += 1;
                }
            }
        };
        futures::future::join(send, hear)
    };
    futures::future::join(run(a.clone(), &b, 0), run(b.clone(), &a, 1_000_000)).await;
}

/// Whoever publishes hears it once: at once, and not again when it comes back.
pub async fn nothing_echoes(ends: Ends) {
    joined(&ends).await;
    let (a, b) = &ends;
    let (mut here, mut there) = (a.subscribe(), b.subscribe());
    let mut nudges = a.nudges();
    a.publish(vec![event(1, EventType::TaskLog)]).await;
    a.nudge(Nudge::Ready).await;
    assert_eq!(
        here.try_recv().map(|event| event.seq),
        Ok(Seq(1)),
        "without waiting for anyone"
    );
    assert_eq!(nudges.try_recv(), Ok(Nudge::Ready));
    next(&mut there).await;
    // What the other end says after it has heard is heard here after any echo.
    b.publish(vec![event(2, EventType::TaskLog)]).await;
    b.nudge(Nudge::Timer).await;
    assert_eq!(next(&mut here).await.seq, Seq(2));
    assert_eq!(next(&mut nudges).await, Nudge::Timer);
    assert_eq!(here.try_recv(), Err(TryRecvError::Empty));
}

/// Nudges reach the other end, and many of a kind come as few.
pub async fn nudges_reach_the_other(ends: Ends) {
    const MANY: usize = 20_000;
    joined(&ends).await;
    let (a, b) = &ends;
    let mut there = b.nudges();
    let session = SessionId::from_uuid(Uuid::from_u128(7));
    for nudge in [Nudge::Ready, Nudge::Timer, Nudge::Cancel(session)] {
        a.nudge(nudge).await;
        assert_eq!(next(&mut there).await, nudge);
    }
    for _ in 0..MANY {
        a.nudge(Nudge::Ready).await;
    }
    a.nudge(Nudge::Timer).await;
    let mut count = 0;
    loop {
        match next(&mut there).await {
            Nudge::Ready => count += 1,
            Nudge::Timer => break,
            other => panic!("nobody nudged {other:?}"),
        }
    }
    assert!(count < MANY / 10, "{count} nudges were sent one by one");
}

/// What is too much to be carried is not carried, and the other end is told to look.
pub async fn a_flood_is_told_as_lost(ends: Ends) {
    joined(&ends).await;
    let (a, b) = &ends;
    let mut there = b.subscribe();
    let flood: Vec<Event> = (0..50_000).map(|seq| event(seq, EventType::TaskState)).collect();
    a.publish(flood).await;
    let (mut lagged, mut last) = (false, false);
    while !(lagged && last) {
        match timeout(PATIENCE, there.recv())
            .await
            .expect("something is heard in the end")
        {
            Ok(event) if event.kind == EventType::Lagged => lagged = true,
            Ok(event) => last |= event.seq == Seq(49_999),
            Err(broadcast::error::RecvError::Lagged(_)) => lagged = true,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A test for each case: `shared_bus_conformance!(async { (ends, whatever_must_live_as_long) });`
#[macro_export]
macro_rules! shared_bus_conformance {
    ($open:expr) => {
        $crate::shared_bus_conformance!(@cases $open; what_one_publishes_the_other_gets
            events_come_in_the_order_of_their_publisher nothing_echoes nudges_reach_the_other a_flood_is_told_as_lost);
    };
    (@cases $open:expr; $($case:ident)*) => {
        $(#[tokio::test]
        async fn $case() {
            let (ends, _kept) = $open.await;
            $crate::bus_suite::shared::$case(ends).await;
        })*
    };
}
