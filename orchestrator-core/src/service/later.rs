//! Waking workers when what was left for better ones becomes anyone's.

use std::sync::{Mutex, PoisonError};

use orchestrator_protocol::Timestamp;

use super::Engine;
use crate::bus::Nudge;

/// The moment at which workers are next told to look, if there is one. One timer at a time: whoever looks then sets the
/// next.
#[derive(Debug, Default)]
pub(super) struct Later(Mutex<Option<Timestamp>>);

impl Later {
    /// Tells workers to look at a moment, unless they are told before that anyway. It is a matter of latency: when it is
    /// lost, the poll finds what was left.
    pub(super) fn nudge(&self, engine: &Engine, at: Timestamp) {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if next.is_some_and(|next| next <= at) {
            return;
        }
        *next = Some(at);
        drop(next);
        let engine = engine.clone();
        tokio::spawn(async move {
            engine.sources.clock.sleep(at.since(engine.now())).await;
            {
                let mut next = engine.later.0.lock().unwrap_or_else(PoisonError::into_inner);
                if *next == Some(at) {
                    *next = None;
                }
            }
            if !engine.is_closed() {
                engine.bus.nudge(Nudge::Ready).await;
            }
        });
    }
}
