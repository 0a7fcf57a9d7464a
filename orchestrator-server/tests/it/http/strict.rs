//! What breaks the contract is refused in words, at every address, and never a defect of the server.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::support::{Reply, TestServer};

const ID: &str = "0190c9a2-0000-7000-8000-000000000000";

/// An operation of the document.
struct Operation {
    method: String,
    /// Its path, with places like `{task_id}`.
    path: String,
    parameters: Vec<String>,
    has_body: bool,
}

impl Operation {
    /// Its address with this in every place of its path.
    fn with(&self, place: &str) -> String {
        let part = |part: &str| {
            if part.starts_with('{') {
                place.to_owned()
            } else {
                part.to_owned()
            }
        };
        let path: Vec<String> = self.path.split('/').map(part).collect();
        format!("/api/v1{}", path.join("/"))
    }
}

async fn operations(server: &TestServer) -> Vec<Operation> {
    let document = server.get("/openapi.json").await.expect(200);
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let in_query = parameters.filter(|parameter| parameter["in"] == "query");
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                parameters: in_query
                    .map(|parameter| parameter["name"].as_str().expect("a name").to_owned())
                    .collect(),
                has_body: operation["requestBody"].is_object(),
            });
        }
    }
    assert!(operations.len() > 30, "{}", operations.len());
    operations
}

/// That a refusal is one of the document's, in its form.
fn refused(reply: &Reply, what: &str) {
    let status = reply.status.as_u16();
    let known = [400, 404, 409, 413, 415].contains(&status);
    assert!(known, "{what}: {status} {}", reply.text);
    assert_eq!(reply.content_type, "application/problem+json", "{what}");
    assert_eq!(reply.body["status"], status, "{what}");
    assert!(reply.body["code"].is_string(), "{what}: {}", reply.text);
}

