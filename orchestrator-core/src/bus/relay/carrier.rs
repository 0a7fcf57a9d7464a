//! What carries a bus from process to process.

use std::{fmt, time::Duration};

use async_trait::async_trait;

/// Why a carrier does not work, in words that may be shown: without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub String);

/// Carries texts between processes: whoever listens hears what anyone sends, this process included, in the order of each
/// sender. It may lose them, but not for ever without failing.
#[async_trait]
pub trait Carrier: fmt::Debug + Send + Sync + 'static {
    /// Its name, for operators: `redis`.
    fn name(&self) -> &'static str;

    /// The longest text that it carries, in bytes.
    fn limit(&self) -> usize;

    /// How long to wait after something was sent before more is: what comes meanwhile goes together.
    fn gap(&self) -> Duration;

    /// Begins to listen. What is sent after this returned is heard.
    ///
    /// # Errors
    ///
    /// Why it is not possible now. It must say so within seconds.
    async fn listen(&self) -> Result<Box<dyn Inbox>, Broken>;

    /// Sends texts, in this order.
    ///
    /// # Errors
    ///
    /// Some may not have been sent. It must say so within seconds.
    async fn send(&self, texts: Vec<String>) -> Result<(), Broken>;
}

/// A connection that listens; dropping it ends that.
#[async_trait]
pub trait Inbox: Send {
    /// The next text.
    ///
    /// # Errors
    ///
    /// The connection is lost, and with it what was sent since.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    async fn next(&mut self) -> Result<String, Broken>;
}
