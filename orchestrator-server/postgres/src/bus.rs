//! The bus on PostgreSQL itself, for fleets without another one.

use std::time::Duration;

use async_trait::async_trait;
use orchestrator_core::{
    bus::{
        Bus, Health, Nudge,
        relay::{Broken, Carrier, Inbox, Relay},
    },
    clock::Sources,
    store::StoreError,
};
use orchestrator_protocol::Event;
use sqlx::{
    Connection, PgConnection, PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{
    sync::{Mutex, broadcast, watch},
    time::timeout,
};

use crate::{
    fault,
    hosts::Hosts,
    open::{self, PostgresOptions},
};

/// The longest payload of a notification is 7,999 bytes.
const LIMIT: usize = 7_900;

/// The time between two notifications of a busy process. A commit that notifies waits for the one before it that does, in
/// the whole cluster; a few hundred a second from each process are nothing, one a task would be too many.
const GAP: Duration = Duration::from_millis(3);

/// How long connecting and sending may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Many notifications in one trip.
const NOTIFY: &str = "select pg_notify($1,text) from unnest($2::text[]) with ordinality t(text,n) order by n";

/// The bus by LISTEN and NOTIFY: what one process publishes the others on the same database and schema have within
/// milliseconds. It has two connections of its own and never touches a transaction of the store. Behind a pooler that
/// hands connections out a transaction at a time it does not work, says so, and the poll goes on as without it.
#[derive(Debug)]
pub struct PostgresBus(Relay);

impl PostgresBus {
    /// A bus that begins to connect in the background, over the database with this URL. Needs a Tokio runtime; dropping
    /// the bus ends it. Of the options only the schema matters: processes with the same one hear each other.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] when it is no such URL.
    pub fn start(url: &str, options: &PostgresOptions, sources: Sources) -> Result<Self, StoreError> {
        let carrier = Notifier {
            hosts: open::hosts(url, options)?,
            channel: options.schema.clone(),
            sender: Mutex::default(),
        };
        Ok(Self(Relay::start(carrier, sources)))
    }

    /// Whether it reaches the others, and when that changes.
    pub fn open(&self) -> watch::Receiver<bool> {
        self.0.open()
    }
}

#[async_trait]
impl Bus for PostgresBus {
    async fn publish(&self, events: Vec<Event>) {
        self.0.publish(events).await;
    }

    fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }

    async fn nudge(&self, nudge: Nudge) {
        self.0.nudge(nudge).await;
    }

    fn nudges(&self) -> broadcast::Receiver<Nudge> {
        self.0.nudges()
    }

    fn reaches_others(&self) -> bool {
        self.0.reaches_others()
    }

    fn health(&self) -> Health {
        self.0.health()
    }
}

struct Notifier {
    hosts: Hosts,
    channel: String,
    /// The connection that sends, while it works.
    sender: Mutex<Option<PgConnection>>,
}

/// The settings hold a secret.
impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notifier")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

fn broken(error: &sqlx::Error) -> Broken {
    Broken(fault::of(error).to_string())
}

fn slow() -> Broken {
    Broken("the database does not answer".to_owned())
}

impl Notifier {
    /// A connection to the server that takes writes. Nothing that is sent need be on a disk.
    async fn connect(&self) -> Result<PgConnection, Broken> {
        let connect = self.hosts.connect(&[("synchronous_commit", "off")]);
        if self.hosts.are_several() {
            // Each has its own time.
            return connect.await.map_err(|error| Broken(error.to_string()));
        }
        let connected = timeout(PATIENCE, connect).await.map_err(|_| slow())?;
        connected.map_err(|error| Broken(error.to_string()))
    }

    async fn notify(&self, connection: &mut PgConnection, texts: &[String]) -> Result<(), sqlx::Error> {
        let notify = sqlx::query(NOTIFY).bind(&self.channel).bind(texts);
        notify.execute(connection).await.map(drop)
    }
}

#[async_trait]
impl Carrier for Notifier {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn limit(&self) -> usize {
        LIMIT
    }

    fn gap(&self) -> Duration {
        GAP
    }

    async fn listen(&self) -> Result<Box<dyn Inbox>, Broken> {
        if self.hosts.are_several() {
            // It may be another one by now that takes writes, and so notifications.
            self.connect().await?.close().await.ok();
        }
        let listen = async {
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None);
            let pool: PgPool = pool
                .acquire_timeout(PATIENCE)
                .connect_with(self.hosts.current())
                .await?;
            let mut listener = PgListener::connect_with(&pool).await?;
            // What was sent meanwhile would be missing without a word.
            listener.eager_reconnect(false);
            listener.listen(&self.channel).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        match timeout(PATIENCE, listen).await {
            Ok(Ok(listener)) => Ok(Box::new(Listener(listener))),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(slow()),
        }
    }

    async fn send(&self, texts: Vec<String>) -> Result<(), Broken> {
        let mut sender = self.sender.lock().await;
        // Taken out while it is in use: a connection that may be in the midst of something is not used again.
        let mut connection = match sender.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let send = async {
            self.notify(&mut connection, &texts).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        match timeout(PATIENCE, send).await {
            Ok(Ok(connection)) => {
                *sender = Some(connection);
                Ok(())
            }
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(slow()),
        }
    }
}

struct Listener(PgListener);

#[async_trait]
impl Inbox for Listener {
    async fn next(&mut self) -> Result<String, Broken> {
        match self.0.try_recv().await {
            Ok(Some(notification)) => Ok(notification.payload().to_owned()),
            Ok(None) => Err(Broken("the database closed the connection".to_owned())),
            Err(error) => Err(broken(&error)),
        }
    }
}
