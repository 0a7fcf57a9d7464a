//! How much each caller may still ask for, counted once for all servers.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use redis::{Pipeline, RedisResult, Script};

use crate::link::Redis;

/// How long an answer may take: a request waits for it, and can be counted here instead.
const PATIENCE: Duration = Duration::from_millis(100);

/// The generic cell rate algorithm: the key holds when the caller's bucket would be full again, by Redis's clock. A
/// request that would put that further off than a full bucket takes is refused, and changes nothing.
const TAKE: &str = "
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = tonumber(redis.call('GET', KEYS[1]) or '0')
if full < now then full = now end
full = full + each
if full - now > each * burst then return 0 end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1)
return 1
";

/// Buckets of requests, one a caller, shared by all servers of a fleet.
#[derive(Debug, Clone)]
pub struct Buckets {
    redis: Redis,
    take: Arc<Script>,
}

impl Buckets {
    /// The buckets in a Redis.
    pub fn new(redis: Redis) -> Self {
        Self {
            redis,
            take: Arc::new(Script::new(TAKE)),
        }
    }

    /// Takes one request from a caller's bucket, which holds `burst` at most and is filled with `rate` a second: whether
    /// there was one. None when Redis does not say so within a tenth of a second: whoever asks is to count by itself.
    ///
    /// # Cancel safety
    ///
    /// The request may have been taken although the future was dropped.
    pub async fn take(&self, caller: &str, rate: NonZeroU32, burst: NonZeroU32) -> Option<bool> {
        let each = 1e6 / f64::from(rate.get());
        let key = self.redis.name(&format!("rate:{caller}"));
        let ask = |command: &str, script: &str| {
            let mut ask = Pipeline::with_capacity(1);
            ask.cmd(command).arg(script).arg(1).arg(&key).arg(each).arg(burst.get());
            ask
        };
        // By its name, in one trip; once after Redis started it has to be told what is meant.
        let known = ask("EVALSHA", self.take.get_hash());
        let taken: RedisResult<(i64,)> = self.redis.ask_for_script(&known, PATIENCE).await?;
        let (taken,) = match taken {
            Ok(taken) => taken,
            Err(_) => self.redis.ask_if_there(&ask("EVAL", TAKE), PATIENCE).await?,
        };
        Some(taken == 1)
    }
}
