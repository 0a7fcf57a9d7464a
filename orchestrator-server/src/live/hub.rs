//! The one reader of events for all viewers.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use orchestrator_core::{
    service::{Engine, Live},
    store::{EventQuery, EventScope, StoreError},
};
use orchestrator_protocol::{EventType, Seq, TaskId};
use tokio::{
    sync::{OnceCell, broadcast},
    task::AbortHandle,
};

use super::line::Line;

/// How many events a viewer may be behind before it reads them from the store. At 10,000 events a second, most of a
/// second; some megabytes in all, however many watch.
const CAPACITY: usize = 8_192;

/// Trees share this many feeds, so that who watches one tree is woken by a few others and not by all of them.
const FEEDS: usize = 64;

/// How many events a viewer of one tree may be behind.
const TREE_CAPACITY: usize = 2_048;

/// How long to wait before a store that failed is read again.
const PAUSE: Duration = Duration::from_millis(250);

/// How many durable events are read at once.
pub(super) const PAGE: usize = 1_000;

/// A page of the history, read once for all who miss the same.
pub(super) type Page = Vec<Arc<Line>>;

/// Of what, where the page begins, and how far it must at least go.
type PageKey = (EventScope, Vec<EventType>, Seq, Seq);

/// The one reader of events for all viewers. Ends when it is dropped.
#[derive(Debug)]
pub(super) struct Hub {
    engine: Engine,
    shared: Arc<Shared>,
    pages: Mutex<Vec<(PageKey, Weak<OnceCell<Page>>)>>,
    reader: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    feeds: Mutex<Feeds>,
    ended: AtomicBool,
}

/// Where events are sent.
#[derive(Debug)]
struct Feeds {
    /// Every durable event up to here was sent, or is older than the hub.
    position: Seq,
    all: broadcast::Sender<Arc<Line>>,
    /// Made when somebody watches a tree of theirs.
    trees: [Option<broadcast::Sender<Arc<Line>>>; FEEDS],
}

impl Feeds {
    fn send(&mut self, line: Arc<Line>) {
        self.position = self.position.max(line.event.seq);
        let tree = line.event.root_id.map(place);
        // Nobody listens while the last viewer is on its way out.
        if let Some(tree) = tree.and_then(|tree| self.trees[tree].as_ref()) {
            let _ = tree.send(line.clone());
        }
        let _ = self.all.send(line);
    }
}

/// Which of the feeds a tree's events come by.
fn place(root: TaskId) -> usize {
    let mut hasher = DefaultHasher::new();
    root.hash(&mut hasher);
    hasher.finish() as usize % FEEDS
}

/// A viewer's end of the feed.
pub(super) struct Feed {
    pub(super) lines: broadcast::Receiver<Arc<Line>>,
    /// Every durable event after this place comes by the feed.
    pub(super) from: Seq,
}

impl Hub {
    /// A reader that begins with what happens from now on.
    pub(super) async fn start(engine: Engine) -> Result<Arc<Self>, StoreError> {
        let newest = engine.store.newest().await?;
        let query = EventQuery {
            after: newest,
            ..EventQuery::default()
        };
        let live = engine.live(query).await?;
        let (all, _) = broadcast::channel(CAPACITY);
        let shared = Arc::new(Shared {
            feeds: Mutex::new(Feeds {
                position: newest,
                all,
                trees: [const { None }; FEEDS],
            }),
            ended: AtomicBool::new(false),
        });
        let reader = tokio::spawn(read(engine.clone(), live, shared.clone())).abort_handle();
        Ok(Arc::new(Self {
            engine,
            shared,
            pages: Mutex::default(),
            reader,
        }))
    }

    /// Whether nothing more will come.
    pub(super) fn is_ended(&self) -> bool {
        self.shared.ended.load(Ordering::Acquire)
    }

    /// Everything from now on, or at least everything of one tree.
    pub(super) fn subscribe(&self, root: Option<TaskId>) -> Feed {
        // Under the lock nothing is sent, so that the place is exact.
        let mut feeds = self.shared.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let from = feeds.position;
        let lines = match root {
            None => feeds.all.subscribe(),
            Some(root) => feeds.trees[place(root)]
                .get_or_insert_with(|| broadcast::channel(TREE_CAPACITY).0)
                .subscribe(),
        };
        Feed { lines, from }
    }

    /// How far a feed is read out that has nothing left to give.
    pub(super) fn read_out(&self, feed: &Feed) -> Option<Seq> {
        let feeds = self.shared.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        feed.lines.is_empty().then_some(feeds.position)
    }

    /// Durable events after a place. Viewers that are at the same place and joined at the same place share one read: it
    /// began after the first of them joined, so that it holds everything before what the feed gives them.
    pub(super) async fn page(&self, query: &EventQuery, joined: Seq) -> Result<Arc<OnceCell<Page>>, StoreError> {
        let key = (query.scope, query.types.clone(), query.after, joined);
        let cell = {
            let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
            pages.retain(|(_, cell)| cell.strong_count() > 0);
            let found = pages.iter().find(|(known, _)| *known == key);
            found.and_then(|(_, cell)| cell.upgrade()).unwrap_or_else(|| {
                let cell = Arc::new(OnceCell::new());
                pages.push((key, Arc::downgrade(&cell)));
                cell
            })
        };
        cell.get_or_try_init(|| async {
            let events = self.engine.store.events(query.clone()).await?;
            Ok::<_, StoreError>(events.into_iter().map(Line::new).collect())
        })
        .await?;
        Ok(cell)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(engine: Engine, mut live: Live, shared: Arc<Shared>) {
    loop {
        match live.next().await {
            Ok(event) => {
                let line = Line::new(event);
                shared.feeds.lock().unwrap_or_else(PoisonError::into_inner).send(line);
            }
            Err(_) if engine.is_closed() => break,
            Err(error) => {
                tracing::debug!(%error, "will read events again");
                engine.sources.clock.sleep(PAUSE).await;
            }
        }
    }
    shared.ended.store(true, Ordering::Release);
}
