//! The bus by LISTEN and NOTIFY.

use std::sync::Arc;

use orchestrator_core::{
    bus::{Bus, Nudge},
    clock::Sources,
};
use orchestrator_postgres::{PostgresBus, PostgresOptions};
use orchestrator_protocol::{EventType, Seq};
use orchestrator_testkit::bus_suite::shared::{Ends, connected, event, joined, next};
use sqlx::{Connection, Executor};

use super::place::Place;

fn bus(place: &Place, schema: &str) -> Arc<dyn Bus> {
    let options = PostgresOptions {
        schema: schema.to_owned(),
        ..PostgresOptions::default()
    };
    let bus = PostgresBus::start(&place.url(), &options, Sources::default());
    Arc::new(bus.expect("a URL"))
}

fn ends(place: &Place) -> Ends {
    (bus(place, "orchestrator"), bus(place, "orchestrator"))
}

mod conformance {
    use super::{Place, bus, connected};

    orchestrator_testkit::bus_conformance!(async {
        let place = Place::new().await;
        let bus = bus(&place, "orchestrator");
        connected(&*bus).await;
        (bus, place)
    });
}

mod sharing {
    use super::{Place, ends};

    orchestrator_testkit::shared_bus_conformance!(async {
        let place = Place::new().await;
        (ends(&place), place)
    });
}

#[tokio::test]
async fn cut_connections_are_made_anew() {
    let place = Place::new().await;
    let ends = ends(&place);
    joined(&ends).await;
    let mut beside = sqlx::PgConnection::connect(&place.url()).await.expect("a connection");
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity \
               where datname=current_database() and pid<>pg_backend_pid()";
    for round in 1..=3 {
        let mut nudges = ends.1.nudges();
        beside.execute(cut).await.expect("the connections are cut");
        assert_eq!(next(&mut nudges).await, Nudge::Lost, "readers look at the store");
        joined(&ends).await;
        let mut events = ends.1.subscribe();
        // A connection of the other end may break only now, when it is used for the first time since.
        loop {
            ends.0.publish(vec![event(round, EventType::TaskLog)]).await;
            let heard = next(&mut events).await;
            if heard.kind != EventType::Lagged {
                assert_eq!(heard.seq, Seq(round));
                break;
            }
            joined(&ends).await;
        }
    }
    assert!(ends.1.health().losses >= 3);
    beside.close().await.ok();
}

#[tokio::test]
async fn fleets_in_one_database_do_not_hear_each_other() {
    let place = Place::new().await;
    let fleet = (bus(&place, "one"), bus(&place, "one"));
    let strangers = (bus(&place, "two"), bus(&place, "two"));
    joined(&fleet).await;
    joined(&strangers).await;
    let (mut here, mut there) = (fleet.1.subscribe(), strangers.1.subscribe());
    fleet.0.publish(vec![event(1, EventType::TaskLog)]).await;
    assert_eq!(next(&mut here).await.seq, Seq(1));
    strangers.0.publish(vec![event(2, EventType::TaskLog)]).await;
    assert_eq!(next(&mut there).await.seq, Seq(2));
}
