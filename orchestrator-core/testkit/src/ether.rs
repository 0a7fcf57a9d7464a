//! What carries a bus in a test's hand: within one process, and broken whenever the test likes.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use orchestrator_core::bus::relay::{Broken, Carrier, Inbox};
use tokio::sync::{broadcast, watch};

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weather {
    /// What is sent arrives.
    #[default]
    Fair,
    /// Nobody can connect, and everyone has lost their connection.
    Cut,
    /// Connections seem to work, and nothing arrives.
    Silent,
    /// Others are heard, and nothing can be sent.
    Mute,
}

/// What all carriers of a test share.
#[derive(Debug, Clone)]
pub struct Ether {
    texts: broadcast::Sender<String>,
    weather: watch::Sender<Weather>,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Default for Ether {
    fn default() -> Self {
        Self {
            texts: broadcast::Sender::new(100_000),
            weather: watch::Sender::default(),
            sent: Arc::default(),
        }
    }
}

impl Ether {
    /// Changes how it is from now on.
    pub fn turn(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Everything that was sent and not looked at yet.
    pub fn take_sent(&self) -> Vec<String> {
        std::mem::take(&mut self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends something that no bus wrote.
    pub fn shout(&self, text: &str) {
        let _ = self.texts.send(text.to_owned());
    }

    fn cut() -> Broken {
        Broken("the ether is cut".to_owned())
    }
}

#[async_trait]
impl Carrier for Ether {
    fn name(&self) -> &'static str {
        "ether"
    }

    fn limit(&self) -> usize {
        4_000
    }

    fn gap(&self) -> Duration {
        Duration::from_millis(1)
    }

    async fn listen(&self) -> Result<Box<dyn Inbox>, Broken> {
        let mut weather = self.weather.subscribe();
        if *weather.borrow_and_update() == Weather::Cut {
            return Err(Self::cut());
        }
        let texts = self.texts.subscribe();
        Ok(Box::new(Ear { texts, weather }))
    }

    async fn send(&self, texts: Vec<String>) -> Result<(), Broken> {
        match *self.weather.borrow() {
            Weather::Cut | Weather::Mute => return Err(Self::cut()),
            Weather::Silent => return Ok(()),
            Weather::Fair => {}
        }
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        for text in texts {
            sent.push(text.clone());
            // Nobody listens.
            let _ = self.texts.send(text);
        }
        Ok(())
    }
}

struct Ear {
    texts: broadcast::Receiver<String>,
    weather: watch::Receiver<Weather>,
}

#[async_trait]
impl Inbox for Ear {
    async fn next(&mut self) -> Result<String, Broken> {
        tokio::select! {
            biased;
            _ = self.weather.wait_for(|weather| *weather == Weather::Cut) => Err(Ether::cut()),
            text = self.texts.recv() => text.map_err(|_| Ether::cut()),
        }
    }
}
