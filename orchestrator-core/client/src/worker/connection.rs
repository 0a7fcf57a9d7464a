//! Making a connection and introducing the worker.

use std::time::Duration;

use orchestrator_core::{store::StoreError, worker::source::Hello};
use orchestrator_protocol::{
    SessionId,
    frame::{ServerFrame, Welcome, WorkerFrame},
};
use tokio::time::timeout;

use super::{RemoteConfig, convert};
use crate::transport::{ConnectError, Socket};

/// How long connecting and being welcomed may take: no longer than what is left of a lease when a connection was found to
/// be dead.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum OpenError {
    /// Something between here and the server does not let WebSockets through.
    NoWebSockets(String),
    /// Anything else.
    Other(StoreError),
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NoWebSockets(message) => Self::Unusable(message),
            OpenError::Other(error) => error,
        }
    }
}

/// Connects to one of the replicas, the `attempt`th in turn, and says hello.
pub(super) async fn connect(
    config: &RemoteConfig,
    attempt: usize,
    hello: Hello,
    resume: Option<SessionId>,
) -> Result<(Box<dyn Socket>, Welcome), OpenError> {
    let connected = async {
        let url = config.address.socket(attempt, "/api/v1/worker");
        let connected = config.transport.connect(&url, config.address.token()).await;
        let mut socket = connected.map_err(|error| refused(&error))?;
        let welcome = introduce(&mut *socket, WorkerFrame::Hello(convert::hello(hello, resume))).await;
        welcome.map(|welcome| (socket, welcome)).map_err(OpenError::Other)
    };
    let late = |_| {
        OpenError::Other(StoreError::Unavailable(
            "the server takes too long to answer".to_owned(),
        ))
    };
    timeout(PATIENCE, connected).await.map_err(late)?
}

async fn introduce(socket: &mut dyn Socket, hello: WorkerFrame) -> Result<Welcome, StoreError> {
    let broken = |error: &dyn std::fmt::Display| StoreError::Unavailable(error.to_string());
    let hello = hello
        .to_json()
        .map_err(|error| StoreError::Unusable(error.to_string()))?;
    socket.send(vec![hello]).await.map_err(|error| broken(&error))?;
    loop {
        let Some(text) = socket.next().await.map_err(|error| broken(&error))? else {
            continue;
        };
        match ServerFrame::parse(&text).map_err(|error| broken(&error))? {
            ServerFrame::Welcome(welcome) => return Ok(welcome),
            ServerFrame::Error(failure) => return Err(convert::refused(failure.code, failure.message, None)),
            _ => {}
        }
    }
}

fn refused(error: &ConnectError) -> OpenError {
    let message = error.to_string();
    match error {
        // What proxies answer that take an upgrade for a plain request, and what servers answer to what is left of it.
        ConnectError::Refused {
            status: 200..=299 | 400 | 405 | 426 | 501,
            ..
        } => OpenError::NoWebSockets(message),
        ConnectError::Refused {
            status: 401 | 403 | 404,
            ..
        } => OpenError::Other(StoreError::Unusable(message)),
        _ => OpenError::Other(StoreError::Unavailable(message)),
    }
}
