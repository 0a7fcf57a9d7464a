//! How reports and their answers look on the wire.
//!
//! An item is read into one struct with every field that any kind of item has: JSON that is carried as its text cannot
//! pass through the buffers with which serde reads tagged enums.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, Unexpected},
    ser::SerializeMap,
};

use super::{ChildRef, ChildSpec, ReportAck, ReportBody, ReportItem};
use crate::{Join, Json, LeaseId, TaskError, TaskId, Timestamp, Usage, forgiving};

impl Serialize for ReportItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("task_id", &self.task)?;
        map.serialize_entry("lease", &self.lease)?;
        map.serialize_entry("number", &self.number)?;
        map.serialize_entry("type", self.body.kind())?;
        match &self.body {
            ReportBody::Log { stream, text, at } => {
                map.serialize_entry("stream", stream)?;
                map.serialize_entry("text", text)?;
                map.serialize_entry("at", at)?;
            }
            ReportBody::Progress(progress) => map.serialize_entry("progress", progress)?,
            ReportBody::Usage(usage) => map.serialize_entry("usage", usage)?,
            ReportBody::Step { name, output } => {
                map.serialize_entry("name", name)?;
                map.serialize_entry("output", output)?;
            }
            ReportBody::Spawn(children) => map.serialize_entry("children", children)?,
            ReportBody::Wait { tasks, join, until } => {
                map.serialize_entry("task_ids", tasks)?;
                map.serialize_entry("join", join)?;
                if let Some(until) = until {
                    map.serialize_entry("until", until)?;
                }
            }
            ReportBody::Complete { output, wall_s } => {
                map.serialize_entry("output", output)?;
                map.serialize_entry("wall_s", wall_s)?;
            }
            ReportBody::Fail { error, wall_s } => {
                map.serialize_entry("error", error)?;
                map.serialize_entry("wall_s", wall_s)?;
            }
            ReportBody::Release { reason } => map.serialize_entry("reason", reason)?,
            ReportBody::Stopped { wall_s } => map.serialize_entry("wall_s", wall_s)?,
        }
        map.end()
    }
}

impl ReportBody {
    /// The name of what is said, as it is on the wire.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Log { .. } => "log",
            Self::Progress(_) => "progress",
            Self::Usage(_) => "usage",
            Self::Step { .. } => "step",
            Self::Spawn(_) => "spawn",
            Self::Wait { .. } => "wait",
            Self::Complete { .. } => "complete",
            Self::Fail { .. } => "fail",
            Self::Release { .. } => "release",
            Self::Stopped { .. } => "stopped",
        }
    }
}

const KINDS: &[&str] = &[
    "log", "progress", "usage", "step", "spawn", "wait", "complete", "fail", "release", "stopped",
];

#[derive(Deserialize)]
struct Item {
    task_id: TaskId,
    lease: LeaseId,
    number: u64,
    #[serde(rename = "type")]
    kind: String,
    stream: Option<String>,
    text: Option<String>,
    at: Option<Timestamp>,
    progress: Option<f64>,
    usage: Option<Usage>,
    name: Option<String>,
    #[serde(default, deserialize_with = "forgiving::present")]
    output: Option<Json>,
    children: Option<Vec<ChildSpec>>,
    task_ids: Option<Vec<TaskId>>,
    join: Option<Join>,
    until: Option<Timestamp>,
    error: Option<TaskError>,
    wall_s: Option<f64>,
    reason: Option<String>,
}

impl<'de> Deserialize<'de> for ReportItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let item = Item::deserialize(deserializer)?;
        let (task, lease, number) = (item.task_id, item.lease, item.number);
        if number == 0 {
            return Err(D::Error::custom("`number` counts from 1 under each lease"));
        }
        let body = item.body()?;
        Ok(Self {
            task,
            lease,
            number,
            body,
        })
    }
}

impl Item {
    fn body<E: serde::de::Error>(self) -> Result<ReportBody, E> {
        let wall_s = self.wall_s.unwrap_or_default();
        if !wall_s.is_finite() || wall_s < 0.0 {
            return Err(E::invalid_value(Unexpected::Float(wall_s), &"seconds, at least 0"));
        }
        Ok(match &*self.kind {
            "log" => ReportBody::Log {
                stream: self.stream.unwrap_or_else(|| "log".to_owned()),
                text: need(self.text, "text")?,
                at: need(self.at, "at")?,
            },
            "progress" => ReportBody::Progress(need(self.progress, "progress")?),
            "usage" => ReportBody::Usage(need(self.usage, "usage")?),
            "step" => ReportBody::Step {
                name: need(self.name, "name")?,
                output: self.output.unwrap_or_default(),
            },
            "spawn" => ReportBody::Spawn(need(self.children, "children")?),
            "wait" => ReportBody::Wait {
                tasks: self.task_ids.unwrap_or_default(),
                join: self.join.unwrap_or_default(),
                until: self.until,
            },
            "complete" => ReportBody::Complete {
                output: self.output.unwrap_or_default(),
                wall_s,
            },
            "fail" => ReportBody::Fail {
                error: need(self.error, "error")?,
                wall_s,
            },
            "release" => ReportBody::Release {
                reason: self.reason.unwrap_or_default(),
            },
            "stopped" => ReportBody::Stopped { wall_s },
            other => return Err(E::unknown_variant(other, KINDS)),
        })
    }
}

fn need<T, E: serde::de::Error>(field: Option<T>, name: &'static str) -> Result<T, E> {
    field.ok_or_else(|| E::missing_field(name))
}

/// The answer to an item, as it is on the wire.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ack {
    result: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    children: Option<Vec<ChildRef>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl From<ReportAck> for Ack {
    fn from(ack: ReportAck) -> Self {
        let (result, children, message) = match ack {
            ReportAck::Accepted => ("accepted", None, None),
            ReportAck::Spawned(children) => ("spawned", Some(children), None),
            ReportAck::Parked => ("parked", None, None),
            ReportAck::Open => ("open", None, None),
            ReportAck::LeaseLost => ("lease_lost", None, None),
            ReportAck::Refused { message } => ("refused", None, Some(message)),
        };
        Self {
            result: result.to_owned(),
            children,
            message,
        }
    }
}

impl From<Ack> for ReportAck {
    fn from(ack: Ack) -> Self {
        match &*ack.result {
            "accepted" => Self::Accepted,
            "spawned" => Self::Spawned(ack.children.unwrap_or_default()),
            "parked" => Self::Parked,
            "open" => Self::Open,
            "lease_lost" => Self::LeaseLost,
            "refused" => Self::Refused {
                message: ack.message.unwrap_or_default(),
            },
            other => Self::Refused {
                message: format!("the server answered `{other}`, which this worker does not know"),
            },
        }
    }
}