#[tokio::test]
async fn no_body_makes_the_server_fail() {
    let server = TestServer::start().await;
    let nested = |depth: usize| {
        format!(
            "{{\"task_type\":\"a\",\"input\":{}{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("a NUL", vec![0]),
        ("no UTF-8", vec![b'"', 0xff, 0xfe, b'"']),
        (
            "half a surrogate",
            br#"{"task_type":"\ud800","name":"\ud800"}"#.to_vec(),
        ),
        ("a text", b"\"x\"".to_vec()),
        (
            "a huge number",
            format!("{{\"priority\":1{}}}", "0".repeat(400)).into_bytes(),
        ),
        ("a large body", vec![b' '; 17 << 20]),
        ("a deep one", nested(100_000).into_bytes()),
        ("a deep field", format!("{{\"colour\":{}", nested(100_000)).into_bytes()),
        ("a stranger", br#"{"colour":"red"}"#.to_vec()),
        (
            "twice the same",
            br#"{"task_type":"a","task_type":"a","name":"x","name":"x"}"#.to_vec(),
        ),
    ];
    for operation in operations(&server).await.iter().filter(|operation| operation.has_body) {
        let path = operation.with(ID);
        for (what, body) in &bodies {
            let what = format!("{what} to {} {path}", operation.method);
            let reply = server
                .send_by(&operation.method, &path, "application/json", body.clone())
                .await;
            refused(&reply, &what);
        }
        for kind in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonx",
        ] {
            let reply = server.send_by(&operation.method, &path, kind, "{}").await;
            reply.problem(415, "invalid_input");
        }
    }
    // What is just deep enough is carried, and read by whoever stops at 128.
    let task = server
        .send("/api/v1/tasks", "application/json", nested(99))
        .await
        .expect(201);
    assert!(task["input"].is_array());
}

#[tokio::test]
async fn no_address_makes_the_server_fail() {
    let server = TestServer::start().await;
    let rubbish = [
        "%00",
        "%FF%FE",
        "-1",
        "99999999999999999999",
        "1e400",
        "NaN",
        "..",
        "%F0%9F%98%80",
        "x%2Fy",
        "%22'",
    ];
    for operation in operations(&server).await {
        let body = operation.has_body.then(|| json!({}));
        for place in rubbish {
            let path = operation.with(place);
            let reply = server.call(&operation.method, &path, None, body.as_ref()).await;
            assert!(
                reply.status.as_u16() < 500,
                "{} {path}: {}",
                operation.method,
                reply.text
            );
            for parameter in &operation.parameters {
                let path = format!("{}?{parameter}={place}", operation.with(ID));
                let reply = server.call(&operation.method, &path, None, body.as_ref()).await;
                assert!(
                    reply.status.as_u16() < 500,
                    "{} {path}: {}",
                    operation.method,
                    reply.text
                );
            }
        }
        let stranger = format!("{}?colour=red", operation.with(ID));
        let reply = server.call(&operation.method, &stranger, None, body.as_ref()).await;
        assert_eq!(reply.body["errors"][0]["field"], "colour", "{stranger}: {}", reply.text);
        reply.problem(400, "invalid_input");
        if let Some(name) = operation.parameters.first() {
            let twice = format!("{}?{name}=1&{name}=1", operation.with(ID));
            let reply = server.call(&operation.method, &twice, None, body.as_ref()).await;
            assert!(reply.problem(400, "invalid_input").contains("twice"), "{twice}");
        }
    }
    for cursor in ["-1", "0", "x", "zz", "%00", "99999999999999999999"] {
        let reply = server.get(&format!("/api/v1/tasks?cursor={cursor}")).await;
        assert_eq!(reply.body["errors"][0]["field"], "cursor", "{cursor}: {}", reply.text);
    }
}

#[tokio::test]
async fn an_address_says_by_which_methods_it_is_called() {
    let server = TestServer::start().await;
    for operation in operations(&server).await {
        let path = operation.with(ID);
        for method in ["TRACE", "PATCH", "OPTIONS", "BREW"] {
            let reply = server.call(method, &path, None, None).await;
            let allowed: BTreeSet<&str> = reply.allow.split(", ").collect();
            assert!(
                allowed.contains(&*operation.method),
                "{method} {path}: {:?}",
                reply.allow
            );
            reply.problem(405, "method_not_allowed");
        }
        if operation.method == "GET" {
            let head = server.call("HEAD", &path, None, None).await;
            let get = server.get(&path).await;
            assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        }
    }
    for (path, allowed) in [
        ("/healthz", "GET, HEAD"),
        ("/metrics", "GET, HEAD"),
        ("/api/v1/worker/claim", "POST"),
    ] {
        let reply = server.call("DELETE", path, None, None).await;
        assert_eq!(reply.allow, allowed, "{path}");
        reply.problem(405, "method_not_allowed");
    }
    for path in ["/api/v1/events", "/api/v1/worker"] {
        let detail = server.get(path).await.problem(426, "invalid_input");
        assert!(detail.contains("WebSocket"), "{detail}");
    }
}

#[tokio::test]
async fn unknown_fields_are_refused_however_deep() {
    let server = TestServer::start().await;
    let external = server
        .post("/api/v1/tasks", &json!({"task_type": "external"}))
        .await
        .expect(201);
    let checkpoint = server
        .post("/api/v1/tasks", &json!({"task_type": "checkpoint"}))
        .await
        .expect(201);
    let path = |task: &Value, rest: &str| format!("/api/v1/tasks/{}/{rest}", task["id"].as_str().expect("an id"));
    let timing = json!({"cron": {"expression": "0 3 * * *", "tz": "UTC"}});
    for (path, body, part) in [
        (
            path(&checkpoint, "decision"),
            json!({"decision": "accept", "colour": 1}),
            "colour",
        ),
        (
            path(&external, "complete"),
            json!({"error": {"message": "x", "colour": 1}}),
            "colour",
        ),
        (
            path(&external, "complete"),
            json!({"output": 1, "error": {"message": "x"}}),
            "one of the two",
        ),
        (path(&external, "complete"), json!({}), "one of the two"),
        (
            "/api/v1/schedules".to_owned(),
            json!({"name": "n", "timing": timing, "task": {"task_type": "a"}}),
            "tz",
        ),
        (
            "/api/v1/tasks".to_owned(),
            json!({"task_type": "a", "budget": {"euros": 1}}),
            "euros",
        ),
        (
            "/api/v1/tasks".to_owned(),
            json!({"task_type": "a", "budget": {"cost_usd": -1}}),
            "cost_usd",
        ),
        (
            "/api/v1/tasks/batch".to_owned(),
            json!({"tasks": [{"task_type": "a", "colour": 1}]}),
            "colour",
        ),
    ] {
        let detail = server.post(&path, &body).await.problem(400, "invalid_input");
        assert!(detail.contains(part), "{path} {body}: {detail}");
    }
    // Nothing of it has happened.
    server
        .post(&path(&checkpoint, "decision"), &json!({"decision": "accept"}))
        .await
        .expect(200);
    let failed = server
        .post(&path(&external, "complete"), &json!({"error": {"message": "x"}}))
        .await
        .expect(200);
    assert_eq!(
        failed["error"]["class"], "terminal",
        "which is what is meant when nothing is said"
    );
}

#[tokio::test]
async fn every_list_is_paged() {
    let server = TestServer::start().await;
    for n in 0..3 {
        let worker = format!("01930000-0000-7000-8000-00000000000{n}");
        let hello = json!({"protocol": 1, "worker_id": worker, "name": "same", "task_types": ["a"], "slots": 1});
        server.post("/api/v1/worker/sessions", &hello).await.expect(200);
        let schedule = json!({"name": format!("s{n}"), "timing": {"every_s": 60}, "task": {"task_type": "a"}});
        server.post("/api/v1/schedules", &schedule).await.expect(201);
        let limit = format!("/api/v1/limits/l{n}");
        server
            .call("PUT", &limit, None, Some(&json!({"max_running": n})))
            .await
            .expect(200);
        server
            .post("/api/v1/tokens", &json!({"name": "same", "roles": ["viewer"]}))
            .await
            .expect(201);
        let asked = json!({"task_type": "checkpoint", "input": {
            "question": "?", "content": n, "evaluation": {"score": 7}, "context": "the request"}});
        server.post("/api/v1/tasks", &asked).await.expect(201);
    }
    for list in ["workers", "schedules", "limits", "tokens", "checkpoints", "tasks"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server.get(&format!("/api/v1/{list}?limit=1{cursor}")).await.expect(200);
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= 1, "{list}: {page}");
            seen.extend(items.iter().map(Value::to_string));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let all = server.get(&format!("/api/v1/{list}")).await.expect(200);
        let all: Vec<String> = all["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(Value::to_string)
            .collect();
        assert_eq!((seen.len(), &seen), (3, &all), "{list}");
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=501", "limit"),
            ("cursor=%C3%A9", "cursor"),
        ] {
            let reply = server.get(&format!("/api/v1/{list}?{query}")).await;
            assert_eq!(reply.body["errors"][0]["field"], field, "{list}: {}", reply.text);
        }
    }
    let open = server.get("/api/v1/checkpoints?state=open").await.expect(200);
    let newest = &open["items"][0];
    assert_eq!(
        (&newest["content"], &newest["evaluation"]),
        (&json!(2), &json!({"score": 7}))
    );
    assert_eq!(newest["context"], "the request");
}
