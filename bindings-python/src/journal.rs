//! What Rust logs reaches Python's `logging`, by way of an event loop: no thread of Rust touches Python.

use std::{
    fmt::{self, Write as _},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use pyo3::{prelude::*, sync::PyOnceLock};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

use crate::bridge::{Job, Shared};

/// The event loops there are. The first that lives gets everything.
static LOOPS: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// One line of what Rust logs.
#[derive(Debug)]
pub(crate) struct Line {
    level: Level,
    target: &'static str,
    text: String,
}

impl Line {
    /// Logs it in Python. On a loop's thread.
    pub(crate) fn log(&self, py: Python<'_>) -> PyResult<()> {
        static LOG: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let log = LOG.get_or_try_init(py, || {
            let log = py.import("orchestrator._logging")?.getattr("from_native")?;
            PyResult::Ok(log.unbind())
        })?;
        log.call1(py, (self.level.as_str(), self.target, &self.text))?;
        Ok(())
    }
}

/// Begins to listen, unless the program has a subscriber of its own.
pub(crate) fn begin() {
    let _ = tracing_subscriber::registry()
        .with(Journal.with_filter(LevelFilter::INFO))
        .try_init();
}

/// Takes an event loop into account.
pub(crate) fn add(shared: &Arc<Shared>) {
    let mut loops = LOOPS.lock().unwrap_or_else(PoisonError::into_inner);
    loops.retain(|known| known.strong_count() > 0);
    loops.push(Arc::downgrade(shared));
}

fn push(line: Line) {
    let loops = LOOPS.lock().unwrap_or_else(PoisonError::into_inner);
    let living = loops.iter().filter_map(Weak::upgrade).find(|shared| shared.is_open());
    drop(loops);
    if let Some(shared) = living {
        shared.push(Job::Log(line));
    }
}

struct Journal;

/// Ours alone: what libraries say is of no use to a programmer of Python.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("orchestrator")
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if !is_ours(metadata) {
            return;
        }
        let mut words = Words(String::new());
        event.record(&mut words);
        push(Line {
            level: *metadata.level(),
            target: metadata.target(),
            text: words.0,
        });
    }
}

/// The message; fields repeat what it says, or are for machines.
struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => {
                let _ = write!(self.0, "{value:?}");
            }
            "error" => {
                let _ = write!(self.0, ": {value:?}");
            }
            _ => {}
        }
    }
}
