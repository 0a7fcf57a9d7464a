//! How what went wrong is said: RFC 9457, from one place.

use orchestrator_core::store::StoreError;
use orchestrator_protocol::{Code, FieldError, Problem};
use poem::{
    IntoResponse, Response,
    error::{MethodNotAllowedError, NotFoundError, ReadBodyError, ResponseError, SizedLimitError},
    http::{HeaderValue, StatusCode, header},
};

/// A problem on its way to whoever asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure(
    pub Box<Problem>,
    /// The methods by which the address is called, where it was called by another.
    Option<String>,
);

impl Failure {
    /// A problem with its usual status.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let (status, title) = meaning(code);
        let problem = Problem {
            kind: format!("urn:orchestrator:problem:{}", name(code)),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            errors: Vec::new(),
        };
        Self(Box::new(problem), None)
    }

    /// An address that was called by another method than these.
    pub fn other_method(allowed: impl Into<String>) -> Self {
        let allowed = allowed.into();
        let detail = format!("this address is called by {allowed}; see /docs");
        let mut failure = Self::new(Code::MethodNotAllowed, detail);
        failure.1 = Some(allowed);
        failure
    }

    /// A field that breaks a rule.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        let mut failure = Self::new(Code::InvalidInput, format!("{field}: {message}"));
        failure.0.errors.push(FieldError { field, message });
        failure
    }

    /// With another status than the usual one.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status.as_u16();
        self
    }

    /// What to say of an error of the framework.
    pub fn of(error: &poem::Error) -> Self {
        let status = error.status();
        if let Some(failure) = error.downcast_ref::<Self>() {
            return failure.clone();
        }
        if error.is::<NotFoundError>() {
            return Self::new(
                Code::NotFound,
                "there is nothing at this address; see /docs for what there is",
            );
        }
        if error.is::<MethodNotAllowedError>() {
            return Self::new(
                Code::MethodNotAllowed,
                "this address is not called by this method; see /docs",
            );
        }
        let too_large = error.is::<SizedLimitError>()
            || matches!(error.downcast_ref(), Some(ReadBodyError::PayloadTooLarge))
            || status == StatusCode::PAYLOAD_TOO_LARGE;
        if too_large {
            return Self::new(
                Code::PayloadTooLarge,
                "the request's body is larger than this server takes",
            );
        }
        if status == StatusCode::UNSUPPORTED_MEDIA_TYPE || error.is::<poem_openapi::error::ContentTypeError>() {
            let wanted = "the body must be JSON: send it with `content-type: application/json`";
            return Self::new(Code::InvalidInput, wanted).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        if let Some(param) = error.downcast_ref::<poem_openapi::error::ParseParamError>() {
            return Self::field(param.name, plain(&param.reason));
        }
        if error.is::<poem::error::WebSocketError>() {
            return Self::new(Code::InvalidInput, "this address is a WebSocket: connect to it as one")
                .with_status(StatusCode::UPGRADE_REQUIRED);
        }
        if error.is::<poem::error::ParsePathError>() {
            return Self::new(Code::InvalidInput, "the address is not UTF-8");
        }
        if let Some(path) = error.downcast_ref::<poem_openapi::error::ParsePathError>() {
            return Self::field(path.name, plain(&path.reason));
        }
        if status.is_client_error() {
            return Self::new(Code::InvalidInput, error.to_string()).with_status(status);
        }
        tracing::error!(%error, "a request failed");
        Self::new(Code::Internal, "a defect of the server; its log says more")
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// What the framework says of a parameter, without the names of its types.
fn plain(reason: &str) -> String {
    let reason = reason.split(" (occurred while").next().unwrap_or(reason);
    match reason.split_once("\": ") {
        Some((_, said)) if reason.starts_with("failed to parse") => said.to_owned(),
        _ => reason.to_owned(),
    }
}

/// The usual status of a code, and what it means in words.
fn meaning(code: Code) -> (StatusCode, &'static str) {
    match code {
        Code::TaskNotFound => (StatusCode::NOT_FOUND, "There is no such task"),
        Code::NotFound => (StatusCode::NOT_FOUND, "There is no such thing"),
        Code::InvalidInput => (StatusCode::BAD_REQUEST, "The request breaks a rule"),
        Code::Cycle => (StatusCode::BAD_REQUEST, "The dependencies form a circle"),
        Code::LeaseLost => (StatusCode::CONFLICT, "The lease is not the current one"),
        Code::IdempotencyConflict => (StatusCode::CONFLICT, "The idempotency key belongs to another request"),
        Code::StateConflict => (StatusCode::CONFLICT, "The state does not allow this"),
        Code::BudgetExhausted => (StatusCode::CONFLICT, "The budget is spent"),
        Code::Unauthorized => (StatusCode::UNAUTHORIZED, "A token is needed"),
        Code::Forbidden => (StatusCode::FORBIDDEN, "The token does not allow this"),
        Code::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        Code::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
        Code::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Not by this method"),
        Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "The store is unavailable"),
        Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "A defect"),
    }
}

fn name(code: Code) -> String {
    let name = serde_json::to_value(code).ok();
    name.and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_default()
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Invalid { field, message } => Self::field(field.clone(), message.clone()),
            StoreError::Unusable(_) | StoreError::Full(_) | StoreError::Unavailable(_) => {
                tracing::warn!(%error, "the store failed a request");
                Self::new(error.code(), error.to_string())
            }
            _ => Self::new(error.code(), error.to_string()),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl std::error::Error for Failure {}

impl ResponseError for Failure {
    fn status(&self) -> StatusCode {
        Self::status(self)
    }

    fn as_response(&self) -> Response {
        self.clone().into_response()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = Response::builder()
            .status(status)
            .content_type("application/problem+json")
            .body(body);
        let headers = response.headers_mut();
        if let Some(allowed) = self.1.and_then(|allowed| HeaderValue::from_str(&allowed).ok()) {
            headers.insert(header::ALLOW, allowed);
        }
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::UPGRADE_REQUIRED => {
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_status_of_its_kind() {
        let codes = [
            (Code::TaskNotFound, 404),
            (Code::InvalidInput, 400),
            (Code::Cycle, 400),
            (Code::LeaseLost, 409),
            (Code::IdempotencyConflict, 409),
            (Code::StateConflict, 409),
            (Code::Unauthorized, 401),
            (Code::Forbidden, 403),
            (Code::RateLimited, 429),
            (Code::PayloadTooLarge, 413),
            (Code::Unavailable, 503),
        ];
        for (code, status) in codes {
            let failure = Failure::new(code, "x");
            assert_eq!(failure.0.status, status, "{code:?}");
            assert!(
                failure.0.kind.starts_with("urn:orchestrator:problem:"),
                "{}",
                failure.0.kind
            );
        }
    }

    #[test]
    fn a_field_is_named() {
        let failure = Failure::from(StoreError::invalid("tasks[1].priority", "is not within 1 and 10"));
        assert_eq!(failure.0.errors[0].field, "tasks[1].priority");
        assert_eq!(failure.0.detail, "tasks[1].priority: is not within 1 and 10");
    }
}
