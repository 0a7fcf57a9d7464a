//! The least possible queue in memory: what any orchestrator on this machine can at best come near to.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::mpsc;

use orchestrator_bench::job::{OUTPUT, body};

use crate::contender::{Contender, Opening};

/// Ordered by (priority, id), with leases and results, behind one lock that submitters and workers share.
#[derive(Default)]
struct Queue {
    next: u64,
    ready: BTreeMap<(u8, u64), String>,
    running: HashMap<u64, String>,
    done: HashMap<u64, String>,
}

pub struct MemoryLimit {
    queue: Arc<Mutex<Queue>>,
}

/// Opens it.
pub fn open(_: &Path) -> Opening<'_> {
    Box::pin(async { Ok(Box::new(MemoryLimit { queue: Arc::default() }) as Box<dyn Contender>) })
}

impl MemoryLimit {
    fn submit_one(&self, number: usize) {
        let body = body(number);
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.next += 1;
        let id = queue.next;
        queue.ready.insert((5, id), body);
    }

    /// Whether there was a job to run.
    fn run_one(&self) -> bool {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(((_, id), body)) = queue.ready.pop_first() else {
            return false;
        };
        queue.running.insert(id, body);
        drop(queue);
        // The handler would run here, outside the lock.
        let output = OUTPUT.to_owned();
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.running.remove(&id);
        queue.done.insert(id, output);
        true
    }
}

#[async_trait]
impl Contender for MemoryLimit {
    async fn submit(&mut self, jobs: usize) -> anyhow::Result<()> {
        (0..jobs).for_each(|number| self.submit_one(number));
        Ok(())
    }

    async fn drain(&mut self, _: usize) -> anyhow::Result<()> {
        while self.run_one() {}
        Ok(())
    }

    async fn submit_to_start(&mut self) -> anyhow::Result<Option<Duration>> {
        // A worker task that waits for a wake-up: one hop between two tasks is the least there can be.
        let (wake, mut woken) = mpsc::channel::<Instant>(1);
        let queue = Self {
            queue: Arc::clone(&self.queue),
        };
        let worker = tokio::spawn(async move {
            let submitted = woken.recv().await?;
            let took = submitted.elapsed();
            queue.run_one();
            Some(took)
        });
        tokio::task::yield_now().await;
        let before = Instant::now();
        self.submit_one(0);
        wake.send(before).await?;
        Ok(worker.await?)
    }
}
