//! The memory store does what every store does.

use std::sync::Arc;

use orchestrator_core::store::{Store, memory::MemoryStore};

orchestrator_testkit::store_conformance!(async { (Arc::new(MemoryStore::new()) as Arc<dyn Store>, ()) });
