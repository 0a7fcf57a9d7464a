//! The bus on Redis does what every bus does, and what every bus does that several processes share.

use std::sync::Arc;

use orchestrator_core::bus::Bus;
use orchestrator_redis::RedisBus;
use orchestrator_testkit::bus_suite::shared::connected;

use super::{prefix, redis, shared};

fn bus(prefix: &str) -> Arc<dyn Bus> {
    Arc::new(RedisBus::start(redis(&shared(), prefix)))
}

orchestrator_testkit::bus_conformance!(async {
    let bus = bus(&prefix());
    connected(&*bus).await;
    (bus, ())
});
orchestrator_testkit::shared_bus_conformance!(async {
    let prefix = prefix();
    ((bus(&prefix), bus(&prefix)), ())
});
