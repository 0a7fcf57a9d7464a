//! What workers said of the types of tasks that they run.

use orchestrator_protocol::{Json, Timestamp};

/// What a worker said last of a type of tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnouncedType {
    /// The type.
    pub name: String,
    /// A JSON schema of its input; none where the worker has none.
    pub input_schema: Option<Json>,
    /// When it was first said like this.
    pub announced_at: Timestamp,
}
