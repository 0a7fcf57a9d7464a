//! Tasks by id, for many who ask at the same time.
//!
//! Whoever asks while enough queries are under way shares the next one: it begins after they have asked, so it finds
//! what was written before. A lone asker waits for nobody.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use orchestrator_core::store::{StoreError, row::TaskRow};
use orchestrator_protocol::TaskId;
use sqlx::postgres::PgArguments;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::asking::Asking;
use crate::{codec, writes::add};

/// How many queries may be under way before askers gather: one is answered while the next is asked.
const LANES: usize = 2;

/// The most tasks of one query: their inputs may be large, and the first asker waits for the last.
const MOST: usize = 256;

type Answer = Result<Option<Arc<TaskRow>>, StoreError>;

/// Finds tasks.
#[derive(Debug)]
pub(crate) struct Lookup {
    asking: Asking,
    asked: Mutex<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    /// Who wants to know of which task.
    waiting: HashMap<TaskId, Vec<oneshot::Sender<Answer>>>,
    /// How many queries are under way.
    under_way: usize,
}

impl Lookup {
    pub(crate) fn new(asking: Asking) -> Arc<Self> {
        Arc::new(Self {
            asking,
            asked: Mutex::default(),
        })
    }

    /// The task of an id, if there is one.
    pub(crate) async fn find(self: &Arc<Self>, id: TaskId) -> Answer {
        let (tell, told) = oneshot::channel();
        let begin = {
            let mut asked = self.asked();
            asked.waiting.entry(id).or_default().push(tell);
            let begin = asked.under_way < LANES;
            asked.under_way += usize::from(begin);
            begin
        };
        if begin {
            // A task of its own: the asker may go away while others share the query.
            tokio::spawn(Arc::clone(self).look());
        }
        let closed = |_| Err(StoreError::Unavailable("the store is closed".to_owned()));
        told.await.unwrap_or_else(closed)
    }

    /// Asks for what waits, until nothing does.
    async fn look(self: Arc<Self>) {
        loop {
            let some: Vec<_> = {
                let mut asked = self.asked();
                let ids: Vec<TaskId> = asked.waiting.keys().take(MOST).copied().collect();
                if ids.is_empty() {
                    asked.under_way -= 1;
                    // It was as large as the largest crowd.
                    asked.waiting.shrink_to(MOST);
                    return;
                }
                ids.iter().filter_map(|id| asked.waiting.remove_entry(id)).collect()
            };
            let found = self.query(some.iter().map(|(id, _)| id.as_uuid()).collect()).await;
            for (id, askers) in some {
                let answer = found.as_ref().map(|rows| rows.get(&id).cloned()).map_err(Clone::clone);
                for asker in askers {
                    asker.send(answer.clone()).ok();
                }
            }
        }
    }

    async fn query(&self, ids: Vec<Uuid>) -> Result<HashMap<TaskId, Arc<TaskRow>>, StoreError> {
        let mut args = PgArguments::default();
        add(&mut args, ids);
        let query = sqlx::query_with(BY_ID.as_str(), args);
        let rows = self.asking.rows(query).await?;
        let row = |row| codec::task(row).map(|row| (row.id, Arc::new(row)));
        rows.iter().map(row).collect()
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static BY_ID: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| format!("{}where t.id=any($1)", codec::TASK));
