//! What the servers of a fleet share in Redis, and can lose at any moment: nothing durable depends on it.
//!
//! - [`RedisBus`]: live events and wake-ups, from each to all.
//! - [`RedisPresence`]: how busy workers' machines are, for as long as they say so.
//! - [`Buckets`]: how much each caller may still ask for, whichever server it asks.
//!
//! While Redis is away each server goes on by itself: it finds the others' changes by looking at the store, and counts on
//! its own. It connects again by itself.
//!
//! ```no_run
//! use orchestrator_core::clock::Sources;
//! use orchestrator_redis::{Redis, RedisBus, RedisOptions};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let redis = Redis::new("redis://localhost", RedisOptions::default(), Sources::default())?;
//! let bus = RedisBus::start(redis);
//! # drop(bus);
//! # Ok(())
//! # }
//! ```

mod bucket;
mod bus;
mod fault;
mod link;
mod pool;
mod presence;

pub use bucket::Buckets;
pub use bus::RedisBus;
pub use link::{BadUrl, Redis, RedisOptions};
pub use presence::RedisPresence;
