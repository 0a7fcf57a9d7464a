//! Every address of the server, for each role and without a token.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::StreamExt;
use orchestrator_server::Config;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{
        Error,
        client::IntoClientRequest,
        http::{HeaderValue, StatusCode, header},
    },
};

use super::support::{TestServer, config};

const ADMIN: &str = "an-admin-token-of-the-tests";

const ROLES: [&str; 5] = ["viewer", "submitter", "reviewer", "worker", "admin"];

/// Far longer than anything takes.
const LONG: Duration = Duration::from_secs(30);

/// Who may call an address. The admin may everything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Whoever comes.
    Anyone,
    /// Whoever has a token.
    Holders,
    /// Whoever has a token with this role.
    Role(&'static str),
}

use Who::{Anyone, Holders, Role};

/// Who may call each operation of the document.
const OPERATIONS: &[(&str, Who)] = &[
    ("list_tasks", Holders),
    ("create_task", Role("submitter")),
    ("create_tasks", Role("submitter")),
    ("get_task", Holders),
    ("get_result", Holders),
    ("get_tree", Holders),
    ("list_task_events", Holders),
    ("list_task_logs", Holders),
    ("explain_task", Holders),
    ("cancel_task", Role("submitter")),
    ("retry_task", Role("submitter")),
    ("pause_task", Role("submitter")),
    ("resume_task", Role("submitter")),
    ("decide_checkpoint", Role("reviewer")),
    ("complete_task", Role("submitter")),
    ("list_checkpoints", Holders),
    ("list_workers", Holders),
    ("get_worker", Holders),
    ("drain_worker", Role("admin")),
    ("list_task_types", Holders),
    ("list_schedules", Holders),
    ("put_schedule", Role("submitter")),
    ("get_schedule", Holders),
    ("delete_schedule", Role("submitter")),
    ("pause_schedule", Role("submitter")),
    ("resume_schedule", Role("submitter")),
    ("list_limits", Holders),
    ("get_limit", Holders),
    ("put_limit", Role("admin")),
    ("delete_limit", Role("admin")),
    ("pause_queue", Role("admin")),
    ("resume_queue", Role("admin")),
    ("get_stats", Holders),
    ("list_tokens", Role("admin")),
    ("create_token", Role("admin")),
    ("delete_token", Role("admin")),
];

/// Who may call what is not in the document: what is for people and monitors, and the workers' protocol.
const OTHERS: &[(&str, &str, Who)] = &[
    ("GET", "/", Anyone),
    ("GET", "/docs", Anyone),
    ("GET", "/openapi.json", Anyone),
    ("GET", "/healthz", Anyone),
    ("GET", "/readyz", Anyone),
    ("GET", "/metrics", Holders),
    ("POST", "/api/v1/worker/sessions", Role("worker")),
    ("POST", "/api/v1/worker/claim", Role("worker")),
    ("POST", "/api/v1/worker/report", Role("worker")),
    ("POST", "/api/v1/worker/renew", Role("worker")),
    ("POST", "/api/v1/worker/history", Role("worker")),
    ("POST", "/api/v1/worker/results", Role("worker")),
    ("POST", "/api/v1/worker/cancel", Role("worker")),
    ("POST", "/api/v1/worker/close", Role("worker")),
    ("POST", "/api/v1/nothing/that/exists", Role("admin")),
];

/// Who may open each WebSocket.
const SOCKETS: &[(&str, Who)] = &[("/api/v1/events", Holders), ("/api/v1/worker", Role("worker"))];

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

fn secret(minted: &Value) -> String {
    minted["secret"].as_str().expect("a secret").to_owned()
}

/// What lets nobody in: nothing, what never was a token, one that has expired, and one that was revoked.
async fn useless(server: &TestServer) -> Vec<Option<String>> {
    let old = json!({"name": "old", "roles": ROLES, "expires_at": "2020-01-01T00:00:00Z"});
    let old = server.call("POST", "/api/v1/tokens", Some(ADMIN), Some(&old)).await;
    let revoked = token(server, "admin").await;
    let path = format!("/api/v1/tokens/{}", revoked["id"].as_str().expect("an id"));
    let known = server.call("GET", "/api/v1/stats", Some(&secret(&revoked)), None).await;
    known.expect(200);
    server.call("DELETE", &path, Some(ADMIN), None).await.expect(204);
    vec![
        None,
        Some("a-wrong-token".to_owned()),
        Some(secret(&old.expect(201))),
        Some(secret(&revoked)),
    ]
}

/// Every address with its method, and who may call it. Fails for an operation that is in the document or in the table
/// alone.
async fn addresses(server: &TestServer) -> Vec<(String, String, Who)> {
    let document = server.get("/openapi.json").await.expect(200);
    let table: BTreeMap<&str, Who> = OPERATIONS.iter().copied().collect();
    let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let id = operation["operationId"].as_str().expect("an id");
            let who = table.get(id);
            let who = *who.unwrap_or_else(|| panic!("say in OPERATIONS who may call {id}: {method} {path}"));
            seen.insert(id.to_owned());
            all.push((method.to_uppercase(), format!("/api/v1{}", filled(path)), who));
        }
    }
    for (id, _) in OPERATIONS {
        assert!(seen.contains(*id), "the document has no operation {id}");
    }
    all.extend(
        OTHERS
            .iter()
            .map(|(method, path, who)| ((*method).to_owned(), (*path).to_owned(), *who)),
    );
    all
}

