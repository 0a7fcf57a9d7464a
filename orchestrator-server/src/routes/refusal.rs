//! Errors of the store as problems.

use orchestrator_core::store::StoreError;
use orchestrator_protocol::{Code, Problem};
use poem::{
    Response,
    http::{StatusCode, header},
};

/// The answer for an error.
pub(super) fn refusal(error: &StoreError) -> Response {
    let code = error.code();
    let (status, title) = match code {
        Code::TaskNotFound => (StatusCode::NOT_FOUND, "There is no such task"),
        Code::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        Code::InvalidInput | Code::Cycle => (StatusCode::BAD_REQUEST, "The request breaks a rule"),
        Code::LeaseLost => (StatusCode::CONFLICT, "The session has ended"),
        Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "The store cannot be reached"),
        _ => (StatusCode::CONFLICT, "The task's state does not allow this"),
    };
    problem(status, title, error.to_string(), code)
}

/// The answer for a body that is too large.
pub(super) fn too_large(most: usize) -> Response {
    let detail = format!("the body has more than {most} bytes, or ended early");
    let title = "The request is larger than allowed";
    problem(StatusCode::PAYLOAD_TOO_LARGE, title, detail, Code::PayloadTooLarge)
}

fn problem(status: StatusCode, title: &str, detail: String, code: Code) -> Response {
    let problem = Problem {
        kind: "about:blank".to_owned(),
        title: title.to_owned(),
        status: status.as_u16(),
        detail,
        code,
    };
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/problem+json")
        .body(serde_json::to_vec(&problem).unwrap_or_default())
}
