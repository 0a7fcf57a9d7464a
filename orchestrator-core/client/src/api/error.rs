//! Why a call failed.

use orchestrator_protocol::{Code, Problem};

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server refused.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// No server could be reached, or none answered in time.
    #[error("the server {address} cannot be reached: {reason}")]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// Why.
        reason: String,
    },
    /// Something answered that is not our server, or not of our version.
    #[error("{address} does not answer like an orchestrator's server: {reason}")]
    Strange {
        /// Where.
        address: String,
        /// What it said.
        reason: String,
    },
}

impl ClientError {
    /// The stable name of a refusal.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(problem) => Some(problem.code),
            _ => None,
        }
    }

    /// Whether the same call may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(problem) => matches!(problem.code, Code::Unavailable | Code::RateLimited),
            Self::Unreachable { .. } => true,
            Self::Strange { .. } => false,
        }
    }
}
