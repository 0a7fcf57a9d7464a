//! What operators see and set.

use serde_json::json;

use super::support::{TestServer, config};

#[tokio::test]
async fn the_server_says_how_it_is() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/healthz").await.text, "alive\n");
    assert_eq!(server.get("/readyz").await.text, "ready\n");
    assert!(server.get("/").await.text.contains("/docs"));
    assert!(server.get("/docs").await.text.contains("SwaggerUIBundle"));
    server
        .post("/api/v1/tasks", &json!({"task_type": "a"}))
        .await
        .expect(201);
    server
        .post("/api/v1/tasks", &json!({"type": "a"}))
        .await
        .problem(400, "invalid_input");
    let metrics = server.get("/metrics").await.text;
    for line in [
        "orchestrator_tasks{state=\"ready\"}",
        "http_requests_total{method=\"POST\",route=\"/api/v1/tasks\",status=\"201\"}",
        "http_requests_total{method=\"POST\",route=\"/api/v1/tasks\",status=\"400\"}",
        "http_request_duration_seconds_bucket",
        "orchestrator_workers{state=\"online\"}",
        "process_resident_memory_bytes",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let stats = server.get("/api/v1/stats").await.expect(200);
    assert_eq!(stats["by_state"]["ready"], 1);
}

#[tokio::test]
async fn limits_are_set_and_removed() {
    let server = TestServer::start().await;
    let path = "/api/v1/limits/provider:anthropic";
    server.get(path).await.problem(404, "not_found");
    let rule = json!({"max_running": 5, "starts_per_minute": 50, "tokens_per_minute": 80_000});
    let put = server.call("PUT", path, None, Some(&rule)).await.expect(200);
    assert_eq!(put, rule);
    assert_eq!(server.get(path).await.expect(200), rule);
    let listed = server.get("/api/v1/limits").await.expect(200);
    assert_eq!(listed["items"][0]["key"], "provider:anthropic");
    let wrong = json!({"max_runing": 5});
    server
        .call("PUT", path, None, Some(&wrong))
        .await
        .problem(400, "invalid_input");
    server.call("DELETE", path, None, None).await.expect(204);
    server.get(path).await.problem(404, "not_found");
}

#[tokio::test]
async fn schedules_come_and_go() {
    let server = TestServer::start().await;
    let nightly = json!({
        "name": "nightly", "timing": {"cron": {"expression": "0 3 * * *", "time_zone": "Europe/Paris"}},
        "task": {"task_type": "code_review"}, "overlap": "skip",
    });
    let schedule = server.post("/api/v1/schedules", &nightly).await.expect(201);
    assert!(schedule["next_at"].is_string());
    let replaced = server.post("/api/v1/schedules", &nightly).await.expect(200);
    assert_eq!(replaced["id"], schedule["id"]);
    let path = format!("/api/v1/schedules/{}", schedule["id"].as_str().expect("an id"));
    assert_eq!(server.poke(&format!("{path}/pause")).await.expect(200)["paused"], true);
    assert_eq!(
        server.poke(&format!("{path}/resume")).await.expect(200)["paused"],
        false
    );
    assert_eq!(server.get(&path).await.expect(200)["name"], "nightly");
    server.call("DELETE", &path, None, None).await.expect(204);
    server.get(&path).await.problem(404, "not_found");
    let wrong = json!({"name": "x", "timing": {"cron": {"expression": "every day"}}, "task": {"task_type": "a"}});
    server
        .post("/api/v1/schedules", &wrong)
        .await
        .problem(400, "invalid_input");
}

#[tokio::test]
async fn a_paused_queue_says_so() {
    let server = TestServer::start().await;
    server.poke("/api/v1/queues/slow/pause").await.expect(204);
    let task = server
        .post("/api/v1/tasks", &json!({"task_type": "a", "queue": "slow"}))
        .await
        .expect(201);
    let path = format!("/api/v1/tasks/{}/why", task["id"].as_str().expect("an id"));
    assert_eq!(
        server.get(&path).await.expect(200)["reasons"][0]["code"],
        "queue_paused"
    );
    server.poke("/api/v1/queues/slow/resume").await.expect(204);
    assert_eq!(server.get(&path).await.expect(200)["reasons"][0]["code"], "no_worker");
}

#[tokio::test]
async fn workers_that_are_not_there_are_not_found() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/api/v1/workers").await.expect(200)["items"], json!([]));
    let path = "/api/v1/workers/0190c9a2-0000-7000-8000-000000000000";
    server.get(path).await.problem(404, "not_found");
    server.poke(&format!("{path}/drain")).await.problem(404, "not_found");
}

#[tokio::test]
async fn too_many_requests_are_told_to_wait() {
    let server = TestServer::start_with(orchestrator_server::Config {
        requests_per_second: Some(5),
        ..config()
    })
    .await;
    let mut refused = 0;
    for _ in 0..40 {
        let reply = server.get("/api/v1/stats").await;
        if reply.status.as_u16() == 429 {
            reply.problem(429, "rate_limited");
            refused += 1;
        }
    }
    assert!(refused > 10, "{refused}");
}
