//! What a connection holds: an engine in this process, or a server.

use std::{sync::Arc, time::Duration};

use orchestrator_core::clock::Sources;
use pyo3::prelude::*;
use serde::Deserialize;

use crate::{
    ask::{Ask, Follow, read},
    bridge::{Bridge, Shared, Value},
    clock::ManualClock,
    embedded::{Embedded, event_query},
    events::{Events, Source},
    failure::Failure,
    remote::Remote,
    runtime::Native,
    worker::{Worker, WorkerSettings},
};

/// Which of the two it is. Nobody above here knows.
#[derive(Debug)]
pub(crate) enum Kind {
    Embedded(Embedded),
    Remote(Remote),
}

/// What a connection holds.
#[pyclass(frozen)]
pub(crate) struct Engine {
    kind: Native<Arc<Kind>>,
    bridge: Arc<Shared>,
}

/// How it is opened.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    url: String,
    token: Option<String>,
    session_ttl_s: Option<f64>,
}

impl Opening {
    async fn open(self, sources: Option<Sources>) -> Result<Kind, Failure> {
        let scheme = self.url.split(':').next().unwrap_or_default();
        if ["http", "https"].contains(&scheme) {
            return Remote::new(&self.url, self.token).map(Kind::Remote);
        }
        let ttl = self.session_ttl_s.map(Duration::from_secs_f64);
        let opened = Embedded::open(&self.url, sources.unwrap_or_default(), ttl).await;
        opened.map(Kind::Embedded)
    }
}

#[pymethods]
impl Engine {
    /// Opens one. `opening` is JSON.
    #[staticmethod]
    #[pyo3(signature = (bridge, opening, clock=None))]
    fn open<'py>(
        py: Python<'py>,
        bridge: &Bridge,
        opening: &str,
        clock: Option<&ManualClock>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let opening: Opening = read(opening).map_err(|failure| failure.raise())?;
        let sources = clock.map(ManualClock::sources);
        let shared = bridge.shared.clone();
        bridge.shared.promise(py, async move {
            let kind = opening.open(sources).await?;
            Ok(Value::of(Self {
                kind: Native::new(Arc::new(kind)),
                bridge: shared,
            }))
        })
    }

    /// Whether tasks and workers live in this process.
    fn is_embedded(&self) -> PyResult<bool> {
        Ok(matches!(**self.kind.get()?, Kind::Embedded(_)))
    }

    /// Asks one question, and gives an awaitable of the answer; both are JSON.
    fn ask<'py>(&self, py: Python<'py>, question: String) -> PyResult<Bound<'py, PyAny>> {
        let kind = self.kind.get()?.clone();
        self.bridge.promise(py, async move {
            // Not before: a thousand tasks take their time to be read, which is not the event loop's.
            let ask: Ask = read(&question)?;
            let answer = match &*kind {
                Kind::Embedded(embedded) => embedded.answer(ask).await?,
                Kind::Remote(remote) => remote.answer(ask).await?,
            };
            Ok(Value::Text(answer))
        })
    }

    /// Follows events. `follow` is JSON.
    fn events<'py>(&self, py: Python<'py>, follow: &str) -> PyResult<Bound<'py, PyAny>> {
        let kind = self.kind.get()?.clone();
        let follow: Follow = read(follow).map_err(|failure| failure.raise())?;
        let bridge = self.bridge.clone();
        self.bridge.promise(py, async move {
            let source = match &*kind {
                Kind::Embedded(embedded) => {
                    let after = match follow.after {
                        Some(after) => after,
                        None => embedded.engine.store.newest().await?,
                    };
                    let live = embedded.engine.live(event_query(follow, after)).await?;
                    Source::Embedded(Box::new(live))
                }
                Kind::Remote(remote) => {
                    let mut events = remote.events(follow);
                    events.connect().await?;
                    Source::Remote(Box::new(events))
                }
            };
            Ok(Value::of(Events::new(source, bridge)))
        })
    }

    /// Starts a worker. `settings` is JSON; `start` is called on the loop with each task that is to be run.
    fn start_worker<'py>(&self, py: Python<'py>, settings: &str, start: Py<PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let kind = self.kind.get()?.clone();
        let settings: WorkerSettings = read(settings).map_err(|failure| failure.raise())?;
        let bridge = self.bridge.clone();
        self.bridge.promise(py, async move {
            let agents = settings.registry(start, &bridge)?;
            let config = settings.config()?;
            let worker = match &*kind {
                Kind::Embedded(embedded) => {
                    let (worker, wake_ups) = embedded.worker(config, agents)?;
                    Worker::start(worker, Some(wake_ups), bridge)
                }
                Kind::Remote(remote) => Worker::start(remote.worker(config, agents)?, None, bridge),
            };
            Ok(Value::of(worker))
        })
    }

    /// Ends everything in order; workers are stopped before.
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let kind = self.kind.get()?.clone();
        self.bridge.promise(py, async move {
            if let Kind::Embedded(embedded) = &*kind {
                embedded.close().await;
            }
            Ok(Value::Nothing)
        })
    }
}
