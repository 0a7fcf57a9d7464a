//! Bodies: serde decides what they look like, and the OpenAPI document says so.

pub(crate) mod schema;

use std::ops::Deref;

use orchestrator_protocol::{Code, DEEPEST, Problem, is_too_deep};
use poem::{IntoResponse, Request, RequestBody, Response, http::StatusCode};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaResponse, MetaResponses, MetaSchemaRef, Registry},
};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::{app::BodyLimit, problem::Failure};

const JSON: &str = "application/json";

/// The body of a request.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// The answer to a request, with status 200.
#[derive(Debug)]
pub struct Answer<T>(pub T);

/// An answer that says that something is new (201), or was there already (200).
#[derive(Debug)]
pub struct Created<T> {
    /// What there is now.
    pub value: T,
    /// Whether it is new.
    pub new: bool,
}

/// An answer without a body, with status 204.
#[derive(Debug)]
pub struct Done;

impl<T> Deref for Body<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Reads a body, naming the field that is wrong.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    if is_too_deep(bytes) {
        return Err(Failure::field(
            "body",
            format!("is nested deeper than {DEEPEST} levels"),
        ));
    }
    // Serde takes the fields of an object one after the other from an array too, which nobody has promised.
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') {
        return Err(Failure::field("body", "expected an object, not an array"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let message = error.inner().to_string();
        // Where the text is not JSON at all, the path ends with a `?`, which helps nobody; the message has line and column.
        if path == "." || !error.inner().is_data() {
            Failure::field("body", message)
        } else {
            Failure::field(path, message)
        }
    })?;
    reader
        .end()
        .map_err(|error| Failure::field("body", format!("there is more after the JSON value: {error}")))?;
    Ok(parsed)
}

/// Whether a content type is JSON.
fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    kind == JSON || (kind.starts_with("application/") && kind.ends_with("+json"))
}

impl<'a, T: DeserializeOwned + JsonSchema + Send> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamRawType = ();
    type ParamType = ();

    fn register(registry: &mut Registry) {
        schema::register::<T>(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType {
                content_type: JSON,
                schema: schema::reference::<T>(),
            }],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        if !request.content_type().is_some_and(is_json) {
            let wanted = "the body must be JSON: send it with `content-type: application/json`";
            let failure = Failure::new(Code::InvalidInput, wanted);
            return Err(failure.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).into());
        }
        let limit = request.data::<BodyLimit>().map_or(usize::MAX, |limit| limit.0);
        let bytes = body.take()?.into_bytes_limit(limit).await?;
        Ok(Self(parse(&bytes)?))
    }
}

fn json_response<T: Serialize>(status: StatusCode, value: &T) -> Response {
    // A task without much input fits.
    let mut body = Vec::with_capacity(1024);
    match serde_json::to_writer(&mut body, value) {
        Ok(()) => Response::builder().status(status).content_type(JSON).body(body),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            Failure::new(Code::Internal, "a defect of the server; its log says more").into_response()
        }
    }
}

fn described<T: JsonSchema>(status: u16, description: &'static str) -> MetaResponse {
    MetaResponse {
        description,
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType {
            content_type: JSON,
            schema: schema::reference::<T>(),
        }],
        headers: vec![],
    }
}

impl<T: Serialize + Send> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        json_response(StatusCode::OK, &self.0)
    }
}

impl<T: JsonSchema> ApiResponse for Answer<T> {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![described::<T>(200, "The answer.")],
        }
    }

    fn register(registry: &mut Registry) {
        schema::register::<T>(registry);
    }
}

impl<T: Serialize + Send> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let status = if self.new { StatusCode::CREATED } else { StatusCode::OK };
        json_response(status, &self.value)
    }
}

impl<T: JsonSchema> ApiResponse for Created<T> {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![
                described::<T>(201, "It is new."),
                described::<T>(200, "It was there already."),
            ],
        }
    }

    fn register(registry: &mut Registry) {
        schema::register::<T>(registry);
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl ApiResponse for Done {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "It is done.",
                status: Some(204),
                status_range: None,
                content: vec![],
                headers: vec![],
            }],
        }
    }

    fn register(_: &mut Registry) {}
}

/// Every way in which a request may be refused.
const REFUSALS: [(u16, &str); 9] = [
    (400, "The request breaks a rule; `errors` names the fields."),
    (401, "A token is needed, or the token is not known."),
    (403, "The token's roles do not allow this."),
    (404, "What is named does not exist."),
    (409, "It is in conflict with the state of things."),
    (413, "The body is larger than the server takes."),
    (415, "The body is not JSON."),
    (429, "Too many requests; `Retry-After` says when to try again."),
    (503, "The store is unavailable; try again."),
];

impl ApiResponse for Failure {
    fn meta() -> MetaResponses {
        let refusal = |(status, description): (u16, &'static str)| MetaResponse {
            description,
            status: Some(status),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: "application/problem+json",
                schema: MetaSchemaRef::Reference("Problem".to_owned()),
            }],
            headers: vec![],
        };
        MetaResponses {
            responses: REFUSALS.into_iter().map(refusal).collect(),
        }
    }

    fn register(registry: &mut Registry) {
        schema::register::<Problem>(registry);
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::NewTask;

    use super::*;

    #[test]
    fn the_field_that_is_wrong_is_named() {
        let wrong = |text: &str| parse::<NewTask>(text.as_bytes()).expect_err("it is wrong").0;
        let problem = wrong(r#"{"task_type": "a", "priority": "high"}"#);
        assert_eq!(problem.errors[0].field, "priority");
        let problem = wrong(r#"{"task_type": "a", "colour": "red"}"#);
        assert!(problem.detail.contains("colour"), "{}", problem.detail);
        let problem = wrong(r#"{"task_type": "a", "retry": {"max_attempts": -1}}"#);
        assert_eq!(problem.errors[0].field, "retry.max_attempts");
        let deep = format!(
            r#"{{"task_type": "a", "input": {}1{}}}"#,
            "[".repeat(100),
            "]".repeat(100)
        );
        assert!(wrong(&deep).detail.contains("deeper than 100"));
        for (text, field) in [
            (r#"{"task_type": "a", "retry": [3, 1, 2, 60]}"#, "retry"),
            (r#"{"task_type": "a", "budget": [1, 2]}"#, "budget"),
        ] {
            let problem = wrong(text);
            assert_eq!(problem.errors[0].field, field);
            assert!(problem.detail.contains("expected an object"), "{}", problem.detail);
        }
        assert!(wrong(r#" ["a"]"#).detail.contains("not an array"));
        assert_eq!(wrong("").errors[0].field, "body");
        assert_eq!(wrong(r#"{"task_type": "a"} x"#).errors[0].field, "body");
    }

    #[test]
    fn json_is_told_by_its_type() {
        for json in [
            "application/json",
            "application/json; charset=utf-8",
            "application/merge-patch+json",
        ] {
            assert!(is_json(json), "{json}");
        }
        for other in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ] {
            assert!(!is_json(other), "{other}");
        }
    }
}
