//! A Redis, and what is ours in it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bb8_redis::bb8::RunError;
use orchestrator_core::{bus::relay::Broken, clock::Sources};
use redis::{Client, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind};
use tokio::time::timeout;

use crate::{
    fault,
    pool::{self, PATIENCE, Pool},
};

/// How long Redis is not asked after it failed to answer something that can be done without.
const REST: Duration = Duration::from_secs(1);

/// How a Redis is used.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// What the names of all our keys and channels begin with: fleets that share a Redis take different ones. Letters,
    /// digits, `-`, `_` and `.`. Defaults to `orchestrator`.
    pub prefix: String,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            prefix: "orchestrator".to_owned(),
        }
    }
}

/// Why a Redis cannot be used, whether it is there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadUrl(String);

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadUrl {}

/// A Redis. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    client: Client,
    pool: Pool,
    prefix: String,
    sources: Sources,
    /// Until when it is not asked for what can be done without, in microseconds; 0 while it answers.
    rests_until: AtomicI64,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL holds a secret.
        f.debug_struct("Redis")
            .field("prefix", &self.0.prefix)
            .finish_non_exhaustive()
    }
}

impl Redis {
    /// The Redis with a URL, `redis://USER:PASSWORD@HOST:PORT/DB`, or `rediss://…` for TLS. It is not contacted yet. Needs
    /// a Tokio runtime, which must live as long as it is used.
    ///
    /// # Errors
    ///
    /// [`BadUrl`] when it is no such URL, or the prefix cannot be used.
    pub fn new(url: &str, options: RedisOptions, sources: Sources) -> Result<Self, BadUrl> {
        let plain = |c: char| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c);
        let RedisOptions { prefix } = options;
        if prefix.is_empty() || prefix.len() > 64 || !prefix.chars().all(plain) {
            return Err(BadUrl(
                "the prefix must have 1 to 64 letters, digits, `-`, `_` or `.`".to_owned(),
            ));
        }
        // What the library says of a URL may repeat it.
        let client = Client::open(url).map_err(|_| {
            BadUrl("this is not the URL of a Redis; it looks like redis://:PASSWORD@HOST:6379/0".to_owned())
        })?;
        // Channels are the same in all databases of a Redis.
        let db = client.get_connection_info().redis_settings().db();
        Ok(Self(Arc::new(Inner {
            prefix: format!("{prefix}:{db}"),
            pool: pool::open(client.clone()),
            client,
            sources,
            rests_until: AtomicI64::new(0),
        })))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn sources(&self) -> &Sources {
        &self.0.sources
    }

    /// The full name of a key or channel of ours.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}:{name}", self.0.prefix)
    }

    /// What an error means.
    pub(crate) fn fault(&self, error: &RedisError) -> Broken {
        let settings = self.0.client.get_connection_info().redis_settings();
        fault::of(error, settings.password())
    }

    /// Asks on a connection of the pool; a second at most.
    pub(crate) async fn ask<T: FromRedisValue>(&self, questions: &Pipeline) -> Result<T, RedisError> {
        let answered = timeout(PATIENCE, async {
            let mut connection = self.0.pool.get().await.map_err(|error| match error {
                RunError::User(error) => error,
                RunError::TimedOut => slow(),
            })?;
            // Until the answer is there: whoever stops waiting leaves a connection that may never answer.
            connection.broken = true;
            let answer = questions.query_async(&mut connection.inner).await;
            connection.broken = answer.as_ref().is_err_and(RedisError::is_unrecoverable_error)
                || answer.as_ref().is_err_and(RedisError::is_timeout);
            answer
        });
        answered.await.unwrap_or_else(|_| Err(slow()))
    }

    /// Asks what can be done without, and does without for a while when there is no answer soon.
    pub(crate) async fn ask_if_there<T: FromRedisValue>(&self, questions: &Pipeline, patience: Duration) -> Option<T> {
        match self.ask_for_script(questions, patience).await? {
            Ok(answer) => Some(answer),
            Err(error) => self.rest(&error),
        }
    }

    /// The same for a script; the error says that Redis does not know it, and nothing else.
    pub(crate) async fn ask_for_script<T: FromRedisValue>(
        &self,
        questions: &Pipeline,
        patience: Duration,
    ) -> Option<RedisResult<T>> {
        if !self.may_try() {
            return None;
        }
        let answer = timeout(patience, self.ask(questions))
            .await
            .unwrap_or_else(|_| Err(slow()));
        match answer {
            Err(error) if error.kind() != ErrorKind::Server(ServerErrorKind::NoScript) => self.rest(&error),
            answer => {
                self.0.rests_until.store(0, Ordering::Relaxed);
                Some(answer)
            }
        }
    }

    /// It did not answer: it is left alone for a while.
    fn rest<T>(&self, error: &RedisError) -> Option<T> {
        let until = self.0.sources.clock.now().plus(REST).as_micros();
        if self.0.rests_until.swap(until, Ordering::Relaxed) == 0 {
            tracing::debug!("doing without Redis for a while: {}", self.fault(error));
        }
        None
    }

    /// Whether it is worth asking. After a failure one at a time finds out whether it answers again.
    fn may_try(&self) -> bool {
        let until = self.0.rests_until.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        let now = self.0.sources.clock.now();
        let next = now.plus(REST).as_micros();
        now.as_micros() >= until
            && self
                .0
                .rests_until
                .compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

fn slow() -> RedisError {
    std::io::Error::new(std::io::ErrorKind::TimedOut, "it does not answer").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_redis_is_refused_without_repeating_it() {
        let refused = |url: &str, prefix: &str| {
            let options = RedisOptions {
                prefix: prefix.to_owned(),
            };
            Redis::new(url, options, Sources::default())
                .expect_err("it cannot be used")
                .to_string()
        };
        for url in ["redis://:opensesame@host:port", "postgres://u:opensesame@host", ""] {
            let words = refused(url, "o");
            assert!(words.contains("redis://") && !words.contains("opensesame"), "{words}");
        }
        assert!(refused("redis://host", "a b").contains("prefix"));
        let redis = Redis::new(
            "redis://:opensesame@host/3",
            RedisOptions::default(),
            Sources::default(),
        );
        let redis = redis.expect("it is one");
        assert_eq!(redis.name("bus"), "orchestrator:3:bus");
        assert!(!format!("{redis:?}").contains("opensesame"));
    }
}
