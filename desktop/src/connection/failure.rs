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
        message: said(kind, error.to_string()),
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
    Failure::new(kind, said(kind, error.message.clone()))
}

/// What a server says to programs that send no token is no advice for people.
fn said(kind: FailureKind, message: String) -> String {
    if kind == FailureKind::Denied && message.contains("Authorization: Bearer") {
        return "it asks for a token, and this app has none for it".to_owned();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_token_is_told_so() {
        let refused = |message: &str| {
            of_events(&EventsError {
                status: 401,
                message: message.to_owned(),
            })
        };
        let none = refused("send `Authorization: Bearer TOKEN`");
        assert_eq!(none.kind, FailureKind::Denied);
        assert_eq!(none.message, "it asks for a token, and this app has none for it");
        let wrong = "this token is not known, has expired or was revoked";
        assert_eq!(refused(wrong).message, wrong);
    }
}
