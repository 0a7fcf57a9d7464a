//! What is counted for as long as it lives.

use metrics::gauge;

/// Adds one to a gauge until it is dropped, however that happens.
#[derive(Debug)]
pub(crate) enum Counted {
    /// A WebSocket, by who is at its other end.
    Connection(&'static str),
    /// A request that has not been answered yet.
    Request,
}

impl Counted {
    /// A viewer's WebSocket.
    pub(crate) fn viewer() -> Self {
        Self::Connection("viewer").begun()
    }

    /// A worker's WebSocket.
    pub(crate) fn worker() -> Self {
        Self::Connection("worker").begun()
    }

    /// A request.
    pub(crate) fn request() -> Self {
        Self::Request.begun()
    }

    fn begun(self) -> Self {
        self.add(1.0);
        self
    }

    fn add(&self, n: f64) {
        match self {
            Self::Connection(kind) => gauge!("orchestrator_connections", "kind" => *kind).increment(n),
            Self::Request => gauge!("http_requests_in_flight").increment(n),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.add(-1.0);
    }
}
