//! Live events that join a snapshot of the past with the stream of the present, without a gap.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use futures::{Stream, stream};
use orchestrator_protocol::{Event, EventBody, EventType, Seq, TaskId};
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};

use super::Engine;
use crate::store::{EventQuery, EventScope, StoreError};

/// How often the store is looked at for what other processes wrote.
const POLL: Duration = Duration::from_secs(1);

/// How many durable events are read at once.
const PAGE: usize = 1000;

/// A reader of events: every durable one after a place in the history, once and in order, and the live-only ones while it
/// listens.
///
/// Durable events always come from the store; what the bus carries only says when to look. So nothing is missed when the
/// bus loses or reorders, and a reader that goes on with the last seq it saw has missed nothing either.
#[derive(Debug)]
pub struct Live {
    engine: Engine,
    query: EventQuery,
    /// The tasks below the one that is watched, where it is not the root of its tree.
    members: Option<HashSet<TaskId>>,
    bus: broadcast::Receiver<Event>,
    ready: VecDeque<Event>,
    behind: bool,
    foreign: i64,
}

impl Engine {
    /// Events after a place in the history and from then on.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`] when the task that is to be watched does not exist.
    pub async fn live(&self, query: EventQuery) -> Result<Live, StoreError> {
        // Listening begins before the first look, so that nothing falls between the two.
        let bus = self.bus.subscribe();
        let members = match query.scope {
            EventScope::Tree(id) if self.get(id).await?.root_id != id => {
                Some(self.tree(id).await?.tasks.into_iter().map(|task| task.id).collect())
            }
            EventScope::Task(id) | EventScope::Tree(id) => {
                self.get(id).await?;
                None
            }
            EventScope::All => None,
        };
        let foreign = self.store.foreign_changes().await?;
        Ok(Live {
            engine: self.clone(),
            query,
            members,
            bus,
            ready: VecDeque::new(),
            behind: true,
            foreign,
        })
    }
}

impl Live {
    /// The next event.
    ///
    /// # Errors
    ///
    /// The store failed; calling again goes on where it stopped.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<Event, StoreError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            if self.behind {
                self.catch_up().await?;
            } else {
                self.listen().await?;
            }
        }
    }

    /// The place after the last durable event that was read.
    pub fn after(&self) -> Seq {
        self.query.after
    }

    /// Whether everything that the store had at the last look has been given out.
    pub fn is_caught_up(&self) -> bool {
        !self.behind && self.ready.is_empty()
    }

    /// The events as a stream that ends with the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Event, StoreError>> + Send {
        stream::unfold(Some(self), |live| async {
            let mut live = live?;
            match live.next().await {
                Ok(event) => Some((Ok(event), Some(live))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    async fn catch_up(&mut self) -> Result<(), StoreError> {
        let query = EventQuery {
            limit: PAGE,
            ..self.query.clone()
        };
        let page = self.engine.store.events(query).await?;
        self.behind = page.len() == PAGE;
        for event in page {
            self.query.after = self.query.after.max(event.seq);
            self.admit(&event);
            self.ready.push_back(event);
        }
        Ok(())
    }

    /// A task that is born below a watched one is watched too.
    fn admit(&mut self, event: &Event) {
        if let (Some(members), Some(parent), Some(task)) = (&mut self.members, event.body.parent_id, event.task_id)
            && members.contains(&parent)
        {
            members.insert(task);
        }
    }

    async fn listen(&mut self) -> Result<(), StoreError> {
        tokio::select! {
            biased;
            received = self.bus.recv() => match received {
                Ok(event) => {
                    self.hear(event);
                    self.hear_what_is_there();
                }
                Err(RecvError::Lagged(lost)) => self.lag(lost),
                Err(RecvError::Closed) => self.engine.sources.clock.sleep(POLL).await,
            },
            () = self.engine.sources.clock.sleep(POLL) => {
                let foreign = self.engine.store.foreign_changes().await?;
                if foreign != self.foreign {
                    self.foreign = foreign;
                    self.behind = true;
                }
            }
        }
        Ok(())
    }

    /// Takes everything that the bus has already, so that one look at the store serves it all.
    fn hear_what_is_there(&mut self) {
        loop {
            match self.bus.try_recv() {
                Ok(event) => self.hear(event),
                Err(TryRecvError::Lagged(lost)) => self.lag(lost),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn hear(&mut self, event: Event) {
        if !self.concerns(&event) {
            return;
        }
        if event.kind.is_durable() {
            self.behind |= event.seq > self.query.after;
        } else if self.query.types.is_empty() || self.query.types.contains(&event.kind) {
            self.ready.push_back(event);
        }
    }

    fn lag(&mut self, lost: u64) {
        self.behind = true;
        self.ready.push_back(Event {
            seq: self.query.after,
            at: self.engine.now(),
            kind: EventType::Lagged,
            task_id: None,
            root_id: None,
            body: EventBody {
                lost: Some(lost),
                ..EventBody::default()
            },
        });
    }

    fn concerns(&self, event: &Event) -> bool {
        match (self.query.scope, &self.members) {
            (EventScope::All, _) => true,
            (EventScope::Task(id), _) => event.task_id == Some(id),
            (EventScope::Tree(id), None) => event.root_id == Some(id),
            // A child's first event may come before its parent's was read: a look at the store decides.
            (EventScope::Tree(_), Some(members)) => {
                event.kind.is_durable() || event.task_id.is_some_and(|id| members.contains(&id))
            }
        }
    }
}
