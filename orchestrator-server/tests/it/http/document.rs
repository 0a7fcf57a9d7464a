//! The document that describes the API.

use std::path::Path;

use super::support::TestServer;

/// Set to write the document instead of comparing it.
const UPDATE: &str = "ORCHESTRATOR_UPDATE_OPENAPI";

#[tokio::test]
async fn the_committed_document_is_what_the_server_says() {
    let server = TestServer::start().await;
    let said = server.get("/openapi.json").await.text + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, &said).expect("it can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        said == committed,
        "docs/openapi.json is not what the server says; if the change is meant, write it anew: \
         {UPDATE}=1 cargo test -p orchestrator-server --test it document"
    );
}

#[tokio::test]
async fn everything_that_is_named_is_described() {
    let server = TestServer::start().await;
    let document = server.get("/openapi.json").await;
    let schemas = document.body["components"]["schemas"]
        .as_object()
        .expect("schemas")
        .clone();
    for part in document.text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap_or_default();
        assert!(schemas.contains_key(name), "{name} is not described");
    }
    for (path, methods) in document.body["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            assert!(
                operation["summary"].as_str().is_some_and(|s| !s.is_empty()),
                "{method} {path}"
            );
            assert!(operation["operationId"].is_string(), "{method} {path}");
            assert!(operation["responses"]["400"].is_object(), "{method} {path}");
        }
    }
}
