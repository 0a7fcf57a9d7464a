//! How Rust and an event loop of Python wake each other.
//!
//! Rust's threads never wait for Python's lock: what they have for an event loop is queued, and a byte in a socket tells
//! the loop to come for it. The loop takes everything that is queued at once. Where a loop watches no sockets (Windows'
//! proactor), a thread of its own calls the loop.

use std::{
    fmt, mem,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::{
    FutureExt as _,
    future::{AbortHandle, Aborted, BoxFuture, abortable},
};
use pyo3::{PyClass, intern, prelude::*, types::PyString};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

use crate::{
    failure::{CANCELLED, Failure},
    journal::{self, Line},
    run::{Outcome, Seat, Start},
    runtime::{self, Home},
};

mod wake;

use wake::Wake;

/// Makes an object of Python.
type Make = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// What an awaitable gives.
pub(crate) enum Value {
    Nothing,
    Text(String),
    /// An object of Python, made on the loop's thread.
    Made(Make),
}

impl Value {
    /// A handle.
    pub(crate) fn of<T: PyClass + Into<PyClassInitializer<T>> + Send + 'static>(handle: T) -> Self {
        Self::Made(Box::new(move |py| Ok(Py::new(py, handle)?.into_any())))
    }

    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self {
            Self::Nothing => Ok(py.None()),
            Self::Text(text) => Ok(PyString::new(py, &text).into_any().unbind()),
            Self::Made(make) => make(py),
        }
    }
}

pub(crate) type Answer = Result<Value, Failure>;

/// What is to be done on the loop's thread.
pub(crate) enum Job {
    /// An awaitable has come to its end.
    Settle { future: Py<PyAny>, answer: Answer },
    /// A task is to be run.
    Start(Box<Start>),
    /// A task that runs is to be stopped.
    Stop { seat: Arc<Seat>, why: String },
    /// Somebody wants to know how late the loop is.
    Ping(oneshot::Sender<()>),
    /// Rust has something to log.
    Log(Line),
}

/// What the loop's thread leaves to Rust's threads. It goes through one of them, which is usually awake already: waking one
/// for each costs the loop more than the rest of a call.
pub(crate) enum Errand {
    Work(BoxFuture<'static, ()>),
    Finish(oneshot::Sender<Outcome>, Outcome),
}

async fn run_errands(mut errands: mpsc::UnboundedReceiver<Errand>) {
    while let Some(errand) = errands.recv().await {
        match errand {
            Errand::Work(work) => drop(tokio::spawn(work)),
            Errand::Finish(sender, outcome) => drop(sender.send(outcome)),
        }
    }
}

/// The queue of one event loop.
pub(crate) struct Shared {
    jobs: Mutex<Vec<Job>>,
    /// Whether the loop was told and has not come yet.
    told: AtomicBool,
    closed: AtomicBool,
    wake: Wake,
    event_loop: Py<PyAny>,
    errands: mpsc::UnboundedSender<Errand>,
    pub(crate) runtime: Handle,
    pub(crate) home: Home,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

impl Shared {
    pub(crate) fn push(&self, job: Job) {
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).push(job);
        if !self.told.swap(true, Ordering::AcqRel) {
            self.wake.wake();
        }
    }

