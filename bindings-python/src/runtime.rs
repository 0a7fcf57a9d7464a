//! The threads on which everything in Rust runs.

use std::{
    mem, process,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::failure::Failure;

/// What is still under way when the interpreter ends gets so long.
const PATIENCE: Duration = Duration::from_secs(2);

enum State {
    Idle,
    Running { runtime: Runtime, home: Home },
    Over,
}

static STATE: Mutex<State> = Mutex::new(State::Idle);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The process that something was made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Home(u32);

impl Home {
    /// This process.
    pub(crate) fn here() -> Self {
        Self(process::id())
    }

    /// Whether this is still the process that it was made in.
    pub(crate) fn is_here(self) -> bool {
        self == Self::here()
    }

    /// # Errors
    ///
    /// This is a fork of that process: its threads, and so whoever would answer, are not here.
    pub(crate) fn check(self) -> PyResult<()> {
        if self.is_here() {
            return Ok(());
        }
        Err(Failure::new(
            "unavailable",
            format!(
                "this was opened in the process {}, of which this one ({}) is a fork: call orchestrator.connect() here \
                 anew",
                self.0,
                process::id()
            ),
        )
        .raise())
    }
}

/// The runtime of this process, started when it is first asked for.
///
/// # Errors
///
/// The interpreter ends, or the system gives no threads.
pub(crate) fn handle() -> PyResult<Handle> {
    let mut state = state();
    match &*state {
        State::Running { runtime, home } if home.is_here() => return Ok(runtime.handle().clone()),
        State::Over => return Err(PyRuntimeError::new_err("the interpreter is ending")),
        _ => {}
    }
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .thread_name("orchestrator")
        .build()
        .map_err(|error| PyRuntimeError::new_err(format!("no threads can be started: {error}")))?;
    let handle = runtime.handle().clone();
    let home = Home::here();
    // What was there was made before a fork. Its threads are gone, so that ending it would wait for ever.
    mem::forget(mem::replace(&mut *state, State::Running { runtime, home }));
    Ok(handle)
}

/// Ends the threads. Called when the interpreter ends.
#[pyfunction(name = "_shutdown")]
pub(crate) fn shutdown(py: Python<'_>) {
    let ended = mem::replace(&mut *state(), State::Over);
    match ended {
        State::Running { runtime, home } if home.is_here() => py.detach(move || runtime.shutdown_timeout(PATIENCE)),
        other => mem::forget(other),
    }
}

/// Something that is not touched in a fork of the process that made it, not even to drop it.
#[derive(Debug)]
pub(crate) struct Native<T> {
    value: Option<T>,
    pub(crate) home: Home,
}

impl<T> Native<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: Some(value),
            home: Home::here(),
        }
    }

    /// # Errors
    ///
    /// As [`Home::check`].
    pub(crate) fn get(&self) -> PyResult<&T> {
        self.home.check()?;
        self.value
            .as_ref()
            .ok_or_else(|| PyRuntimeError::new_err("it was dropped"))
    }
}

impl<T> Drop for Native<T> {
    fn drop(&mut self) {
        if !self.home.is_here() {
            mem::forget(self.value.take());
        }
    }
}
