//! What the servers of a fleet share beside the store: chosen by how the server is set up.

use std::sync::Arc;

use orchestrator_core::{
    bus::{Bus, local::LocalBus},
    clock::Sources,
    presence::{Presence, Stored},
    store::StoreError,
};
use orchestrator_postgres::{PostgresBus, PostgresOptions};
use orchestrator_redis::{Buckets, Redis, RedisBus, RedisOptions, RedisPresence};

use crate::{Config, store};

/// What the servers of a fleet share beside the store. All of it may be lost.
pub(crate) struct Shared {
    /// Live events and wake-ups.
    pub(crate) bus: Arc<dyn Bus>,
    /// How busy workers' machines are.
    pub(crate) presence: Arc<dyn Presence>,
    /// How much each caller may still ask for.
    pub(crate) buckets: Option<Buckets>,
}

/// Over Redis where there is one; else over the database where several servers can share it; else within this process.
/// None of them is waited for.
pub(crate) fn open(config: &Config, sources: &Sources) -> Result<Shared, StoreError> {
    if let Some(url) = &config.redis {
        let redis = redis(url, config.redis_prefix.as_deref(), sources)?;
        return Ok(Shared {
            bus: Arc::new(RedisBus::start(redis.clone())),
            presence: Arc::new(RedisPresence::new(redis.clone())),
            buckets: Some(Buckets::new(redis)),
        });
    }
    let bus: Arc<dyn Bus> = if store::is_postgres(&config.database) {
        let options = PostgresOptions::default();
        Arc::new(PostgresBus::start(&config.database, &options, sources.clone())?)
    } else {
        Arc::new(LocalBus::new())
    };
    Ok(Shared {
        bus,
        presence: Arc::new(Stored),
        buckets: None,
    })
}

fn redis(url: &str, prefix: Option<&str>, sources: &Sources) -> Result<Redis, StoreError> {
    let mut options = RedisOptions::default();
    if let Some(prefix) = prefix {
        prefix.clone_into(&mut options.prefix);
    }
    Redis::new(url, options, sources.clone()).map_err(|error| StoreError::Unusable(format!("redis: {error}")))
}
