//! The same for workers that cannot hold a socket: requests and answers of the long-poll.

use serde::{Deserialize, Serialize};

use super::{Held, Lease};
use crate::{Load, ReportAck, ReportItem, SessionId};

/// `POST /api/v1/worker/claim`: asks for tasks, and waits for them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Who asks.
    pub session: SessionId,
    /// How many tasks at most. With 0 the answer only tells of cancellations.
    pub credit: u32,
    /// How long to wait for the first of them, in seconds, at most 60. Defaults to 0.
    #[serde(default)]
    pub wait_s: f64,
    /// Whether leases come with what the task has finished and what its dependencies gave. Defaults to true.
    #[serde(default = "yes")]
    pub inline_history: bool,
}

fn yes() -> bool {
    true
}

/// The answer to a claim: comes early when something was cancelled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Claimed {
    /// The tasks.
    pub tasks: Vec<Lease>,
    /// Tasks to stop.
    pub cancel: Vec<Held>,
    /// Whether an operator drains the worker.
    pub drain: bool,
}

/// `POST /api/v1/worker/report`: what happened to tasks, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportItems {
    /// What happened, each under its lease.
    pub items: Vec<ReportItem>,
}

/// The answer to a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reported {
    /// An answer for each item, in order.
    pub acks: Vec<ReportAck>,
}

/// `POST /api/v1/worker/renew`: a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RenewSession {
    /// Whose.
    pub session: SessionId,
    /// How busy the machine is.
    #[serde(flatten)]
    pub load: Load,
}

/// `POST /api/v1/worker/close`: the end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseSession {
    /// Which.
    pub session: SessionId,
}
