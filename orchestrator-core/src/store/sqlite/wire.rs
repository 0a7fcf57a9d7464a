//! The writer's connection, on which the last commit may still be under way.
//!
//! While the disk writes one transaction, the next one is worked out in memory, as if the first had succeeded. It waits
//! for it with its first statement; when the first one failed, the second is worked out anew.

use futures::future::BoxFuture;
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{failure::Failure, fault};
use crate::store::error::StoreError;

/// A commit that came back.
pub(super) struct Landed {
    pub(super) conn: SqliteConnection,
    /// Why it failed, if it did.
    pub(super) failed: Option<Failure>,
}

/// The connection.
pub(super) struct Wire {
    options: SqliteConnectOptions,
    conn: Option<SqliteConnection>,
    /// It has the connection, and gives it back.
    flight: Option<BoxFuture<'static, Landed>>,
    failed: Option<Failure>,
}

impl Wire {
    /// A connection, and how it is made anew when it is lost.
    pub(super) fn new(options: SqliteConnectOptions, conn: SqliteConnection) -> Self {
        Self {
            options,
            conn: Some(conn),
            flight: None,
            failed: None,
        }
    }

    /// Whether a commit is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.flight.is_some()
    }

    /// Sends a commit on its way. Nothing may be under way.
    pub(super) fn launch(&mut self, flight: BoxFuture<'static, Landed>) {
        debug_assert!(self.flight.is_none(), "one commit after the other");
        self.flight = Some(flight);
    }

    /// Takes the connection for a commit.
    pub(super) fn take(&mut self) -> Option<SqliteConnection> {
        self.conn.take()
    }

    /// Lets what is under way begin, without waiting for it.
    pub(super) async fn nudge(&mut self) {
        let Some(flight) = &mut self.flight else { return };
        if let std::task::Poll::Ready(landed) = futures::poll!(flight) {
            self.arrive(landed);
        }
    }

    /// Waits until nothing is under way. When this future is dropped, nothing is lost.
    pub(super) async fn land(&mut self) {
        let Some(flight) = &mut self.flight else { return };
        let landed = flight.await;
        self.arrive(landed);
    }

    fn arrive(&mut self, landed: Landed) {
        self.flight = None;
        self.conn = Some(landed.conn);
        self.failed = landed.failed;
    }

    /// Why the last commit failed, once.
    pub(super) fn failed(&mut self) -> Option<Failure> {
        self.failed.take()
    }

    /// The connection when nothing is under way, unless that failed.
    pub(super) async fn free(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.land().await;
        if let Some(failure) = &self.failed {
            return Err(failure.error.clone());
        }
        match &mut self.conn {
            Some(conn) => Ok(conn),
            none => Ok(none.insert(self.options.connect().await.map_err(|e| fault::of(&e))?)),
        }
    }
}
