//! The document that describes the API, from the routes themselves.

use poem_openapi::OpenApiService;
use serde_json::{Value, json};

use crate::{
    app::App,
    routes::{self, Api},
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
    let spec = with_security(&written);
    (service.swagger_ui_html().replace(&written, &spec), spec)
}

/// The document, as it is committed in `docs/openapi.json`.
pub fn document(app: &App) -> String {
    pages(&service(app)).1
}

/// Says of the whole document that a token may be needed.
fn with_security(spec: &str) -> String {
    let mut document: Value = serde_json::from_str(spec).unwrap_or_default();
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token, where the server asks for one. Each operation says which role it needs.",
        }
    });
    document["security"] = json!([{"bearer": []}, {}]);
    serde_json::to_string_pretty(&document).unwrap_or_default()
}
