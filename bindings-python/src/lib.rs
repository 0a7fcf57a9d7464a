//! The native half of the Python package `orchestrator`: `orchestrator._native`.
//!
//! Flat and thin on purpose. Each class is a handle of something in Rust; what crosses the border are texts of JSON and
//! awaitables of the caller's event loop. Everything that a Python programmer sees is made of these in Python.
//!
//! Reading order: `bridge` (how the two worlds wake each other), `engine` and `ask` (what can be asked), `worker`
//! and `run` (how a task's agent is run in Python), `context` (what it can do there).

// What a signature of Python asks for: arguments come by value, and handles are made by functions.
#![allow(
    clippy::needless_pass_by_value,
    reason = "pyo3 hands over owned arguments of Python calls"
)]

mod ask;
mod bridge;
mod clock;
mod context;
mod embedded;
mod engine;
mod events;
mod failure;
mod journal;
mod remote;
mod run;
mod runtime;
mod step;
mod worker;

use pyo3::prelude::*;

/// The native half of the package `orchestrator`. Private: use the package.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // One provider of TLS for the whole process: without a choice rustls refuses to guess.
    rustls::crypto::ring::default_provider().install_default().ok();
    journal::begin();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<bridge::Bridge>()?;
    module.add_class::<clock::ManualClock>()?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<events::Events>()?;
    module.add_class::<worker::Worker>()?;
    module.add_class::<context::TaskContext>()?;
    module.add_class::<context::Child>()?;
    module.add_class::<step::Step>()?;
    module.add_function(wrap_pyfunction!(runtime::shutdown, module)?)?;
    // A thread that touches Python while the interpreter ends would crash it.
    let shutdown = module.getattr("_shutdown")?;
    module.py().import("atexit")?.call_method1("register", (shutdown,))?;
    Ok(())
}
