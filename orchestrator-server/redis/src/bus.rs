//! The bus on Redis.

use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use orchestrator_core::bus::{
    Bus, Health, Nudge,
    relay::{Broken, Carrier, Inbox, Relay},
};
use orchestrator_protocol::Event;
use redis::{Pipeline, aio::PubSubStream};
use tokio::{
    sync::{broadcast, watch},
    time::timeout,
};

use crate::{link::Redis, pool::PATIENCE};

/// The longest message. Redis takes far longer ones; a subscriber that is slow holds up less with short ones.
const LIMIT: usize = 256 << 10;

/// The time between two messages of a busy server: less than anyone notices, and a thousand a second at most.
const GAP: Duration = Duration::from_millis(1);

/// The bus on Redis 7 or newer: what one server publishes the others have within milliseconds. It works within its own
/// process without Redis.
#[derive(Debug)]
pub struct RedisBus(Relay);

impl RedisBus {
    /// A bus that begins to connect in the background. Dropping it ends it.
    pub fn start(redis: Redis) -> Self {
        let sources = redis.sources().clone();
        let channel = redis.name("bus");
        Self(Relay::start(Publisher { redis, channel }, sources))
    }

    /// Whether it reaches the others, and when that changes.
    pub fn open(&self) -> watch::Receiver<bool> {
        self.0.open()
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn publish(&self, events: Vec<Event>) {
        self.0.publish(events).await;
    }

    fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    async fn nudge(&self, nudge: Nudge) {
        self.0.nudge(nudge).await;
    }

    fn nudges(&self) -> broadcast::Receiver<Nudge> {
        self.0.nudges()
    }

    fn reaches_others(&self) -> bool {
        self.0.reaches_others()
    }

    fn health(&self) -> Health {
        self.0.health()
    }
}

#[derive(Debug)]
struct Publisher {
    redis: Redis,
    channel: String,
}

#[async_trait]
impl Carrier for Publisher {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn limit(&self) -> usize {
        LIMIT
    }

    fn gap(&self) -> Duration {
        GAP
    }

    async fn listen(&self) -> Result<Box<dyn Inbox>, Broken> {
        let subscribe = async {
            let mut connection = self.redis.client().get_async_pubsub().await?;
            connection.subscribe(&self.channel).await?;
            Ok(connection.into_on_message())
        };
        match timeout(PATIENCE * 2, subscribe).await {
            Ok(Ok(messages)) => Ok(Box::new(Subscription(messages))),
            Ok(Err(error)) => Err(self.redis.fault(&error)),
            Err(_) => Err(Broken("Redis does not answer".to_owned())),
        }
    }

    async fn send(&self, texts: Vec<String>) -> Result<(), Broken> {
        let mut messages = Pipeline::with_capacity(texts.len());
        for text in texts {
            messages.cmd("PUBLISH").arg(&self.channel).arg(text).ignore();
        }
        let sent = self.redis.ask::<()>(&messages).await;
        sent.map_err(|error| self.redis.fault(&error))
    }
}

struct Subscription(PubSubStream);

#[async_trait]
impl Inbox for Subscription {
    async fn next(&mut self) -> Result<String, Broken> {
        match self.0.next().await {
            // What is no text is nobody's of ours; it is told apart further on.
            Some(message) => Ok(String::from_utf8_lossy(message.get_payload_bytes()).into_owned()),
            None => Err(Broken("Redis closed the connection".to_owned())),
        }
    }
}
