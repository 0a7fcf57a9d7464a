//! The orchestrator's vocabulary: ids, states, tasks, events, requests, answers and errors.
//!
//! Everything that crosses a process boundary is defined here, once, for the core, the server, the clients and the
//! bindings. There is no behaviour beyond parsing, formatting and defaults.
//!
//! ```
//! use orchestrator_protocol::{Json, NewTask};
//!
//! let task: NewTask = serde_json::from_str(r#"{"task_type": "digest", "input": {"docs": 3}}"#)?;
//! assert_eq!(task.priority, 5);
//! assert_eq!(task.input, Json::of(&serde_json::json!({"docs": 3}))?);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod answer;
mod error;
mod event;
mod forgiving;
pub mod frame;
mod id;
mod json;
mod new_task;
pub mod object;
mod placement;
mod report;
mod result;
mod retry;
mod schedule;
#[cfg(feature = "schema")]
mod schema;
mod state;
mod stats;
mod task;
mod task_type;
mod time;
mod token;
mod usage;
mod worker;

pub use answer::{
    Checkpoint, Decision, DecisionRequest, Edge, ExternalResult, LogLine, Page, Reason, Tree, Verdict, Why,
};
pub use error::{Code, ErrorClass, FieldError, Problem, TaskError};
pub use event::{Event, EventBody, EventType};
pub use id::{IdError, LeaseId, ScheduleId, Seq, SessionId, TaskId, TokenId, WorkerId};
pub use json::{DEEPEST, Json, is_too_deep};
pub use new_task::{Budget, CheckpointFrequency, Join, NewTask, OnDependencyFailure, Privacy, SideEffects, TaskRef};
pub use placement::{PassedOver, Placement, PlacementParts, RunnerUp};
pub use report::{ChildRef, ChildSpec, Group, History, ReportAck, ReportBody, ReportItem, Settled, StepRecord};
pub use result::{Attention, Need, TaskResult};
pub use retry::RetryPolicy;
pub use schedule::{NewSchedule, OverlapPolicy, Schedule, Timing};
pub use state::TaskState;
pub use stats::{Minute, QueueStats, Stats, Throughput};
pub use task::Task;
pub use task_type::{MAX_SCHEMA_BYTES, MAX_SCHEMAS_BYTES, TaskType, schema_problem};
pub use time::{Timestamp, TimestampError};
pub use token::{Role, RoleError, Token};
pub use usage::{Usage, Usd};
pub use worker::{LimitRule, Load, Worker, WorkerState};
