//! Tasks over REST.

use serde_json::{Value, json};

use super::support::{TestServer, config};

const TASKS: &str = "/api/v1/tasks";

async fn create(server: &TestServer, task: Value) -> Value {
    server.post(TASKS, &task).await.expect(201)
}

fn path(task: &Value, rest: &str) -> String {
    format!("{TASKS}/{}{rest}", task["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn a_task_comes_back_with_everything() {
    let server = TestServer::start().await;
    let full = json!({
        "task_type": "code_review", "description": "Review the payment module",
        "input": {"repo": "/srv/repos/shop", "paths": ["src/payment"]},
        "requires": ["tool:command"], "prefers": ["tool:claude-code"],
        "depends_on": [], "join": "all", "parent_id": null,
        "priority": 5, "run_at": null, "deadline": null, "timeout_s": 600, "silence_timeout_s": null,
        "retry": {"max_attempts": 3, "initial_backoff_s": 1, "multiplier": 2, "max_backoff_s": 60},
        "side_effects": "idempotent", "idempotency_key": null,
        "limits": ["provider:anthropic"], "budget": {"tokens": 200_000, "cost_usd": 2.0},
        "privacy": "normal", "checkpoint_frequency": "medium", "labels": {"team": "shop"}
    });
    let task = create(&server, full.clone()).await;
    for (field, value) in full.as_object().expect("an object") {
        if field == "retry" || field == "timeout_s" {
            continue;
        }
        assert_eq!(&task[field], value, "{field}");
    }
    assert_eq!(task["timeout_s"], 600.0);
    assert_eq!(task["state"], "ready");
    assert_eq!(task["root_id"], task["id"]);
    for field in [
        "step",
        "worker_id",
        "progress",
        "output",
        "error",
        "started_at",
        "finished_at",
    ] {
        assert!(
            task.as_object().expect("an object").contains_key(field) && task[field].is_null(),
            "{field}"
        );
    }
    assert_eq!(task["usage"]["cost_usd"], 0.0);
    let again = server.get(&path(&task, "")).await.expect(200);
    assert_eq!(again, task);
    server.stop().await;
}

#[tokio::test]
async fn an_idempotency_key_stands_for_one_body() {
    let server = TestServer::start().await;
    let body = json!({"task_type": "a", "idempotency_key": "k"});
    let first = server.post(TASKS, &body).await.expect(201);
    let second = server.post(TASKS, &body).await.expect(200);
    assert_eq!(first["id"], second["id"]);
    let other = json!({"task_type": "b", "idempotency_key": "k"});
    server.post(TASKS, &other).await.problem(409, "idempotency_conflict");
}

#[tokio::test]
async fn batches_are_all_or_nothing() {
    let server = TestServer::start().await;
    let batch = json!({"tasks": [
        {"task_type": "a", "ref": "first"},
        {"task_type": "b", "depends_on": ["first"]},
    ]});
    let made = server.post("/api/v1/tasks/batch", &batch).await.expect(201);
    assert_eq!(made["tasks"][1]["depends_on"][0], made["tasks"][0]["id"]);
    assert_eq!(made["tasks"][1]["state"], "blocked");
    let circle = json!({"tasks": [
        {"task_type": "a", "ref": "x", "depends_on": ["y"]},
        {"task_type": "b", "ref": "y", "depends_on": ["x"]},
    ]});
    server.post("/api/v1/tasks/batch", &circle).await.problem(400, "cycle");
    let wrong = json!({"tasks": [{"task_type": "a"}, {"task_type": "b", "priority": 11}]});
    let detail = server
        .post("/api/v1/tasks/batch", &wrong)
        .await
        .problem(400, "invalid_input");
    assert!(detail.contains("tasks[1].priority"), "{detail}");
    server
        .post("/api/v1/tasks/batch", &json!({"tasks": []}))
        .await
        .problem(400, "invalid_input");
    let all = server.get(TASKS).await.expect(200);
    assert_eq!(all["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let server = TestServer::start().await;
    for n in 0..5 {
        let team = if n % 2 == 0 { "shop" } else { "web" };
        create(
            &server,
            json!({"task_type": "a", "description": format!("Number {n}"), "labels": {"team": team}}),
        )
        .await;
    }
    let parent = create(&server, json!({"task_type": "external"})).await;
    let child = create(&server, json!({"task_type": "c", "parent_id": parent["id"]})).await;
    let count = async |query: &str| {
        let page = server.get(&format!("{TASKS}?{query}")).await.expect(200);
        page["items"].as_array().expect("items").len()
    };
    assert_eq!(count("label=team:shop").await, 3);
    assert_eq!(count("task_type=a&q=number%203").await, 1);
    assert_eq!(count("state=waiting").await, 1);
    assert_eq!(count("state=ready,waiting").await, 7);
    assert_eq!(count("roots_only=true").await, 6);
    assert_eq!(
        count(&format!("root_id={}", parent["id"].as_str().expect("an id"))).await,
        2
    );
    assert_eq!(
        count(&format!("parent_id={}", child["parent_id"].as_str().expect("an id"))).await,
        1
    );
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("{TASKS}?limit=3{cursor}")).await.expect(200);
        seen.extend(
            page["items"]
                .as_array()
                .expect("items")
                .iter()
                .map(|task| task["id"].clone()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        // What comes meanwhile does not move the pages.
        create(&server, json!({"task_type": "late"})).await;
    }
    assert_eq!(seen.len(), 7);
    for (query, field) in [
        ("state=redy", "state"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=many", "limit"),
        ("label=shop", "label"),
        ("root_id=7", "root_id"),
        ("cursor=x", "cursor"),
        ("roots_only=maybe", "roots_only"),
    ] {
        let reply = server.get(&format!("{TASKS}?{query}")).await;
        assert_eq!(reply.body["errors"][0]["field"], field, "{}", reply.text);
        reply.problem(400, "invalid_input");
    }
}

#[tokio::test]
async fn a_task_is_looked_at_from_every_side() {
    let server = TestServer::start().await;
    let parent = create(&server, json!({"task_type": "external"})).await;
    let child = create(&server, json!({"task_type": "c", "parent_id": parent["id"]})).await;
    let tree = server.get(&path(&parent, "/tree")).await.expect(200);
    assert_eq!(tree["tasks"].as_array().map(Vec::len), Some(2));
    assert_eq!(tree["edges"], json!([]));
    let events = server.get(&path(&parent, "/events?tree=true")).await.expect(200);
    let kinds: Vec<&str> = events["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|e| e["type"].as_str())
        .collect();
    assert_eq!(kinds, ["task_created", "task_created"]);
    let first = events["items"][0]["seq"].as_i64().expect("a seq");
    let later = server
        .get(&path(&parent, &format!("/events?tree=true&after={first}")))
        .await
        .expect(200);
    assert_eq!(later["items"][0]["task_id"], child["id"]);
    let page = server
        .get(&path(&parent, "/events?tree=true&limit=1"))
        .await
        .expect(200);
    let cursor = page["next_cursor"].as_str().expect("there is more").to_owned();
    let next = server
        .get(&path(&parent, &format!("/events?tree=true&limit=1&cursor={cursor}")))
        .await
        .expect(200);
    assert_eq!(next["items"][0]["task_id"], child["id"]);
    assert!(next["next_cursor"].is_null());
    assert_eq!(server.get(&path(&child, "/logs")).await.expect(200)["items"], json!([]));
    let why = server.get(&path(&child, "/why")).await.expect(200);
    assert_eq!(why["state"], "ready");
    assert_eq!(why["reasons"][0]["code"], "no_worker");
    let waited = server.get(&path(&child, "/result?wait_s=0.05")).await.expect(200);
    assert_eq!(waited["state"], "ready", "it is as it is when the wait ends");
    server
        .get(&path(&child, "/result?wait_s=1000"))
        .await
        .problem(400, "invalid_input");
    let nobody = json!({"id": "0190c9a2-0000-7000-8000-000000000000"});
    for rest in ["", "/result", "/tree", "/events", "/logs", "/why"] {
        server.get(&path(&nobody, rest)).await.problem(404, "task_not_found");
    }
    for rest in ["/cancel", "/retry", "/pause", "/resume"] {
        server.poke(&path(&nobody, rest)).await.problem(404, "task_not_found");
    }
}

#[tokio::test]
async fn people_step_in() {
    let server = TestServer::start().await;
    let task = create(&server, json!({"task_type": "a"})).await;
    assert_eq!(server.poke(&path(&task, "/pause")).await.expect(200)["state"], "paused");
    assert_eq!(server.poke(&path(&task, "/resume")).await.expect(200)["state"], "ready");
    server
        .poke(&path(&task, "/resume"))
        .await
        .problem(409, "state_conflict");
    assert_eq!(
        server.poke(&path(&task, "/cancel")).await.expect(200)["state"],
        "cancelled"
    );
    assert_eq!(
        server.poke(&path(&task, "/cancel")).await.expect(200)["state"],
        "cancelled"
    );
    assert_eq!(server.poke(&path(&task, "/retry")).await.expect(200)["state"], "ready");
    server.poke(&path(&task, "/retry")).await.problem(409, "state_conflict");

    let event = create(&server, json!({"task_type": "external"})).await;
    let done = server
        .post(&path(&event, "/complete"), &json!({"output": {"n": 1}}))
        .await
        .expect(200);
    assert_eq!((&done["state"], &done["output"]["n"]), (&json!("succeeded"), &json!(1)));
    server
        .post(&path(&event, "/complete"), &json!({"output": 2}))
        .await
        .problem(409, "state_conflict");
    server
        .post(&path(&event, "/complete"), &json!({"result": 2}))
        .await
        .problem(400, "invalid_input");

    let asked = json!({"task_type": "checkpoint", "input": {"question": "Publish?", "content": {"text": "..."}}});
    let checkpoint = create(&server, asked).await;
    let open = server.get("/api/v1/checkpoints?state=open").await.expect(200);
    assert_eq!(open["items"][0]["question"], "Publish?");
    assert_eq!(open["items"][0]["task"]["id"], checkpoint["id"]);
    server
        .get("/api/v1/checkpoints?state=closed")
        .await
        .problem(400, "invalid_input");
    let decision = json!({"decision": "correct", "feedback": "shorter"});
    let decided = server
        .post(&path(&checkpoint, "/decision"), &decision)
        .await
        .expect(200);
    assert_eq!(decided["output"]["feedback"], "shorter");
    server
        .post(&path(&checkpoint, "/decision"), &decision)
        .await
        .problem(409, "state_conflict");
    server
        .post(&path(&checkpoint, "/decision"), &json!({"decision": "maybe"}))
        .await
        .problem(400, "invalid_input");
    assert_eq!(server.get("/api/v1/checkpoints").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn nonsense_is_told_in_words_and_never_a_defect() {
    let server = TestServer::start_with(orchestrator_server::Config {
        max_body_bytes: 10_000,
        ..config()
    })
    .await;
    for (body, part) in [
        ("", "EOF"),
        ("{", "EOF"),
        ("[]", "expected"),
        ("null", "expected"),
        ("{\"task_type\": 7}", "task_type"),
        ("{\"task_type\": \"\"}", "task_type"),
        ("{\"task_type\": \"a\", \"task_typ\": 1}", "task_typ"),
        ("{\"task_type\": \"a\"} {}", "more"),
        (
            "{\"task_type\": \"a\", \"retry\": {\"max_attempts\": \"x\"}}",
            "retry.max_attempts",
        ),
        ("{\"task_type\": \"a\", \"run_at\": \"tomorrow\"}", "tomorrow"),
        ("{\"task_type\": \"a\", \"timeout_s\": -1}", "timeout_s"),
        ("\u{0}\u{1}", "expected"),
    ] {
        let detail = server
            .send(TASKS, "application/json", body.to_owned())
            .await
            .problem(400, "invalid_input");
        assert!(detail.contains(part), "{body}: {detail}");
    }
    server
        .send(TASKS, "application/json", vec![0xff, 0xfe])
        .await
        .problem(400, "invalid_input");
    server
        .send(TASKS, "text/plain", "{}")
        .await
        .problem(415, "invalid_input");
    let large = format!("{{\"task_type\": \"a\", \"input\": \"{}\"}}", "x".repeat(20_000));
    server
        .send(TASKS, "application/json", large)
        .await
        .problem(413, "payload_too_large");
    server.get("/api/v1/tasks/7").await.problem(400, "invalid_input");
    server.get("/api/v1/nothing").await.problem(404, "not_found");
    server.get("/nothing").await.problem(404, "not_found");
    server
        .call("PATCH", TASKS, None, None)
        .await
        .problem(405, "method_not_allowed");
}

/// One who works by requests, task by task.
struct ByHand<'a> {
    server: &'a TestServer,
    session: Value,
}

impl<'a> ByHand<'a> {
    async fn open(server: &'a TestServer) -> Self {
        let hello = json!({
            "protocol": 1, "worker_id": "01930000-0000-7000-8000-0000000000ff", "name": "by hand",
            "task_types": ["a", "b"], "slots": 4
        });
        let welcome = server.post("/api/v1/worker/sessions", &hello).await.expect(200);
        let session = welcome["session"].clone();
        Self { server, session }
    }

    async fn claim(&self) -> Value {
        let claim = json!({"session": self.session, "credit": 1, "wait_s": 20});
        let claimed = self.server.post("/api/v1/worker/claim", &claim).await.expect(200);
        claimed["tasks"][0].clone()
    }

    /// Says things of a task that was claimed.
    async fn report(&self, claimed: &Value, mut items: Vec<Value>) {
        for (n, item) in items.iter_mut().enumerate() {
            item["task_id"] = claimed["task_id"].clone();
            item["lease"] = claimed["lease"].clone();
            item["number"] = json!(n + 1);
        }
        let report = json!({"session": self.session, "items": items});
        let reported = self.server.post("/api/v1/worker/report", &report).await.expect(200);
        for ack in reported["acks"].as_array().expect("acks") {
            assert_ne!(ack["result"], "refused", "{ack}");
        }
    }
}

#[tokio::test]
async fn whoever_waits_may_hear_that_a_person_is_needed() {
    let server = TestServer::start().await;
    let parent = create(&server, json!({"task_type": "a"})).await;
    let other = create(&server, json!({"task_type": "external"})).await;
    let worker = ByHand::open(&server).await;
    let claimed = worker.claim().await;
    let child = json!({"id": "01930000-0000-7000-8000-000000000002"});
    let spawn = json!({"type": "spawn", "children": [{"id": child["id"], "step": "part", "task": {"task_type": "b"}}]});
    let wait = json!({"type": "wait", "task_ids": [child["id"]], "join": "all", "until": null});
    worker.report(&claimed, vec![spawn, wait]).await;
    let quiet = server
        .get(&path(&parent, "/result?wait_s=0.05&attention=true"))
        .await
        .expect(200);
    assert_eq!(
        (&quiet["state"], &quiet["attention"]),
        (&json!("waiting"), &Value::Null)
    );

    let claimed = worker.claim().await;
    assert_eq!(claimed["task_id"], child["id"]);
    let error = json!({"class": "needs_attention", "message": "did the money leave?"});
    let fail = json!({"type": "fail", "error": error, "wall_s": 1});
    let began = tokio::time::Instant::now();
    let result = path(&parent, "/result?wait_s=300&attention=true");
    let (waited, ()) = tokio::join!(server.get(&result), worker.report(&claimed, vec![fail]));
    assert!(began.elapsed().as_secs() < 100, "before the wait ends");
    let waited = waited.expect(200);
    let named = json!([{
        "need": "needs_attention", "task_id": child["id"], "task_type": "b", "message": "did the money leave?"
    }]);
    assert_eq!((&waited["state"], &waited["attention"]), (&json!("waiting"), &named));
    let itself = server
        .get(&path(&child, "/result?wait_s=300&attention=true"))
        .await
        .expect(200);
    assert_eq!(
        (&itself["state"], &itself["attention"]),
        (&json!("needs_attention"), &named)
    );

    // Whoever has not asked for it is told what was promised, when it was.
    let plain = server.get(&path(&parent, "/result?wait_s=0.05")).await.expect(200);
    assert_eq!(plain, server.get(&path(&parent, "")).await.expect(200));
    let apart = server
        .get(&path(&other, "/result?wait_s=0.05&attention=true"))
        .await
        .expect(200);
    assert_eq!(
        apart["attention"],
        Value::Null,
        "another tree's troubles are not its own"
    );
    server.poke(&path(&child, "/retry")).await.expect(200);
    let quiet = server
        .get(&path(&parent, "/result?wait_s=0&attention=true"))
        .await
        .expect(200);
    assert_eq!(quiet["attention"], Value::Null);
    server
        .get(&path(&parent, "/result?attention=perhaps"))
        .await
        .problem(400, "invalid_input");
    server.stop().await;
}
