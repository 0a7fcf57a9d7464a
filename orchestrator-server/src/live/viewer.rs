//! One who watches: what it missed, then what happens, without a gap and without repeats.

use std::{collections::VecDeque, future::Future, sync::Arc};

use orchestrator_core::{
    service::{Engine, Live},
    store::{EventQuery, EventScope, StoreError},
};
use orchestrator_protocol::{EventType, Seq, TaskId};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::{
    hub::{Feed, Hub, PAGE},
    line::{Line, wants_live},
    watch::Watch,
};

/// How many events are taken together, so that a burst is sent in few writes.
const BATCH: usize = 256;

/// One who watches.
pub struct Viewer {
    engine: Engine,
    kind: Kind,
}

enum Kind {
    /// Shares the reader with everyone else.
    Shared(Box<Shared>),
    /// Watches what is below a task that is not the root of its tree: which events these are only the store knows.
    Own(Box<Live>),
}

struct Shared {
    hub: Arc<Hub>,
    scope: EventScope,
    /// The tree that all of it is in, if it is in one.
    root: Option<TaskId>,
    types: Vec<EventType>,
    feed: Feed,
    /// Every durable event up to here was given out.
    given: Seq,
    /// Whether the store may have more that the feed does not give.
    behind: bool,
    /// To be given out first.
    ready: VecDeque<Arc<Line>>,
}

impl Viewer {
    pub(super) async fn new<F>(engine: &Engine, watch: Watch, hub: impl FnOnce() -> F) -> Result<Self, StoreError>
    where
        F: Future<Output = Result<Arc<Hub>, StoreError>>,
    {
        let root = match watch.scope {
            EventScope::Tree(id) | EventScope::Task(id) => Some(engine.get(id).await?.root_id),
            EventScope::All => None,
        };
        let own = matches!(watch.scope, EventScope::Tree(id) if root != Some(id));
        let kind = if own {
            let after = match watch.after {
                Some(after) => after,
                None => engine.store.newest().await?,
            };
            let query = EventQuery {
                scope: watch.scope,
                after,
                types: watch.types,
                limit: 0,
            };
            Kind::Own(Box::new(engine.live(query).await?))
        } else {
            let hub = hub().await?;
            let feed = hub.subscribe(root);
            let given = watch.after.unwrap_or(feed.from);
            Kind::Shared(Box::new(Shared {
                behind: given < feed.from,
                given,
                scope: watch.scope,
                root,
                types: watch.types,
                feed,
                hub,
                ready: VecDeque::new(),
            }))
        };
        let engine = engine.clone();
        Ok(Self { engine, kind })
    }

    /// The place in the history after which this viewer gets everything.
    pub fn place(&self) -> Seq {
        match &self.kind {
            // What is still to be given out comes after it.
            Kind::Shared(shared) => match shared.ready.front() {
                Some(line) => Seq(line.event.seq.0.min(shared.given.0 + 1) - 1),
                // What is not in its feed is none of its business, however long ago its last event was.
                None if !shared.behind => shared.hub.read_out(&shared.feed).unwrap_or_default().max(shared.given),
                None => shared.given,
            },
            Kind::Own(live) => live.after(),
        }
    }

    /// The next events, at least one. None when the server stops.
    ///
    /// # Errors
    ///
    /// The store failed; calling again goes on where it stopped.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Arc<Line>>>, StoreError> {
        let next = match &mut self.kind {
            Kind::Shared(shared) => shared.next(&self.engine).await,
            Kind::Own(live) => live.next().await.map(|event| Some(vec![Line::new(event)])),
        };
        match next {
            Err(_) if self.engine.is_closed() => Ok(None),
            next => next,
        }
    }
}

impl Shared {
    async fn next(&mut self, engine: &Engine) -> Result<Option<Vec<Arc<Line>>>, StoreError> {
        loop {
            if !self.ready.is_empty() {
                let count = self.ready.len().min(BATCH);
                return Ok(Some(self.ready.drain(..count).collect()));
            }
            if self.behind {
                self.catch_up().await?;
                continue;
            }
            match self.feed.lines.recv().await {
                Ok(line) => {
                    self.take(line);
                    self.take_what_is_there(engine);
                }
                Err(RecvError::Lagged(lost)) => self.lag(engine, lost),
                Err(RecvError::Closed) => return Ok(None),
            }
        }
    }

    fn take_what_is_there(&mut self, engine: &Engine) {
        while self.ready.len() < BATCH {
            match self.feed.lines.try_recv() {
                Ok(line) => self.take(line),
                Err(TryRecvError::Lagged(lost)) => return self.lag(engine, lost),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn take(&mut self, line: Arc<Line>) {
        if line.event.kind.is_durable() && line.event.seq <= self.given {
            // It was read from the store already.
            return;
        }
        let line = line.no_earlier_than(self.given);
        self.given = line.event.seq;
        if line.is_wanted(self.scope, &self.types) {
            self.ready.push_back(line);
        }
    }

    /// The feed went on without it: what is durable is read from the store, the rest is lost.
    fn lag(&mut self, engine: &Engine, lost: u64) {
        self.feed = self.hub.subscribe(self.root);
        self.behind = self.given < self.feed.from;
        if wants_live(&self.types) {
            self.ready.push_back(Line::lagged(self.given, engine.now(), lost));
        }
    }

    async fn catch_up(&mut self) -> Result<(), StoreError> {
        let query = EventQuery {
            scope: self.scope,
            after: self.given,
            types: self.types.clone(),
            limit: PAGE,
        };
        let page = self.hub.page(&query, self.feed.from).await?;
        let page = page.get().map(Vec::as_slice).unwrap_or_default();
        if let Some(last) = page.last() {
            self.given = last.event.seq;
        }
        self.behind = page.len() == PAGE && self.given < self.feed.from;
        self.ready.extend(page.iter().cloned());
        if !self.behind {
            self.given = self.given.max(self.feed.from);
        }
        Ok(())
    }
}
