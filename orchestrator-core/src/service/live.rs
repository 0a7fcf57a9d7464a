//! Live events that join a snapshot of the past with the stream of the present, without a gap.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use futures::{Stream, stream};
use orchestrator_protocol::{Event, EventBody, EventType, Seq, TaskId};
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};

use super::{Engine, poll::Poll};
use crate::store::{EventQuery, EventScope, StoreError};

/// How often the store is asked whether other processes wrote.
const POLL: Duration = Duration::from_secs(1);

/// After how many polls it is read in any case: a bus may lose what it was told.
const QUIET_POLLS: u32 = 5;

/// How many durable events are read at once.
const PAGE: usize = 1000;

/// How many live-only events may wait for a long history to be read; beyond that the bus keeps or loses them.
const HEARD: usize = 4096;

/// A reader of events: every durable one after a place in the history, once and in order, and the live-only ones while it
/// listens.
///
/// Durable events always come from the store; what the bus carries only says when to look. So nothing is missed when the
/// bus loses or reorders. The seqs of what is given out never go back, and a live-only event comes after every durable one
/// before it (one that the bus brings late carries the seq of the event before it): whoever goes on with the last seq that
/// they saw, of whichever event, gets every later durable one, once.
#[derive(Debug)]
pub struct Live {
    engine: Engine,
    query: EventQuery,
    /// The tasks below the one that is watched, where it is not the root of its tree.
    members: Option<HashSet<TaskId>>,
    bus: broadcast::Receiver<Event>,
    /// To be given out.
    ready: VecDeque<Event>,
    /// Live-only events that have to wait for the durable ones before them.
    heard: VecDeque<Event>,
    /// Whether the store may have more.
    behind: bool,
    /// Everything durable up to here was given out or is ready.
    looked: Seq,
    /// The highest place that the bus told of.
    newest: Seq,
    /// The place of the last event that is ready.
    last: Seq,
    /// Whether the bus lost something.
    lost: bool,
    foreign: i64,
    polls: u32,
    poll: Poll,
}

impl Engine {
    /// Events after a place in the history and from then on. The query's `limit` does not matter.
    ///
    /// # Errors
    ///
    /// [`StoreError::TaskNotFound`] when the task that is to be watched does not exist.
    pub async fn live(&self, query: EventQuery) -> Result<Live, StoreError> {
        // Listening begins before the first look, so that nothing falls between the two.
        let bus = self.bus.subscribe();
        let foreign = self.store.foreign_changes().await?;
        let members = match query.scope {
            EventScope::Tree(id) if self.get(id).await?.root_id != id => Some(self.members(id).await?),
            EventScope::Task(id) | EventScope::Tree(id) => {
                self.get(id).await?;
                None
            }
            EventScope::All => None,
        };
        Ok(Live {
            looked: query.after,
            newest: query.after,
            last: query.after,
            query: EventQuery { limit: PAGE, ..query },
            members,
            bus,
            ready: VecDeque::new(),
            heard: VecDeque::new(),
            behind: true,
            lost: false,
            foreign,
            polls: 0,
            poll: Poll::new(POLL, self.now()),
            engine: self.clone(),
        })
    }

    async fn members(&self, top: TaskId) -> Result<HashSet<TaskId>, StoreError> {
        Ok(self.tree(top).await?.tasks.into_iter().map(|task| task.id).collect())
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
        if let (true, Some(_), EventScope::Tree(top)) = (self.lost, &self.members, self.query.scope) {
            self.members = Some(self.engine.members(top).await?);
        }
        self.lost = false;
        if self.heard.len() < HEARD {
            self.hear_what_is_there();
        }
        let page = self.engine.store.events(self.query.clone()).await?;
        self.behind = page.len() == PAGE;
        for event in page {
            self.admit(&event);
            self.release(|live| live.seq < event.seq);
            self.query.after = self.query.after.max(event.seq);
            self.give(event);
        }
        if !self.behind {
            // What was told had been committed before, and so had everything before it.
            self.looked = self.newest.max(self.query.after);
            self.release(|_| true);
        }
        Ok(())
    }

    /// Lets live-only events go whose turn has come.
    fn release(&mut self, may_go: impl Fn(&Event) -> bool) {
        while let Some(event) = self.heard.pop_front_if(|event| may_go(event)) {
            self.give(event);
        }
    }

    fn give(&mut self, mut event: Event) {
        self.last = self.last.max(event.seq);
        event.seq = self.last;
        self.ready.push_back(event);
    }

    async fn listen(&mut self) -> Result<(), StoreError> {
        let engine = &self.engine;
        tokio::select! {
            biased;
            received = self.bus.recv() => {
                match received {
                    Ok(event) => self.hear(event),
                    Err(RecvError::Lagged(lost)) => self.lag(Some(lost)),
                    Err(RecvError::Closed) => return Err(Engine::was_closed()),
                }
                self.hear_what_is_there();
                if !self.behind {
                    self.release(|_| true);
                }
            }
            () = engine.lobby.closed() => return Err(Engine::was_closed()),
            () = self.poll.due(engine.pace(POLL), &*engine.sources.clock) => {
                let foreign = engine.store.foreign_changes().await?;
                self.polls += 1;
                self.behind = foreign != self.foreign || self.polls.is_multiple_of(QUIET_POLLS);
                self.foreign = foreign;
                self.poll.done(engine.pace(POLL), engine.now());
            }
        }
        Ok(())
    }

    /// Takes what the bus has already, so that one look at the store serves it all.
    fn hear_what_is_there(&mut self) {
        for _ in 0..self.bus.len() {
            match self.bus.try_recv() {
                Ok(event) => self.hear(event),
                Err(TryRecvError::Lagged(lost)) => self.lag(Some(lost)),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn hear(&mut self, event: Event) {
        if event.kind == EventType::Lagged {
            return self.lag(event.body.lost);
        }
        self.admit(&event);
        let wanted = self.query.types.is_empty() || self.query.types.contains(&event.kind);
        if !wanted || !self.concerns(&event) {
            return;
        }
        self.newest = self.newest.max(event.seq);
        self.behind |= event.seq > self.looked;
        if !event.kind.is_durable() {
            self.heard.push_back(event);
        }
    }

    /// Events were lost on the way: so many, or nobody knows how many. With 0 there is only something to look at.
    fn lag(&mut self, lost: Option<u64>) {
        self.behind = true;
        self.lost = true;
        if lost == Some(0) {
            return;
        }
        if !self.query.types.is_empty() && self.query.types.iter().all(|kind| kind.is_durable()) {
            return;
        }
        if let Some(lagged) = self.heard.front_mut().filter(|e| e.kind == EventType::Lagged) {
            lagged.body.lost = lagged
                .body
                .lost
                .zip(lost)
                .map(|(before, more)| before.saturating_add(more));
            return;
        }
        // Before what the store has: whoever reads it goes on from here.
        self.heard.push_front(Event {
            seq: self.query.after,
            at: self.engine.now(),
            kind: EventType::Lagged,
            task_id: None,
            root_id: None,
            body: EventBody {
                lost,
                ..EventBody::default()
            },
        });
    }

    /// A task that is born below a watched one is watched too.
    fn admit(&mut self, event: &Event) {
        if let (Some(members), Some(parent), Some(task)) = (&mut self.members, event.body.parent_id, event.task_id)
            && members.contains(&parent)
        {
            members.insert(task);
        }
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
