//! Events, as they happen.

use std::sync::Arc;

use futures::FutureExt as _;
use orchestrator_core::service::Live;
use orchestrator_protocol::Event;
use pyo3::prelude::*;
use tokio::sync::Mutex;

use crate::{
    ask::written,
    bridge::{Shared, Value},
    failure::Failure,
    runtime::Native,
};

/// How many events cross the border at once.
const BATCH: usize = 256;

/// Where they come from.
pub(crate) enum Source {
    Embedded(Box<Live>),
    Remote(Box<orchestrator_client::Events>),
}

impl Source {
    async fn next(&mut self) -> Result<Event, Failure> {
        match self {
            Self::Embedded(live) => Ok(live.next().await?),
            Self::Remote(events) => Ok(events.next().await?),
        }
    }

    /// The next events: one, and what is there besides.
    async fn batch(&mut self) -> Result<Vec<Event>, Failure> {
        let mut batch = vec![self.next().await?];
        while batch.len() < BATCH {
            match self.next().now_or_never() {
                Some(Ok(event)) => batch.push(event),
                // An error comes again with the next batch.
                Some(Err(_)) | None => break,
            }
        }
        Ok(batch)
    }
}

/// Events, as they happen.
#[pyclass(frozen)]
pub(crate) struct Events {
    source: Native<Arc<Mutex<Source>>>,
    bridge: Arc<Shared>,
}

impl Events {
    pub(crate) fn new(source: Source, bridge: Arc<Shared>) -> Self {
        Self {
            source: Native::new(Arc::new(Mutex::new(source))),
            bridge,
        }
    }
}

#[pymethods]
impl Events {
    /// An awaitable of the next events, a JSON array.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let source = self.source.get()?.clone();
        self.bridge.promise(py, async move {
            let batch = source.lock().await.batch().await?;
            Ok(Value::Text(written(&batch)?))
        })
    }
}
