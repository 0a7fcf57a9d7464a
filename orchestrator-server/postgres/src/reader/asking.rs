//! Asking over the connections that read, no longer than an answer is worth.

use std::time::Duration;

use orchestrator_core::store::StoreError;
use sqlx::{
    Executor, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use tokio::time::timeout;

use crate::fault;

/// The connections that read, and how long an answer is waited for.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pool: PgPool,
    patience: Duration,
}

/// A connection that is asked. It goes back to the others when it has answered; one that did not might never, and is
/// closed, whatever became of the one who asked.
struct Lent(Option<PoolConnection<Postgres>>);

impl Lent {
    fn conn(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("it is lent until it has answered")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Without a goodbye, for which it would have to be waited.
        drop(self.0.take().map(PoolConnection::detach));
    }
}

impl Asking {
    pub(crate) fn new(pool: PgPool, patience: Duration) -> Self {
        Self { pool, patience }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// What a query finds.
    pub(crate) async fn rows(&self, query: Query<'_, Postgres, PgArguments>) -> Result<Vec<PgRow>, StoreError> {
        let mut lent = Lent(Some(self.pool.acquire().await.map_err(|e| fault::of(&e))?));
        let rows = timeout(self.patience, lent.conn().fetch_all(query)).await;
        let rows = rows.map_err(|_| fault::of(&fault::silence()))?;
        drop(lent.0.take());
        rows.map_err(|e| fault::of(&e))
    }
}
