//! The SQLite store does what every store does.

use std::sync::Arc;

use orchestrator_core::store::Store;

use super::Place;

orchestrator_testkit::store_conformance!(async {
    let place = Place::new();
    (Arc::new(place.open().await) as Arc<dyn Store>, place)
});

orchestrator_testkit::order_conformance!(async {
    let place = Place::new();
    (Arc::new(place.open().await) as Arc<dyn Store>, place)
});
