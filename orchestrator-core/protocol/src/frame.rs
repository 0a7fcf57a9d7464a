//! The workers' protocol: what a worker and a server say to each other over a WebSocket, one JSON object a frame.
//!
//! `docs/worker-protocol.md` explains it to people who write a worker in another language, with an example of every
//! frame. Unknown fields and unknown types of frames are passed over, so that either side may be newer.
//!
//! ```
//! use orchestrator_protocol::frame::{Credit, WorkerFrame};
//!
//! let frame = WorkerFrame::parse(r#"{"type": "credit", "add": 4, "new": true}"#)?;
//! assert_eq!(frame, WorkerFrame::Credit(Credit { add: 4 }));
//! assert_eq!(frame.to_json()?, r#"{"type":"credit","add":4}"#);
//! assert_eq!(WorkerFrame::parse(r#"{"type": "sing"}"#)?, WorkerFrame::Unknown);
//! # Ok::<(), orchestrator_protocol::frame::FrameError>(())
//! ```

mod from_server;
mod from_worker;
mod lease;
mod poll;

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{LeaseId, TaskId};

pub use from_server::{Ack, Done, Failure, Recalled, Renewed, ServerFrame, SettledTasks, TaskHistory, Welcome};
pub use from_worker::{AskHistory, AskResults, CancelTasks, Credit, Goodbye, Hello, Report, Stats, WorkerFrame};
pub use lease::{Lease, Leases};
pub use poll::{Claim, Claimed, CloseSession, RenewSession, ReportItems, Reported};

/// The version of the protocol that this crate speaks. A server refuses workers of a version that it does not know.
pub const PROTOCOL_VERSION: u32 = 1;

/// The most that a frame may hold, in bytes. Longer ones close the connection.
pub const MAX_FRAME_BYTES: usize = 32 * 1024 * 1024;

/// A task and the lease under which it is, or was, held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The task.
    pub task_id: TaskId,
    /// The lease.
    pub lease: LeaseId,
}

/// A text that is not a frame, or a frame that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FrameError {
    /// The number of the request, where the text has one: its sender waits for an answer.
    pub id: Option<u64>,
    /// What is wrong.
    pub message: String,
}

/// What every frame has, read before the rest.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

impl<'a> Head<'a> {
    fn of(text: &'a str) -> Result<(Cow<'a, str>, Option<u64>), FrameError> {
        let head: Head<'a> = serde_json::from_str(text).map_err(|error| FrameError {
            id: None,
            message: format!("a frame is a JSON object with a `type`: {error}"),
        })?;
        let id = head.id.and_then(|id| id.get().parse().ok());
        let kind = head.kind.ok_or_else(|| FrameError {
            id,
            message: "a frame is a JSON object with a `type`: it has none".to_owned(),
        })?;
        Ok((kind, id))
    }
}

fn body<T: DeserializeOwned>(kind: &str, id: Option<u64>, text: &str) -> Result<T, FrameError> {
    serde_json::from_str(text).map_err(|error| FrameError {
        id,
        message: format!("`{kind}`: {error}"),
    })
}

fn written(json: serde_json::Result<String>) -> Result<String, FrameError> {
    json.map_err(|error| FrameError {
        id: None,
        message: format!("the frame cannot be written: {error}"),
    })
}
