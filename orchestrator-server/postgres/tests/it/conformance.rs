//! The PostgreSQL store does what every store does.

use super::place::{Place, shared};

orchestrator_testkit::store_conformance!(async {
    let place = Place::new().await;
    (shared(&place).await, place)
});

orchestrator_testkit::order_conformance!(async {
    let place = Place::new().await;
    (shared(&place).await, place)
});
