//! What is measured: queues that can all do the same few things.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;

/// A queue on fresh, empty storage.
///
/// Times are taken by the harness around these calls, so a call returns when its work is done and as safe as this
/// queue ever makes it: [`submit`](Self::submit) when all jobs would survive a power failure, [`drain`](Self::drain)
/// when the outcomes would.
#[async_trait]
pub trait Contender: Send {
    /// Queues jobs that do nothing, each with [`body`], in the batches that suit this queue best.
    async fn submit(&mut self, jobs: usize) -> anyhow::Result<()>;

    /// Runs all of that many queued jobs, with whatever concurrency suits this queue best, and records an outcome for
    /// each. Starting what runs them is part of it.
    async fn drain(&mut self, jobs: usize) -> anyhow::Result<()>;

    /// One job on an idle queue: from before it is submitted until its handler starts. `None` where this is not
    /// implemented.
    async fn submit_to_start(&mut self) -> anyhow::Result<Option<Duration>> {
        Ok(None)
    }

    /// One claim of one task while so many wait in other lanes. `None` where there are no lanes.
    async fn claim_behind(&mut self, _backlog: usize) -> anyhow::Result<Option<Duration>> {
        Ok(None)
    }

    /// So many durable runs of three steps, all submitted at once, to their ends. `None` where there are no steps.
    async fn three_steps(&mut self, _runs: usize) -> anyhow::Result<Option<Duration>> {
        Ok(None)
    }

    /// Bytes of this process's memory for each queued, and for each waiting task. `None` where nobody asked.
    async fn memory(&mut self, _tasks: usize) -> anyhow::Result<Option<(f64, f64)>> {
        Ok(None)
    }
}

/// Who takes part.
pub struct Entry {
    pub name: &'static str,
    pub storage: Storage,
    pub role: Role,
    /// Opens it in an empty folder of its own.
    pub open: for<'a> fn(&'a Path) -> Opening<'a>,
}

/// A contender that is being opened.
pub type Opening<'a> =
    std::pin::Pin<Box<dyn std::future::Future<Output = anyhow::Result<Box<dyn Contender>>> + Send + 'a>>;

/// Only contenders on the same storage are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Storage {
    Memory,
    Sqlite,
}

/// What a contender is in the comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The least possible work on this storage, written by hand: the 100 % of its storage.
    Limit,
    /// A variant of the limit, to show that the limit was looked for.
    Variant,
    /// The orchestrator.
    Ours,
    /// What somebody would use instead.
    #[cfg_attr(not(feature = "peers"), expect(dead_code, reason = "peers take part on request"))]
    Peer,
}

/// What every handler answers with.
pub const OUTPUT: &str = r#"{"ok":true}"#;

/// What fills a body up. Made once: making bodies is no queue's work.
const FILLING: &str = "\
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// The input of job `number`: 200 bytes of JSON.
pub fn body(number: usize) -> String {
    format!(r#"{{"number":"{number:010}","kind":"noop","agent":"bench","text":"{FILLING}"}}"#)
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn a_body_is_200_bytes_of_json() {
        assert_eq!(body(7).len(), 200);
        assert!(serde_json::from_str::<serde_json::Value>(&body(7)).is_ok());
    }
}
