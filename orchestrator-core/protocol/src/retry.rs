//! How often and how soon a failed task is tried again.

use serde::{Deserialize, Serialize};

/// Attempts and the exponential backoff between them.
///
/// The wait before attempt `n + 1` is `initial_backoff_s * multiplier^(n - 1)`, at most `max_backoff_s`, of which up to
/// half is taken off by jitter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// How often the task may run before it has failed, the first time included. Defaults to 3; at least 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub max_attempts: u32,
    /// Seconds before the second attempt. Defaults to 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
    pub initial_backoff_s: f64,
    /// What each further wait is multiplied by. Defaults to 2; at least 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub multiplier: f64,
    /// The longest wait in seconds. Defaults to 60.
    #[cfg_attr(feature = "schema", schemars(range(min = 0)))]
    pub max_backoff_s: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            initial_backoff_s: 1.0,
            multiplier: 2.0,
            max_backoff_s: 60.0,
        }
    }
}

impl RetryPolicy {
    /// One attempt, no second.
    pub fn never() -> Self {
        Self {
            max_attempts: 1,
            ..Self::default()
        }
    }
}
