//! WebSockets, as little of them as is needed here: a browser and a native program bring their own.

#[cfg(not(target_family = "wasm"))]
mod native;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use reqwest::Url;

#[cfg(not(target_family = "wasm"))]
pub use native::NativeTransport;

/// Opens WebSockets.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Opens a WebSocket, with a token if one is needed.
    async fn connect(&self, url: &Url, token: Option<&str>) -> Result<Box<dyn Socket>, ConnectError>;
}

/// An open WebSocket.
#[async_trait]
pub trait Socket: Send {
    /// Sends texts, in order.
    async fn send(&mut self, texts: Vec<String>) -> Result<(), Closed>;

    /// The next text; none for another sign of life, like a ping.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    async fn next(&mut self) -> Result<Option<String>, Closed>;

    /// A header of the server's answer, where the platform shows it.
    fn header(&self, name: &str) -> Option<String>;

    /// Says goodbye. Errors do not matter any more.
    async fn close(&mut self);
}

/// Why a WebSocket could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Something answered, but not with a WebSocket.
    #[error("{message} (HTTP status {status})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// Nobody answered.
    #[error("{0}")]
    Unreachable(String),
}

/// A WebSocket that is open no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the connection was closed: {reason}")]
pub struct Closed {
    /// The code that the server gave.
    pub code: Option<u16>,
    /// What it said, or what broke.
    pub reason: String,
}

/// The transport of this platform.
#[cfg(not(target_family = "wasm"))]
pub fn native() -> Arc<dyn Transport> {
    Arc::new(NativeTransport::default())
}
