//! How an embedded system is set up.

use crate::{
    clock::Sources, domain::placement::Policy, maintain::Retention, service::SourceConfig, worker::WorkerConfig,
};

/// How an embedded system is set up. The default is right for most programs.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The worker: its name, labels and slots.
    pub worker: WorkerConfig,
    /// Sessions and polls.
    pub source: SourceConfig,
    /// How workers that may run a task are compared, where several share a store.
    pub placement: Policy,
    /// How long ended trees are kept. Everything is kept by default.
    pub retention: Retention,
    /// Time and ids.
    pub sources: Sources,
}
