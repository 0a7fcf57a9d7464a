//! Types of tasks, and what their inputs look like.

use serde::{Deserialize, Serialize};

use crate::{DEEPEST, Json, is_too_deep};

/// The most that an input schema may hold, in bytes.
pub const MAX_SCHEMA_BYTES: usize = 64 << 10;

/// The most that all input schemas of a worker may hold together, in bytes.
pub const MAX_SCHEMAS_BYTES: usize = 512 << 10;

/// A type of tasks that workers run or have run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskType {
    /// Its name: what tasks carry as `task_type`.
    pub name: String,
    /// A JSON schema of its input, as a worker announced it last. None where the last to announce the type had none, and
    /// where nobody announced it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Json>,
    /// How many workers that take tasks offer it.
    pub online: u32,
}

/// Why something cannot be an input schema; nothing when it can. Whether it makes sense as a schema is not looked at.
///
/// ```
/// use orchestrator_protocol::{Json, schema_problem};
///
/// assert_eq!(schema_problem(&Json::parse(r#"{"type": "object"}"#)?), None);
/// assert!(schema_problem(&Json::parse("true")?).is_some());
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn schema_problem(schema: &Json) -> Option<String> {
    let text = schema.get();
    if !text.starts_with('{') {
        return Some("must be a JSON object".to_owned());
    }
    if text.len() > MAX_SCHEMA_BYTES {
        let bytes = text.len();
        return Some(format!("has {bytes} bytes, and {MAX_SCHEMA_BYTES} are the most"));
    }
    is_too_deep(text.as_bytes()).then(|| format!("is nested deeper than {DEEPEST}"))
}
