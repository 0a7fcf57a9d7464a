//! How often one caller may ask.

use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use orchestrator_redis::Buckets;

/// How often one caller may ask: `rate` a second on average, twice as many at once. Servers that share buckets count
/// together; while they cannot, each counts by itself.
pub(crate) struct Rate {
    per_second: NonZeroU32,
    burst: NonZeroU32,
    here: DefaultKeyedRateLimiter<String>,
    shared: Option<Buckets>,
}

impl Rate {
    pub(crate) fn new(rate: NonZeroU32, shared: Option<Buckets>) -> Self {
        let burst = rate.saturating_add(rate.get());
        Self {
            per_second: rate,
            burst,
            here: RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)),
            shared,
        }
    }

    /// Whether this caller may ask now.
    pub(crate) async fn admits(&self, caller: &str) -> bool {
        if let Some(shared) = &self.shared
            && let Some(taken) = shared.take(caller, self.per_second, self.burst).await
        {
            return taken;
        }
        self.here.check_key(&caller.to_owned()).is_ok()
    }
}
