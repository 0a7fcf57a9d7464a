//! What a platform has of its own, as little of it as is needed here: WebSockets and waiting. A browser and a native
//! program bring their own.

#[cfg(feature = "native")]
mod native;

use std::{fmt, pin::pin, time::Duration};

use async_trait::async_trait;
use futures::future::{Either, select};
use reqwest::Url;

#[cfg(feature = "native")]
pub use native::NativeTransport;

/// `Send` where futures go from thread to thread, which they do not in a browser.
#[cfg(not(target_family = "wasm"))]
pub trait SendOutsideBrowsers: Send {}
#[cfg(not(target_family = "wasm"))]
impl<T: Send> SendOutsideBrowsers for T {}

/// `Send` where futures go from thread to thread, which they do not in a browser.
#[cfg(target_family = "wasm")]
pub trait SendOutsideBrowsers {}
#[cfg(target_family = "wasm")]
impl<T> SendOutsideBrowsers for T {}

/// Opens WebSockets and waits.
#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Opens a WebSocket, with a token if one is needed.
    async fn connect(&self, url: &Url, token: Option<&str>) -> Result<Box<dyn Socket>, ConnectError>;

    /// Returns after so long.
    async fn sleep(&self, wait: Duration);
}

/// An open WebSocket.
#[cfg_attr(not(target_family = "wasm"), async_trait)]
#[cfg_attr(target_family = "wasm", async_trait(?Send))]
pub trait Socket: SendOutsideBrowsers {
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

/// The transport of a program outside a browser.
#[cfg(feature = "native")]
pub fn native() -> std::sync::Arc<dyn Transport> {
    std::sync::Arc::new(NativeTransport::default())
}

/// What a future gives; none when it takes longer than this, and it is dropped.
pub(crate) async fn within<T>(transport: &dyn Transport, wait: Duration, future: impl Future<Output = T>) -> Option<T> {
    match select(pin!(future), transport.sleep(wait)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(((), _)) => None,
    }
}
