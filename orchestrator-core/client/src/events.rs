//! Live events, without a gap however often the connection breaks.

use std::{sync::Arc, time::Duration};

use futures::{Stream, stream};
use orchestrator_protocol::{Event, EventType, Seq, TaskId};

use crate::{
    ServerAddress,
    retry::Backoff,
    transport::{ConnectError, Socket, Transport, within},
};

/// Where in the history the server began, in its answer to a request without `after`.
const PLACE: &str = "x-orchestrator-seq";

/// How long a connection may be silent; servers ping every 20 seconds.
const SILENCE: Duration = Duration::from_secs(50);

/// How long connecting may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Which events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventsQuery {
    /// Those of this task; none means everyone's.
    pub task_id: Option<TaskId>,
    /// And of all below it.
    pub tree: bool,
    /// Of these types; empty means all.
    pub types: Vec<EventType>,
    /// After this place in the history; none means from now on.
    pub after: Option<Seq>,
}

/// Why there are no more events: trying again cannot help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server does not show these events: {message} (HTTP status {status})")]
pub struct EventsError {
    /// The HTTP status: 400, 401, 403 or 404.
    pub status: u16,
    /// What the server said.
    pub message: String,
}

/// What [`Events::step`] came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// It is connected: what happens from now on comes.
    Connected,
    /// It is not, or no more, for this reason; the next step tries again.
    Lost(String),
    /// Something happened.
    Happened(Box<Event>),
}

/// Live events: every durable one after the place where it began, once and in order; the live-only ones while it is
/// connected.
pub struct Events {
    transport: Arc<dyn Transport>,
    address: ServerAddress,
    query: EventsQuery,
    socket: Option<Box<dyn Socket>>,
    backoff: Backoff,
    attempts: usize,
}

impl Events {
    /// Events over a transport. Nothing happens before the first [`Events::next`].
    pub fn new(transport: Arc<dyn Transport>, address: ServerAddress, query: EventsQuery) -> Self {
        let seed = query.task_id.map_or([7; 16], |id| *id.as_bytes());
        Self {
            transport,
            address,
            query,
            socket: None,
            backoff: Backoff::new(seed),
            attempts: 0,
        }
    }

    /// The place after which the next connection goes on.
    pub fn after(&self) -> Option<Seq> {
        self.query.after
    }

    /// Whether it is connected at the moment.
    pub fn is_connected(&self) -> bool {
        self.socket.is_some()
    }

    /// Connects if it is not connected. A caller that takes a snapshot after this and before the first event misses
    /// nothing between the two.
    ///
    /// # Errors
    ///
    /// The server refuses, and will again. A server that cannot be reached is tried again until it can.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the attempt.
    pub async fn connect(&mut self) -> Result<(), EventsError> {
        while self.socket.is_none() {
            self.attempt().await?;
        }
        Ok(())
    }

    /// Waits as long as is due and tries once to connect; what kept it from that, if anything did.
    async fn attempt(&mut self) -> Result<Option<String>, EventsError> {
        let wait = self.backoff.next();
        if !wait.is_zero() {
            self.transport.sleep(wait).await;
        }
        let mut url = self.address.socket(self.attempts, "/api/v1/events");
        self.ask(&mut url);
        let connecting = self.transport.connect(&url, self.address.token());
        match within(&*self.transport, PATIENCE, connecting).await {
            Some(Ok(socket)) => {
                let place = socket.header(PLACE).and_then(|seq| seq.parse().ok()).map(Seq);
                self.query.after = self.query.after.or(place);
                self.socket = Some(socket);
                Ok(None)
            }
            Some(Err(ConnectError::Refused { status, message })) if matches!(status, 400 | 401 | 403 | 404) => {
                Err(EventsError { status, message })
            }
            Some(Err(error)) => Ok(Some(self.again(&error))),
            None => Ok(Some(self.again(&"it takes too long"))),
        }
    }

    fn again(&mut self, why: &dyn std::fmt::Display) -> String {
        self.attempts = self.attempts.wrapping_add(1);
        tracing::debug!("no live events, will connect again: {why}");
        why.to_string()
    }

    fn ask(&self, url: &mut reqwest::Url) {
        let mut pairs = url.query_pairs_mut();
        if let Some(task) = self.query.task_id {
            pairs.append_pair("task_id", &task.to_string());
            if self.query.tree {
                pairs.append_pair("tree", "true");
            }
        }
        if !self.query.types.is_empty() {
            let types: Vec<&str> = self.query.types.iter().map(|kind| kind.as_str()).collect();
            pairs.append_pair("types", &types.join(","));
        }
        if let Some(after) = self.query.after {
            pairs.append_pair("after", &after.to_string());
        }
        drop(pairs);
        if url.query() == Some("") {
            url.set_query(None);
        }
    }

    /// The next event. Connects, and connects again after every loss.
    ///
    /// # Errors
    ///
    /// As [`Events::connect`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<Event, EventsError> {
        loop {
            if let Step::Happened(event) = self.step().await? {
                return Ok(*event);
            }
        }
    }

    /// The next event, or what became of the connection: for those who show it, or take a snapshot each time it opens.
    ///
    /// # Errors
    ///
    /// As [`Events::connect`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped; an attempt to connect is given up.
    pub async fn step(&mut self) -> Result<Step, EventsError> {
        loop {
            let Some(socket) = &mut self.socket else {
                return Ok(match self.attempt().await? {
                    None => Step::Connected,
                    Some(why) => Step::Lost(why),
                });
            };
            let text = match within(&*self.transport, SILENCE, socket.next()).await {
                Some(Ok(Some(text))) => text,
                Some(Ok(None)) => continue,
                Some(Err(closed)) => return Ok(self.lose(&closed)),
                None => return Ok(self.lose(&"it was silent for too long")),
            };
            self.backoff.reset();
            // What a newer server adds is passed over.
            if let Ok(event) = serde_json::from_str::<Event>(&text) {
                self.query.after = self.query.after.max(Some(event.seq));
                return Ok(Step::Happened(Box::new(event)));
            }
        }
    }

    fn lose(&mut self, why: &dyn std::fmt::Display) -> Step {
        self.socket = None;
        Step::Lost(self.again(why))
    }

    /// The events as a stream that ends with the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Event, EventsError>> {
        stream::unfold(Some(self), |events| async {
            let mut events = events?;
            match events.next().await {
                Ok(event) => Some((Ok(event), Some(events))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events")
            .field("address", &self.address)
            .field("query", &self.query)
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}