    /// Whether anybody comes for what is pushed.
    pub(crate) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire) && self.home.is_here()
    }

    fn take(&self) -> Vec<Job> {
        self.wake.clear();
        // Before the jobs are taken: whoever adds one after that tells the loop again.
        self.told.store(false, Ordering::Release);
        mem::take(&mut *self.jobs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn errand(&self, errand: Errand) {
        // Where the runtime is gone the interpreter ends, and nobody waits.
        let _ = self.errands.send(errand);
    }

    /// An awaitable of what a future gives. Cancelling the one drops the other.
    pub(crate) fn promise<'py>(
        self: &Arc<Self>,
        py: Python<'py>,
        work: impl Future<Output = Answer> + Send + 'static,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.home.check()?;
        let future = self.event_loop.bind(py).call_method0(intern!(py, "create_future"))?;
        let (held, shared) = (future.clone().unbind(), self.clone());
        let (work, abort) = abortable(work);
        self.errand(Errand::Work(
            async move {
                let answer = match AssertUnwindSafe(work).catch_unwind().await {
                    Ok(Ok(answer)) => answer,
                    // Nobody waits for it any more.
                    Ok(Err(Aborted)) => return,
                    Err(_) => Err(Failure::new("internal", "a defect: a call panicked")),
                };
                shared.push(Job::Settle { future: held, answer });
            }
            .boxed(),
        ));
        let abort = Abort(abort);
        future.call_method1(intern!(py, "add_done_callback"), (abort,))?;
        Ok(future)
    }
}

/// Drops a future whose awaitable was cancelled.
#[pyclass(frozen)]
struct Abort(AbortHandle);

#[pymethods]
impl Abort {
    fn __call__(&self, _future: &Bound<'_, PyAny>) {
        // Of one that has ended this does nothing.
        self.0.abort();
    }
}

/// The native side of one event loop.
#[pyclass(frozen)]
pub(crate) struct Bridge {
    pub(crate) shared: Arc<Shared>,
}

#[pymethods]
impl Bridge {
    #[new]
    fn new(event_loop: Py<PyAny>) -> PyResult<Self> {
        let runtime = runtime::handle()?;
        let (errands, queue) = mpsc::unbounded_channel();
        runtime.spawn(run_errands(queue));
        let shared = Arc::new(Shared {
            jobs: Mutex::default(),
            told: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            wake: Wake::new()?,
            event_loop,
            errands,
            runtime,
            home: Home::here(),
        });
        journal::add(&shared);
        Ok(Self { shared })
    }

    /// The socket that the loop must watch, calling `drain` when it can be read; nothing where there are no such sockets.
    fn fileno(&self) -> Option<i32> {
        self.shared.wake.fileno()
    }

    /// Has a thread call this on the loop, for loops that watch no sockets.
    fn call_through(&self, call_soon_threadsafe: Py<PyAny>, drain: Py<PyAny>) {
        self.shared.wake.call_through(call_soon_threadsafe, drain);
    }

    /// Does what is queued.
    fn drain(&self, py: Python<'_>) {
        for job in self.shared.take() {
            if let Err(error) = self.work(py, job) {
                error.write_unraisable(py, None);
            }
        }
    }

    /// Takes nothing more.
    fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        drop(self.shared.take());
    }
}

impl Bridge {
    fn work(&self, py: Python<'_>, job: Job) -> PyResult<()> {
        match job {
            Job::Settle { future, answer } => settle(future.bind(py), answer),
            Job::Start(start) => {
                start.begin(py, &self.shared);
                Ok(())
            }
            Job::Stop { seat, why } => seat.stop(py, &why),
            Job::Log(line) => line.log(py),
            Job::Ping(sender) => {
                let _ = sender.send(());
                Ok(())
            }
        }
    }
}

fn settle(future: &Bound<'_, PyAny>, answer: Answer) -> PyResult<()> {
    let py = future.py();
    if future.call_method0(intern!(py, "done"))?.is_truthy()? {
        return Ok(());
    }
    let failed = match answer {
        Ok(value) => match value.into_python(py) {
            Ok(value) => {
                future.call_method1(intern!(py, "set_result"), (value,))?;
                return Ok(());
            }
            Err(error) => error.into_value(py).into_any().into_bound(py),
        },
        Err(failure) if failure.code == CANCELLED => {
            future.call_method1(intern!(py, "cancel"), (failure.message,))?;
            return Ok(());
        }
        Err(failure) => failure.exception(py)?,
    };
    future.call_method1(intern!(py, "set_exception"), (failed,))?;
    Ok(())
}
