//! What a failed call says to people.

use orchestrator_client::{ClientError, EventsError};
use orchestrator_desktop_model::{Failure, FailureKind};
use orchestrator_protocol::Code;

/// A failed call, for people.
pub(super) fn of_call(error: &ClientError) -> Failure {
    let kind = match error {
        ClientError::Refused(problem) => match problem.code {
            Code::Unauthorized | Code::Forbidden => FailureKind::Denied,
            Code::TaskNotFound | Code::NotFound => FailureKind::Missing,
            Code::Unavailable => FailureKind::Unreachable,
            _ => FailureKind::Refused,
        },
        ClientError::Unreachable { .. } => FailureKind::Unreachable,
        _ => FailureKind::Strange,
    };
    let fields = match error {
        ClientError::Refused(problem) => &*problem.errors,
        _ => &[],
    };
    Failure {
        kind,
        message: error.to_string(),
        fields: fields
            .iter()
            .map(|field| (field.field.clone(), field.message.clone()))
            .collect(),
    }
}

/// Events that a server does not show, for people.
pub(super) fn of_events(error: &EventsError) -> Failure {
    let kind = match error.status {
        401 | 403 => FailureKind::Denied,
        404 => FailureKind::Missing,
        _ => FailureKind::Strange,
    };
    Failure::new(kind, error.message.clone())
}
