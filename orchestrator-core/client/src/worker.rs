//! A worker's source of tasks at a server far away.

mod connection;
mod convert;
mod link;
mod long_poll;
mod parts;
mod socket;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use orchestrator_core::{
    store::{History, LeasedTask, Renewed, ReportAck, ReportItem, Settled, StoreError},
    worker::source::{Hello, TaskSource, Wakeup, Welcome},
};
use orchestrator_protocol::{Load, SessionId, TaskId};

use self::{connection::OpenError, long_poll::LongPoll, socket::SocketSource};
use crate::{ServerAddress, transport::Transport};

/// Which way a worker talks to its server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Way {
    /// A WebSocket; requests of their own where a proxy does not let WebSockets through.
    #[default]
    Auto,
    /// A WebSocket.
    WebSocket,
    /// A request for everything, and one that waits.
    LongPoll,
}

/// How a remote source reaches its server.
#[derive(Debug, Clone)]
pub struct RemoteConfig {
    /// Where the server is.
    pub address: ServerAddress,
    /// What opens WebSockets.
    pub transport: Arc<dyn Transport>,
    /// Which way to talk.
    pub way: Way,
    /// How long a request waits for a server that is away before it fails (and is tried again by the worker). Defaults
    /// to 20 seconds.
    pub patience: Duration,
}

impl RemoteConfig {
    /// The usual.
    pub fn new(address: ServerAddress, transport: Arc<dyn Transport>) -> Self {
        Self {
            address,
            transport,
            way: Way::Auto,
            patience: Duration::from_secs(20),
        }
    }
}

/// Tasks from a server far away.
///
/// One connection carries everything. When it breaks, it is made again, to whichever replica answers, and the session
/// goes on: what was asked and not answered is asked again, which is harmless since reports are numbered. What agents
/// have to say waits meanwhile in the worker's bounded queue. A session that ended at the server ends here too, and the
/// worker opens another.
#[derive(Debug)]
pub struct RemoteSource {
    way: Way,
    socket: SocketSource,
    long_poll: LongPoll,
    polls: AtomicBool,
}

impl RemoteSource {
    /// A source. Nothing happens before a session is opened.
    pub fn new(config: RemoteConfig) -> Self {
        let way = config.way;
        Self {
            way,
            polls: AtomicBool::new(way == Way::LongPoll),
            long_poll: LongPoll::new(config.address.clone()),
            socket: SocketSource::new(config),
        }
    }

    /// Whether it is connected, or asks by itself.
    pub fn is_connected(&self) -> bool {
        self.polls.load(Ordering::Relaxed) || self.socket.is_connected()
    }

    fn way(&self) -> &dyn TaskSource {
        if self.polls.load(Ordering::Relaxed) {
            &self.long_poll
        } else {
            &self.socket
        }
    }
}

#[async_trait]
impl TaskSource for RemoteSource {
    async fn open(&self, hello: Hello) -> Result<Welcome, StoreError> {
        if self.polls.load(Ordering::Relaxed) {
            return self.long_poll.open(hello).await;
        }
        match self.socket.try_open(hello.clone()).await {
            Ok(welcome) => Ok(welcome),
            Err(OpenError::NoWebSockets(message)) if self.way == Way::Auto => {
                tracing::warn!("WebSockets do not get through ({message}): asking for tasks by requests");
                let welcome = self.long_poll.open(hello).await?;
                self.polls.store(true, Ordering::Relaxed);
                Ok(welcome)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn claim(&self, session: SessionId, credit: usize) -> Result<Vec<LeasedTask>, StoreError> {
        self.way().claim(session, credit).await
    }

    async fn report(&self, items: Vec<ReportItem>) -> Result<Vec<ReportAck>, StoreError> {
        self.way().report(items).await
    }

    async fn renew(&self, session: SessionId, load: Load) -> Result<Renewed, StoreError> {
        self.way().renew(session, load).await
    }

    async fn history(&self, task: TaskId) -> Result<History, StoreError> {
        self.way().history(task).await
    }

    async fn results(&self, tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError> {
        self.way().results(tasks).await
    }

    async fn cancel(&self, tasks: Vec<TaskId>, reason: String) -> Result<(), StoreError> {
        self.way().cancel(tasks, reason).await
    }

    async fn woken(&self, session: SessionId) -> Wakeup {
        self.way().woken(session).await
    }

    async fn retire(&self, session: SessionId) {
        self.way().retire(session).await;
    }

    async fn close(&self, session: SessionId) -> Result<(), StoreError> {
        self.way().close(session).await
    }
}
