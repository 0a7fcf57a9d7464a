//! A connected worker, as the one who grants tasks sees it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use orchestrator_protocol::{Load, SessionId, frame::ServerFrame};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How many frames may wait for a worker's connection. Each holds a batch; a connection that is so far behind is slow,
/// and whoever has more for it waits.
const FRAMES: usize = 64;

/// Tells the connections of one session apart.
pub(super) type SeatId = u64;

static LAST: AtomicU64 = AtomicU64::new(0);

/// A worker's connection.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) id: SeatId,
    pub(super) session: SessionId,
    /// Whether leases come with histories and what dependencies gave.
    pub(super) inline_history: bool,
    /// The most credit that it may have.
    pub(super) slots: usize,
    pub(super) out: mpsc::Sender<ServerFrame>,
    /// Cancelled when the session was resumed on another connection.
    pub(super) replaced: CancellationToken,
    load: Mutex<Load>,
}

impl Seat {
    /// A seat, and what is to be sent to its worker.
    pub(super) fn new(session: SessionId, slots: usize, inline_history: bool) -> (Self, mpsc::Receiver<ServerFrame>) {
        let (out, frames) = mpsc::channel(FRAMES);
        let seat = Self::with_sender(session, slots, inline_history, out);
        (seat, frames)
    }

    /// A seat that sends on a channel that is there already.
    pub(super) fn with_sender(
        session: SessionId,
        slots: usize,
        inline_history: bool,
        out: mpsc::Sender<ServerFrame>,
    ) -> Self {
        Self {
            id: LAST.fetch_add(1, Ordering::Relaxed),
            session,
            inline_history,
            slots,
            out,
            replaced: CancellationToken::new(),
            load: Mutex::default(),
        }
    }

    /// The channel of a connection.
    pub(super) fn channel() -> (mpsc::Sender<ServerFrame>, mpsc::Receiver<ServerFrame>) {
        mpsc::channel(FRAMES)
    }

    /// How busy the worker's machine was when it last said.
    pub(super) fn load(&self) -> Load {
        *self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_load(&self, load: Load) {
        *self.load.lock().unwrap_or_else(PoisonError::into_inner) = load;
    }
}
