//! The document that describes the API, from the routes themselves.

use orchestrator_core::domain::spec;
use orchestrator_protocol::{EventType, TaskState};
use poem_openapi::OpenApiService;
use serde_json::{Map, Value, json};

use crate::{
    app::App,
    routes::{self, Api},
    wire::schema,
};

/// The operations, as an endpoint that also describes them.
pub(crate) fn service(app: &App) -> OpenApiService<Api, ()> {
    OpenApiService::new(routes::api(app), "Orchestrator", env!("CARGO_PKG_VERSION"))
        .description(
            "Tasks for fleets of AI agents. Errors are `application/problem+json` with a stable `code`; lists are paged by \
             `cursor`; times are RFC 3339 in UTC.",
        )
        .server("/api/v1")
}

/// The page for people, and the document for programs.
pub(crate) fn pages(service: &OpenApiService<Api, ()>) -> (String, String) {
    let written = service.spec();
    let mut document: Value = serde_json::from_str(&written).unwrap_or_default();
    schema::unpack(&mut document);
    say_what_parameters_are(&mut document);
    say_that_tokens_may_be_needed(&mut document);
    let spec = serde_json::to_string_pretty(&document).unwrap_or_default();
    (service.swagger_ui_html().replace(&written, &spec), spec)
}

/// The document, as it is committed in `docs/openapi.json`.
pub fn document(app: &App) -> String {
    pages(&service(app)).1
}

/// Parameters are read as texts, so that what is wrong with one is said in our words. Here is what the texts are to be.
fn say_what_parameters_are(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    let operations = paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    let parameters = operations.filter_map(|operation| operation.get_mut("parameters")?.as_array_mut());
    for parameter in parameters.flatten() {
        let said = match parameter["name"].as_str().unwrap_or_default() {
            name if name.ends_with("_id") => json!({"format": "uuid"}),
            "key" | "queue" => json!({"minLength": 1, "maxLength": spec::MAX_NAME}),
            "limit" => json!({"minimum": 1, "maximum": 500}),
            "after" => json!({"minimum": 0}),
            "wait_s" => json!({"minimum": 0, "maximum": 300}),
            "label" => json!({"pattern": "^[^:]+:"}),
            // Of checkpoints one, of tasks several.
            "state"
                if parameter["description"]
                    .as_str()
                    .is_some_and(|said| said.starts_with("`open`")) =>
            {
                json!({"enum": ["open"]})
            }
            "state" => several(TaskState::ALL.iter().map(|state| state.as_str())),
            "types" => several(EventType::ALL.iter().map(|kind| kind.as_str())),
            _ => continue,
        };
        if let (Some(schema), Value::Object(said)) = (parameter["schema"].as_object_mut(), said) {
            schema.extend(said);
        }
    }
}

/// Names, separated by commas.
fn several<'n>(names: impl Iterator<Item = &'n str>) -> Value {
    let names = names.collect::<Vec<_>>().join("|");
    json!({"pattern": format!("^(({names})(,({names}))*)?$")})
}

/// Says of the whole document that a token may be needed.
fn say_that_tokens_may_be_needed(document: &mut Value) {
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token, where the server asks for one. Each operation says which role it needs.",
        }
    });
    document["security"] = json!([{"bearer": []}, {}]);
}
