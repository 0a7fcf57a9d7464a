//! Those who watch over WebSockets, and come back with the last `seq` that they saw whenever their connection breaks.

use std::sync::{Arc, Mutex};

use orchestrator_client::{Events, EventsQuery, ServerAddress, transport};
use orchestrator_protocol::{Event, Seq};
use tokio::task::JoinHandle;

use crate::{fleet::Fleet, time::until};

/// One who sees every event of everyone from the beginning.
pub struct Viewer {
    seen: Arc<Mutex<Vec<Event>>>,
    watches: JoinHandle<()>,
}

impl Viewer {
    /// Begins to watch, over the server of this number as long as it is there.
    pub fn start(fleet: &Fleet, number: usize) -> Self {
        let address = ServerAddress::parse(&fleet.urls_from(number), None).expect("a URL");
        let query = EventsQuery {
            after: Some(Seq(0)),
            ..EventsQuery::default()
        };
        let mut events = Events::new(transport::native(), address, query);
        let seen: Arc<Mutex<Vec<Event>>> = Arc::default();
        let sees = seen.clone();
        let watches = tokio::spawn(async move {
            loop {
                let event = events.next().await.expect("events are shown to everyone");
                if event.kind.is_durable() {
                    sees.lock().expect("nobody panics").push(event);
                }
            }
        });
        Self { seen, watches }
    }

    /// What it has seen once it has seen this place of the history.
    pub async fn up_to(&self, seq: Seq) -> Vec<Event> {
        until("a viewer has seen everything", async || {
            assert!(!self.watches.is_finished(), "a viewer gave up");
            let seen = self.seen.lock().expect("nobody panics");
            (seen.last().map(|event| event.seq) >= Some(seq)).then(|| seen.clone())
        })
        .await
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.watches.abort();
    }
}
