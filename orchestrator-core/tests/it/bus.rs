//! The local bus does what every bus does.

use std::sync::Arc;

use orchestrator_core::bus::{Bus, local::LocalBus};

orchestrator_testkit::bus_conformance!(async { Arc::new(LocalBus::new()) as Arc<dyn Bus> });
