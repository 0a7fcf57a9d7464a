//! Every operation of the document, for each role and without a token.

use std::collections::BTreeMap;

use orchestrator_server::Config;
use serde_json::{Value, json};

use super::support::{TestServer, config};

const ADMIN: &str = "an-admin-token-of-the-tests";

async fn locked() -> TestServer {
    TestServer::start_with(Config {
        admin_token: Some(ADMIN.to_owned()),
        ..config()
    })
    .await
}

async fn token(server: &TestServer, role: &str) -> Value {
    let body = json!({"name": format!("a {role}"), "roles": [role]});
    server
        .call("POST", "/api/v1/tokens", Some(ADMIN), Some(&body))
        .await
        .expect(201)
}

/// The role that an operation needs beside the admin's; none: any token will do.
fn needed(method: &str, path: &str) -> Option<&'static str> {
    match (method, path) {
        (_, path) if path.starts_with("/tokens") => Some("admin"),
        ("GET", _) => None,
        (_, path) if path.ends_with("/decision") => Some("reviewer"),
        (_, path) if path.starts_with("/tasks") || path.starts_with("/schedules") => Some("submitter"),
        _ => Some("admin"),
    }
}

#[tokio::test]
async fn each_role_may_do_its_own() {
    let server = locked().await;
    let mut secrets = BTreeMap::new();
    for role in ["viewer", "submitter", "reviewer", "worker", "admin"] {
        let minted = token(&server, role).await;
        secrets.insert(role, minted["secret"].as_str().expect("a secret").to_owned());
    }
    let document = server.get("/openapi.json").await.expect(200);
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            let method = method.to_uppercase();
            let address = path
                .replace("{task_id}", "0190c9a2-0000-7000-8000-000000000000")
                .replace("{worker_id}", "0190c9a2-0000-7000-8000-000000000000")
                .replace("{schedule_id}", "0190c9a2-0000-7000-8000-000000000000")
                .replace("{token_id}", "0190c9a2-0000-7000-8000-000000000000")
                .replace("{key}", "k")
                .replace("{queue}", "q");
            let address = format!("/api/v1{address}");
            server
                .call(&method, &address, None, None)
                .await
                .problem(401, "unauthorized");
            let wrong = server.call(&method, &address, Some("a-wrong-token"), None).await;
            wrong.problem(401, "unauthorized");
            let need = needed(&method, path);
            for (role, secret) in &secrets {
                let reply = server.call(&method, &address, Some(secret), None).await;
                let may = need.is_none_or(|need| need == *role) || *role == "admin";
                if may {
                    assert!(
                        ![401, 403].contains(&reply.status.as_u16()),
                        "{role} {method} {path}: {}",
                        reply.text
                    );
                    assert!(reply.status.as_u16() < 500, "{role} {method} {path}: {}", reply.text);
                } else {
                    let detail = reply.problem(403, "forbidden");
                    assert!(
                        detail.contains(need.expect("a role")),
                        "{role} {method} {path}: {detail}"
                    );
                }
            }
            operations += 1;
        }
    }
    assert!(operations > 30, "{operations}");
    for (path, open) in [
        ("/healthz", true),
        ("/readyz", true),
        ("/openapi.json", true),
        ("/metrics", false),
    ] {
        let status = server.get(path).await.status.as_u16();
        assert_eq!(status, if open { 200 } else { 401 }, "{path}");
    }
    assert_eq!(
        server
            .call("GET", "/metrics", Some(&secrets["viewer"]), None)
            .await
            .status
            .as_u16(),
        200
    );
}

#[tokio::test]
async fn a_token_is_shown_once_and_can_be_revoked() {
    let server = locked().await;
    let minted = token(&server, "viewer").await;
    let secret = minted["secret"].as_str().expect("a secret");
    let listed = server.call("GET", "/api/v1/tokens", Some(ADMIN), None).await;
    assert!(
        !listed.text.contains(secret) && listed.text.contains("a viewer"),
        "{}",
        listed.text
    );
    server
        .call("GET", "/api/v1/stats", Some(secret), None)
        .await
        .expect(200);
    let path = format!("/api/v1/tokens/{}", minted["id"].as_str().expect("an id"));
    server.call("DELETE", &path, Some(ADMIN), None).await.expect(204);
    server
        .call("GET", "/api/v1/stats", Some(secret), None)
        .await
        .problem(401, "unauthorized");
    server
        .call("DELETE", &path, Some(ADMIN), None)
        .await
        .problem(404, "not_found");
    let past = json!({"name": "old", "roles": ["viewer"], "expires_at": "2020-01-01T00:00:00Z"});
    let old = server
        .call("POST", "/api/v1/tokens", Some(ADMIN), Some(&past))
        .await
        .expect(201);
    let old = old["secret"].as_str().expect("a secret");
    server
        .call("GET", "/api/v1/stats", Some(old), None)
        .await
        .problem(401, "unauthorized");
    for wrong in [
        json!({"name": "", "roles": ["viewer"]}),
        json!({"name": "x", "roles": []}),
        json!({"name": "x", "roles": ["king"]}),
    ] {
        let refused = server.call("POST", "/api/v1/tokens", Some(ADMIN), Some(&wrong)).await;
        refused.problem(400, "invalid_input");
    }
}
