//! What a platform has of its own, as little of it as is needed here: WebSockets and waiting. A browser and a native
//! program bring their own.

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod browser;
#[cfg(feature = "native")]
mod native;
pub mod subprotocol;

use std::{fmt, pin::pin, time::Duration};

use async_trait::async_trait;
use futures::future::{Either, select};
use reqwest::Url;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use browser::{BrowserTransport, page};
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

/// The transport of a page in a browser.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub fn browser() -> std::sync::Arc<dyn Transport> {
    std::sync::Arc::new(BrowserTransport::default())
}

/// The transport of the platform that this is built for.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub fn platform() -> std::sync::Arc<dyn Transport> {
    browser()
}

/// The transport of the platform that this is built for.
#[cfg(all(feature = "native", not(all(target_family = "wasm", target_os = "unknown"))))]
pub fn platform() -> std::sync::Arc<dyn Transport> {
    native()
}

/// What a server says in refusing: the detail of its problem, or the beginning of whatever it said.
#[cfg(any(feature = "native", all(target_family = "wasm", target_os = "unknown")))]
fn said(body: &[u8]) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let detail = problem.as_ref().and_then(|problem| problem["detail"].as_str());
    match detail {
        Some(detail) => detail.to_owned(),
        None if body.is_empty() => "the server refused".to_owned(),
        None => String::from_utf8_lossy(&body[..body.len().min(200)]).trim().to_owned(),
    }
}

/// What a future gives; none when it takes longer than this, and it is dropped.
pub(crate) async fn within<T>(transport: &dyn Transport, wait: Duration, future: impl Future<Output = T>) -> Option<T> {
    match select(pin!(future), transport.sleep(wait)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(((), _)) => None,
    }
}
