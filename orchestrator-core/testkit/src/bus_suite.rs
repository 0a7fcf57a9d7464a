//! What every bus does.

pub mod shared;

use std::sync::Arc;

use orchestrator_core::bus::{Bus, Nudge};
use orchestrator_protocol::{Event, EventBody, EventType, Seq, SessionId};
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use crate::clock::START;

fn event(seq: i64) -> Event {
    Event {
        seq: Seq(seq),
        at: START,
        kind: EventType::TaskState,
        task_id: None,
        root_id: None,
        body: EventBody::default(),
    }
}

/// Everyone who listens hears everything from then on, in order.
pub async fn fan_out_in_order(bus: Arc<dyn Bus>) {
    bus.publish(vec![event(1)]).await;
    let (mut a, mut b) = (bus.subscribe(), bus.subscribe());
    bus.publish((2..=50).map(event).collect()).await;
    bus.publish(vec![event(51)]).await;
    for seq in 2..=51 {
        assert_eq!(a.recv().await.expect("an event").seq, Seq(seq));
        assert_eq!(b.recv().await.expect("an event").seq, Seq(seq));
    }
}

/// Who is too slow is told how much was lost, and goes on with what is newest.
pub async fn a_slow_reader_is_told(bus: Arc<dyn Bus>) {
    let mut slow = bus.subscribe();
    let mut sent = 0;
    let lost = loop {
        bus.publish((sent..sent + 10_000).map(event).collect()).await;
        sent += 10_000;
        match slow.recv().await {
            Err(RecvError::Lagged(lost)) => break lost,
            Ok(_) => assert!(sent < 10_000_000, "a bus keeps a bounded number of events"),
            Err(RecvError::Closed) => panic!("the bus is open"),
        }
    };
    let next = slow.recv().await.expect("an event").seq.0;
    assert!(
        lost > 0 && next >= i64::try_from(lost).expect("small") && next < sent,
        "lost {lost}, went on at {next}"
    );
}

/// Publishing without listeners is no error and keeps nothing.
pub async fn nobody_listens(bus: Arc<dyn Bus>) {
    bus.publish((0..10).map(event).collect()).await;
    bus.nudge(Nudge::Ready).await;
    let mut late = bus.subscribe();
    bus.publish(vec![event(11)]).await;
    assert_eq!(late.recv().await.expect("an event").seq, Seq(11));
}

/// Nudges arrive as they are.
pub async fn nudges_arrive(bus: Arc<dyn Bus>) {
    let mut nudges = bus.nudges();
    let session = SessionId::from_uuid(Uuid::from_u128(7));
    for nudge in [Nudge::Ready, Nudge::Timer, Nudge::Cancel(session)] {
        bus.nudge(nudge).await;
        assert_eq!(nudges.recv().await, Ok(nudge));
    }
}

/// A test for each case: `bus_conformance!(async { (bus, whatever_must_live_as_long) });`. A bus between processes is to
/// be connected: while it connects it tells readers to look.
#[macro_export]
macro_rules! bus_conformance {
    ($open:expr) => {
        $crate::bus_conformance!(@cases $open; fan_out_in_order a_slow_reader_is_told nobody_listens nudges_arrive);
    };
    (@cases $open:expr; $($case:ident)*) => {
        $(#[tokio::test]
        async fn $case() {
            let (bus, _kept) = $open.await;
            $crate::bus_suite::$case(bus).await;
        })*
    };
}
