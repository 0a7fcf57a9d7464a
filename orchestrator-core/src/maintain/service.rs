//! How loops are started and stopped.

use std::{any::Any, future::Future, panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use tokio::task::JoinHandle;

use crate::clock::Sources;

/// The wait before a loop that panicked is started again.
const AFTER_PANIC: Duration = Duration::from_secs(1);

/// A loop that runs beside everything else. Dropping it ends the loop where it is.
#[derive(Debug)]
pub struct Service {
    name: &'static str,
    task: JoinHandle<()>,
}

impl Service {
    /// Starts a loop as a task of the current Tokio runtime. A loop that panics is a defect, which is logged; the loop is
    /// started again, since without it nothing would ever come due.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn start<F>(name: &'static str, sources: &Sources, mut run: impl FnMut() -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let clock = sources.clock.clone();
        let task = tokio::spawn(async move {
            while let Err(panic) = AssertUnwindSafe(run()).catch_unwind().await {
                tracing::error!("{name} panicked and is started again: {}", words(&*panic));
                clock.sleep(AFTER_PANIC).await;
            }
        });
        Self { name, task }
    }

    /// Its name, for people.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the loop has ended by itself, since there is nothing for it to do.
    pub fn is_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Ends the loop and returns when nothing is left of it.
    ///
    /// # Cancel safety
    ///
    /// The loop ends although the future is dropped.
    pub async fn stop(mut self) {
        self.task.abort();
        // The answer says that it was aborted, which is no news.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("for no reason that can be read")
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_panics_is_started_again() {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let service = Service::start("test", &Sources::default(), move || {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                assert!(run > 1, "not yet");
                std::future::pending::<()>().await;
            }
        });
        tokio::time::sleep(AFTER_PANIC * 3).await;
        assert_eq!(runs.load(Ordering::SeqCst), 3);
        assert!(!service.is_ended());
        service.stop().await;
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    }
}
