//! The byte that tells an event loop to come.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;

/// Tells an event loop to come, from any thread and without Python's lock.
pub(super) struct Wake {
    #[cfg(unix)]
    sockets: (std::os::unix::net::UnixStream, std::os::unix::net::UnixStream),
    caller: Mutex<Option<std::sync::mpsc::Sender<()>>>,
}

impl Wake {
    pub(super) fn new() -> PyResult<Self> {
        Ok(Self {
            #[cfg(unix)]
            sockets: {
                let (reader, writer) = std::os::unix::net::UnixStream::pair()?;
                reader.set_nonblocking(true)?;
                writer.set_nonblocking(true)?;
                (reader, writer)
            },
            caller: Mutex::new(None),
        })
    }

    /// The socket that the loop must watch.
    #[cfg(unix)]
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
    pub(super) fn fileno(&self) -> Option<i32> {
        use std::os::fd::AsRawFd as _;
        Some(self.sockets.0.as_raw_fd())
    }

    /// The socket that the loop must watch: there is none.
    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "elsewhere there are sockets")]
    pub(super) fn fileno(&self) -> Option<i32> {
        None
    }

    /// Starts the thread that calls the loop.
    pub(super) fn call_through(&self, call_soon_threadsafe: Py<PyAny>, drain: Py<PyAny>) {
        let (sender, told) = std::sync::mpsc::channel();
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        std::thread::spawn(move || {
            while told.recv().is_ok() {
                // Neither of an interpreter that ends nor of a loop that was closed is anything wanted any more.
                let called = Python::try_attach(|py| call_soon_threadsafe.call1(py, (&drain,)).is_ok());
                if called != Some(true) {
                    return;
                }
            }
        });
    }

    pub(super) fn wake(&self) {
        if let Some(caller) = &*self.caller.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = caller.send(());
            return;
        }
        #[cfg(unix)]
        {
            use std::io::Write as _;
            // A full socket wakes the loop as well.
            let _ = (&self.sockets.1).write(&[1]);
        }
    }

    #[cfg_attr(not(unix), expect(clippy::unused_self, reason = "there is nothing to clear"))]
    pub(super) fn clear(&self) {
        #[cfg(unix)]
        {
            use std::io::Read as _;
            let mut bytes = [0_u8; 64];
            while matches!((&self.sockets.0).read(&mut bytes), Ok(64)) {}
        }
    }
}
