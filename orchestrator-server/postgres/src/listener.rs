//! Hearing that another program has left tasks.

use std::{sync::Arc, time::Duration};

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::{sync::Notify, task::AbortHandle};

use crate::hosts::Hosts;

/// The channel that the outbox's trigger tells its schema on.
const CHANNEL: &str = "orchestrator_outbox";

/// How long to wait before listening again when it could not be done. What is missed meanwhile is found by the poll.
const AGAIN: Duration = Duration::from_secs(5);

/// Listens on a connection of its own until it is stopped or dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    told: Arc<Notify>,
    task: AbortHandle,
}

impl Listener {
    pub(crate) fn start(hosts: Hosts, schema: String) -> Self {
        let told = Arc::new(Notify::new());
        let task = tokio::spawn(listen(hosts, schema, Arc::clone(&told)));
        Self {
            told,
            task: task.abort_handle(),
        }
    }

    /// Returns when something may have been left since the last time.
    pub(crate) async fn arrival(&self) {
        self.told.notified().await;
    }

    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn listen(hosts: Hosts, schema: String, told: Arc<Notify>) {
    loop {
        if let Err(error) = hear(&hosts, &schema, &told).await {
            tracing::debug!(%error, "cannot hear what other programs submit; the poll finds it");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Passes on what is told until the connection is lost.
async fn hear(hosts: &Hosts, schema: &str, told: &Notify) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(hosts.current());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    // Nobody was listening until now.
    told.notify_one();
    while let Some(notification) = listener.try_recv().await? {
        if notification.payload() == schema {
            told.notify_one();
        }
    }
    Ok(())
}