/// A path with something in each of its places.
fn filled(path: &str) -> String {
    let part = |part: &str| match part {
        "{key}" | "{queue}" => "k".to_owned(),
        part if part.starts_with('{') => "0190c9a2-0000-7000-8000-000000000000".to_owned(),
        part => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn each_role_may_do_its_own() {
    let server = locked().await;
    let useless = useless(&server).await;
    let mut secrets = BTreeMap::new();
    for role in ROLES {
        secrets.insert(role, secret(&token(&server, role).await));
    }
    for (method, path, who) in addresses(&server).await {
        for token in &useless {
            let reply = server.call(&method, &path, token.as_deref(), None).await;
            if who == Anyone {
                reply.expect(200);
            } else {
                reply.problem(401, "unauthorized");
            }
        }
        for (role, secret) in &secrets {
            let reply = server.call(&method, &path, Some(secret), None).await;
            let may = match who {
                Anyone | Holders => true,
                Role(needed) => needed == *role || *role == "admin",
            };
            let status = reply.status.as_u16();
            if may {
                let well = ![401, 403].contains(&status) && status < 500;
                assert!(well, "{role} {method} {path}: {status} {}", reply.text);
            } else {
                let detail = reply.problem(403, "forbidden");
                let Role(needed) = who else { unreachable!() };
                assert!(detail.contains(needed), "{role} {method} {path}: {detail}");
            }
        }
    }
}

#[test]
fn the_workers_protocol_is_in_the_table() {
    let document = include_str!("../../../../docs/worker-protocol.md");
    let mut named = 0;
    for path in document
        .split("`POST ")
        .skip(1)
        .filter_map(|rest| rest.split('`').next())
    {
        let is_listed = OTHERS
            .iter()
            .any(|(method, known, _)| *method == "POST" && *known == path);
        assert!(is_listed, "say in OTHERS who may call POST {path}");
        named += 1;
    }
    assert!(named >= 8, "{named}");
}

/// How a token is told to a WebSocket.
#[derive(Debug, Clone, Copy)]
enum Told {
    InHeader,
    AsProtocol,
    /// As a page in a browser does whose token has characters that no subprotocol may have.
    AsBase64,
    InUrl,
}

/// The status with which a WebSocket is opened or refused.
async fn knock(server: &TestServer, path: &str, token: Option<&str>, told: Told) -> StatusCode {
    let mut url = format!("{}{path}", server.url.replace("http:", "ws:"));
    if let (Some(token), Told::InUrl) = (token, told) {
        url = format!("{url}?token={token}");
    }
    let mut request = url.into_client_request().expect("a request");
    let header = |text: String| HeaderValue::from_str(&text).expect("a header");
    match (token, told) {
        (Some(token), Told::InHeader) => {
            let value = header(format!("Bearer {token}"));
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        (Some(token), Told::AsProtocol) => {
            let value = header(format!("orchestrator, bearer.{token}"));
            request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, value);
        }
        (Some(token), Told::AsBase64) => {
            let value = header(format!("orchestrator, bearer64.{}", URL_SAFE_NO_PAD.encode(token)));
            request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, value);
        }
        _ => {}
    }
    match connect_async(request).await {
        Ok((_, response)) => response.status(),
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            let problem: Value = serde_json::from_slice(&body).expect("a problem");
            assert_eq!(problem["status"], response.status().as_u16());
            response.status()
        }
        Err(error) => panic!("{path} {told:?}: {error}"),
    }
}

#[tokio::test]
async fn each_role_opens_its_own_sockets() {
    let server = locked().await;
    let useless = useless(&server).await;
    for (path, who) in SOCKETS {
        for told in [Told::InHeader, Told::AsProtocol, Told::AsBase64] {
            for token in &useless {
                let status = knock(&server, path, token.as_deref(), told).await;
                assert_eq!(status, 401, "{path} {token:?} {told:?}");
            }
        }
        for role in ROLES {
            let secret = secret(&token(&server, role).await);
            let may = *who == Holders || *who == Role(role) || role == "admin";
            for told in [Told::InHeader, Told::AsProtocol, Told::AsBase64] {
                let status = knock(&server, path, Some(&secret), told).await;
                assert_eq!(status, if may { 101 } else { 403 }, "{path} {role} {told:?}");
            }
            let status = knock(&server, path, Some(&secret), Told::InUrl).await;
            assert_eq!(status, 401, "a token is never told in a URL");
        }
    }
}

#[tokio::test]
async fn what_a_revoked_token_has_opened_is_closed() {
    let server = locked().await;
    let open = async |path: &str, minted: &Value| {
        let url = format!("{}{path}", server.url.replace("http:", "ws:"));
        let mut request = url.into_client_request().expect("a request");
        let bearer = HeaderValue::from_str(&format!("Bearer {}", secret(minted))).expect("a header");
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        connect_async(request).await.expect("a socket").0
    };
    for (path, _) in SOCKETS {
        let (valid, revoked) = (token(&server, "admin").await, token(&server, "admin").await);
        let (mut kept, mut cut) = (open(path, &valid).await, open(path, &revoked).await);
        let token = format!("/api/v1/tokens/{}", revoked["id"].as_str().expect("an id"));
        server.call("DELETE", &token, Some(ADMIN), None).await.expect(204);
        // One that is shown out for its silence is told so in a frame.
        while let Some(Ok(message)) = timeout(LONG, cut.next()).await.expect("the end of the connection") {
            assert!(message.is_ping(), "{path}: {message}");
        }
        while let Ok(message) = timeout(Duration::from_millis(100), kept.next()).await {
            let message = message.expect("another's connection").expect("another's connection");
            assert!(message.is_ping(), "{path}: {message}");
        }
    }
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
