//! Buses do what every bus does: the one within a process, and the one between processes, whatever happens to what
//! carries it.

use std::{sync::Arc, time::Duration};

use orchestrator_core::{
    bus::{Bus, Nudge, local::LocalBus, relay::Relay},
    clock::Sources,
};
use orchestrator_protocol::{EventType, Seq};
use orchestrator_testkit::{
    bus_suite::shared::{Ends, event, joined, next},
    ether::{Ether, Weather},
};
use tokio::sync::broadcast::error::TryRecvError;

mod local {
    use super::{Arc, Bus, LocalBus};

    orchestrator_testkit::bus_conformance!(async { (Arc::new(LocalBus::new()) as Arc<dyn Bus>, ()) });
}

mod relay {
    use super::{Arc, Bus, Ether, Relay, Sources, ends};

    orchestrator_testkit::bus_conformance!(async {
        let relay = Relay::start(Ether::default(), Sources::default());
        relay.connected().await;
        (Arc::new(relay) as Arc<dyn Bus>, ())
    });
    orchestrator_testkit::shared_bus_conformance!(async { ends(&Ether::default()) });
}

fn ends(ether: &Ether) -> (Ends, ()) {
    let end = || Arc::new(Relay::start(ether.clone(), Sources::default())) as Arc<dyn Bus>;
    ((end(), end()), ())
}

/// Lets time pass, and everything that happens in it. Time is the test's.
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_is_cut_says_so_and_is_back_by_itself() {
    let ether = Ether::default();
    let (ends, ()) = ends(&ether);
    joined(&ends).await;
    let (a, b) = &ends;
    assert_eq!((a.health().trouble, a.health().losses), (None, 0));
    let (mut nudges, mut events) = (b.nudges(), b.subscribe());
    ether.turn(Weather::Cut);
    assert_eq!(next(&mut nudges).await, Nudge::Lost, "everyone looks");
    let lagged = next(&mut events).await;
    assert_eq!((lagged.kind, lagged.body.lost), (EventType::Lagged, Some(0)));
    assert!(!b.reaches_others());
    let health = b.health();
    assert_eq!(
        (health.trouble.as_deref(), health.losses),
        (Some("the ether is cut"), 1)
    );
    // Within the process it goes on.
    b.publish(vec![event(1, EventType::TaskLog)]).await;
    assert_eq!(events.try_recv().map(|event| event.seq), Ok(Seq(1)));
    a.nudge(Nudge::Ready).await;
    pass(Duration::from_mins(10)).await;
    assert_eq!(nudges.try_recv(), Err(TryRecvError::Empty));
    ether.turn(Weather::Fair);
    pass(Duration::from_secs(3)).await;
    joined(&ends).await;
    assert_eq!(next(&mut nudges).await, Nudge::Lost, "it may have been anything");
    let lagged = next(&mut events).await;
    assert_eq!((lagged.kind, lagged.body.lost), (EventType::Lagged, None));
    a.publish(vec![event(2, EventType::TaskLog)]).await;
    loop {
        let event = next(&mut events).await;
        if event.kind != EventType::Lagged {
            assert_eq!(event.seq, Seq(2), "what was old by then does not come late");
            break;
        }
    }
    assert_eq!(b.health().trouble, None);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_only_seems_to_work_is_found_out() {
    for weather in [Weather::Silent, Weather::Mute] {
        let ether = Ether::default();
        let (ends, ()) = ends(&ether);
        joined(&ends).await;
        ether.turn(weather);
        pass(Duration::from_secs(10)).await;
        assert!(!ends.0.reaches_others() && !ends.1.reaches_others(), "{weather:?}");
        pass(Duration::from_mins(1)).await;
        assert_eq!(ends.0.health().losses, 1, "it is not lost before it is there again");
        ether.turn(Weather::Fair);
        pass(Duration::from_secs(11)).await;
        joined(&ends).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_sent_is_told_as_lost() {
    let ether = Ether::default();
    let (ends, ()) = ends(&ether);
    joined(&ends).await;
    let (a, b) = &ends;
    let mut events = b.subscribe();
    // Only what is sent is broken, and only for a moment: the other end has noticed nothing.
    ether.turn(Weather::Mute);
    a.publish((1..=3).map(|seq| event(seq, EventType::TaskLog)).collect())
        .await;
    while a.reaches_others() {
        pass(Duration::from_millis(1)).await;
    }
    ether.turn(Weather::Fair);
    joined(&ends).await;
    assert!(b.reaches_others());
    let lagged = next(&mut events).await;
    assert_eq!((lagged.kind, lagged.body.lost), (EventType::Lagged, Some(3)));
}

#[tokio::test(start_paused = true)]
async fn an_idle_bus_is_quiet() {
    let ether = Ether::default();
    let (ends, ()) = ends(&ether);
    joined(&ends).await;
    ether.take_sent();
    pass(Duration::from_mins(1)).await;
    let sent = ether.take_sent();
    assert!(
        (20..=50).contains(&sent.len()),
        "{} texts of two in a minute",
        sent.len()
    );
    assert!(ends.0.reaches_others());
}

#[tokio::test(start_paused = true)]
async fn others_may_use_the_same_channel() {
    let ether = Ether::default();
    let (ends, ()) = ends(&ether);
    joined(&ends).await;
    let (mut events, mut nudges) = (ends.1.subscribe(), ends.1.nudges());
    for text in ["", "hello", "{}", "{\"v\":1}", "[1,2]", "{\"v\":9,\"from\":\"x\"}"] {
        ether.shout(text);
    }
    ends.0.publish(vec![event(1, EventType::TaskLog)]).await;
    assert_eq!(next(&mut events).await.seq, Seq(1));
    assert_eq!(nudges.try_recv(), Err(TryRecvError::Empty));
}
