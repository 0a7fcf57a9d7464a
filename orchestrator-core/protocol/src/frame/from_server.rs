//! What a server says.

use serde::{Deserialize, Serialize};

use super::{FrameError, Head, Held, Leases, body, written};
use crate::{Code, History, ReportAck, SessionId, Settled, forgiving};

/// A frame from a server to a worker.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServerFrame {
    /// The answer to `hello`.
    Welcome(Welcome),
    /// Tasks to run. Uses up credit.
    Lease(Leases),
    /// The answer to `report`.
    Ack(Ack),
    /// The answer to `stats`.
    Renewed(Renewed),
    /// The answer to `results`.
    Settled(SettledTasks),
    /// The answer to `history`.
    History(TaskHistory),
    /// The answer to `cancel` and `goodbye`.
    Done(Done),
    /// Tasks that were cancelled: stop them and say so.
    Cancel(Recalled),
    /// An operator drains the worker: it gets no more tasks.
    Drain,
    /// A request failed, or a frame was not understood.
    Error(Failure),
    /// A frame of a newer server, to be passed over.
    #[serde(skip)]
    Unknown,
}

/// The session that a worker got.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version of the protocol that is spoken.
    pub protocol: u32,
    /// The session.
    pub session: SessionId,
    /// Whether it is the one that was to be resumed. Otherwise everything that the worker held before is lost.
    #[serde(default)]
    pub resumed: bool,
    /// How often the worker sends `stats`, in seconds.
    pub heartbeat_s: f64,
    /// How long the worker may be silent before its tasks are given to others, in seconds.
    pub lease_s: f64,
    /// The most that a frame may hold, in bytes.
    pub max_frame_bytes: usize,
}

/// What became of the items of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ack {
    /// The number of the report.
    pub id: u64,
    /// An answer for each item, in order.
    pub acks: Vec<ReportAck>,
}

/// What a heartbeat brings back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewed {
    /// The number of the heartbeat; 0 where the answer needs none.
    #[serde(default)]
    pub id: u64,
    /// Whether the session lives. When it does not, its tasks are others': the worker stops them and says `hello`.
    pub alive: bool,
    /// Tasks to stop.
    #[serde(default)]
    pub cancel: Vec<Held>,
    /// Every task that the session holds. What the worker does not know of was granted by a frame that was lost: it
    /// gives it back with a `release`.
    #[serde(default)]
    pub held: Vec<Held>,
    /// Whether an operator drains the worker.
    #[serde(default)]
    pub drain: bool,
}

/// Where tasks are and what they gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettledTasks {
    /// The number of the request.
    #[serde(default)]
    pub id: u64,
    /// The tasks, in the order asked for; unknown ones are left out.
    pub tasks: Vec<Settled>,
}

/// What a task has finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskHistory {
    /// The number of the request.
    #[serde(default)]
    pub id: u64,
    /// Its steps and its children.
    pub history: History,
}

/// It is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The number of the request.
    #[serde(default)]
    pub id: u64,
}

/// Tasks that were cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recalled {
    /// The tasks.
    pub tasks: Vec<Held>,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The number of the request; none where the frame was not understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The stable name. `lease_lost`: the session has ended, say `hello`. `unavailable`: try again.
    #[serde(deserialize_with = "forgiving::code")]
    pub code: Code,
    /// What happened and what to do.
    pub message: String,
}

impl ServerFrame {
    /// Reads a frame. A type that is not known is [`ServerFrame::Unknown`].
    ///
    /// # Errors
    ///
    /// The text is not JSON, or not what its type says.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let (kind, id) = Head::of(text)?;
        Ok(match &*kind {
            "welcome" => Self::Welcome(body(&kind, id, text)?),
            "lease" => Self::Lease(body(&kind, id, text)?),
            "ack" => Self::Ack(body(&kind, id, text)?),
            "renewed" => Self::Renewed(body(&kind, id, text)?),
            "settled" => Self::Settled(body(&kind, id, text)?),
            "history" => Self::History(body(&kind, id, text)?),
            "done" => Self::Done(body(&kind, id, text)?),
            "cancel" => Self::Cancel(body(&kind, id, text)?),
            "drain" => Self::Drain,
            "error" => Self::Error(body(&kind, id, text)?),
            _ => Self::Unknown,
        })
    }

    /// Writes a frame.
    ///
    /// # Errors
    ///
    /// [`ServerFrame::Unknown`] has no form.
    pub fn to_json(&self) -> Result<String, FrameError> {
        written(serde_json::to_string(self))
    }
}
