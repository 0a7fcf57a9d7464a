//! The server's end of the workers' protocol.
//!
//! A worker's connection is a `conversation` over a `socket`, or a row of requests (`poll`). Who is connected and
//! has room is kept in `dispatch`, in groups of workers that offer the same: when there may be work one of each group
//! asks for it, and passes the question on when it got all it could take. So a submission costs a claim a group, not a
//! claim a worker.

mod conversation;
pub mod convert;
mod dispatch;
mod group;
mod poll;
mod reports;
mod seat;
mod socket;

use std::{sync::Arc, time::Duration};

use orchestrator_core::{
    service::{Engine, LocalSource, SourceConfig},
    store::StoreError,
    worker::source::TaskSource,
};
use orchestrator_protocol::{
    Load,
    frame::{Hello, MAX_FRAME_BYTES, PROTOCOL_VERSION, Welcome},
};
use tokio_util::sync::CancellationToken;

use self::dispatch::Dispatch;

/// How the server treats workers.
#[derive(Debug, Clone)]
pub struct WorkersConfig {
    /// How long a session may be silent before its tasks are given to others. Defaults to 15 seconds.
    pub lease: Duration,
    /// How often other processes' changes are looked for. Defaults to 1 second.
    pub poll: Duration,
    /// The most that a frame may hold, in bytes. Defaults to 32 MiB.
    pub max_frame_bytes: usize,
}

impl Default for WorkersConfig {
    fn default() -> Self {
        let source = SourceConfig::default();
        Self {
            lease: source.ttl,
            poll: source.poll,
            max_frame_bytes: MAX_FRAME_BYTES,
        }
    }
}

/// All workers that are connected to this replica.
#[derive(Debug)]
pub struct Workers {
    config: WorkersConfig,
    engine: Engine,
    source: Arc<LocalSource>,
    dispatch: Dispatch,
    closing: CancellationToken,
}

impl Workers {
    /// Nobody yet. [`Workers::listen`] is to run as long as workers may come.
    pub fn new(engine: Engine, config: WorkersConfig) -> Arc<Self> {
        let source = SourceConfig {
            ttl: config.lease,
            poll: config.poll,
        };
        let source = Arc::new(LocalSource::new(engine.clone(), source));
        Arc::new(Self {
            dispatch: Dispatch::new(engine.clone(), source.clone(), &config),
            config,
            engine,
            source,
            closing: CancellationToken::new(),
        })
    }

    /// Passes wake-ups and cancellations on to the workers until [`Workers::close`].
    pub async fn listen(&self) {
        self.closing.run_until_cancelled(self.dispatch.listen()).await;
    }

    /// Grants nothing more and closes the connections once what was reported is answered. The sessions live on: workers
    /// resume them at another replica, or here after a restart.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// The most that a frame may hold, in bytes.
    pub fn max_frame_bytes(&self) -> usize {
        self.config.max_frame_bytes
    }

    /// Opens a session, or resumes the one that was asked for if it lives.
    async fn welcome(&self, hello: &Hello) -> Result<Welcome, StoreError> {
        if let Some(session) = hello.resume
            && self.source.renew(session, Load::default()).await?.alive
        {
            // The server that opened the session may not have known of schemas.
            if let Some(schemas) = &hello.input_schemas {
                self.source.announce_types(&hello.task_types, schemas).await;
            }
            return Ok(self.welcome_to(session, true));
        }
        let opened = self.source.open(convert::hello(hello.clone())).await?;
        // Wake-ups come by the groups; the source need not keep any for it.
        self.source.forget(opened.session);
        Ok(self.welcome_to(opened.session, false))
    }

    fn welcome_to(&self, session: orchestrator_protocol::SessionId, resumed: bool) -> Welcome {
        Welcome {
            protocol: PROTOCOL_VERSION,
            session,
            resumed,
            heartbeat_s: (self.config.lease / 3).as_secs_f64(),
            lease_s: self.config.lease.as_secs_f64(),
            max_frame_bytes: self.config.max_frame_bytes,
        }
    }
}
