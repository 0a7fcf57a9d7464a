//! The app for browsers, as a browser asks for it.

use std::{fs, path::Path};

use orchestrator_server::Config;
use reqwest::{Client, Response, header};

use super::support::{TestServer, config};

/// A folder as `make web` leaves one. What the forms say tells which of them was sent.
fn bundle() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    fs::create_dir(folder.path().join("assets")).expect("a folder");
    write("index.html", "<!doctype html>the page");
    write("assets/app-1.js", "the script");
    write("assets/app-1.js.br", "the script as Brotli");
    write("assets/app-1.js.gz", "the script as Gzip");
    write("assets/app-1.wasm", "the app");
    folder
}

async fn serving(folder: &Path) -> TestServer {
    let dashboard = Some(folder.to_owned());
    TestServer::start_with(Config { dashboard, ..config() }).await
}

async fn get(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Client::new().get(format!("{}{path}", server.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("an answer")
}

fn said<'r>(response: &'r Response, name: &str) -> &'r str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().expect("a text"))
}

/// What every page and every file of it must say.
fn guarded(response: &Response) {
    let policy = said(response, "content-security-policy");
    for rule in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(
        !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
        "{policy}"
    );
    assert!(!policy.contains('*') && !policy.contains("http"), "{policy}");
    assert_eq!(said(response, "x-content-type-options"), "nosniff");
    assert_eq!(said(response, "referrer-policy"), "no-referrer");
    assert_eq!(said(response, "x-frame-options"), "DENY");
}

#[tokio::test]
async fn the_page_is_asked_for_again_and_its_files_are_kept() {
    let folder = bundle();
    let server = serving(folder.path()).await;
    let page = get(&server, "/", &[]).await;
    assert_eq!(page.status(), 200);
    guarded(&page);
    let policy = said(&page, "content-security-policy");
    for rule in ["script-src 'self' 'wasm-unsafe-eval'", "connect-src 'self'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert_eq!(said(&page, "content-type"), "text/html; charset=utf-8");
    assert_eq!(said(&page, "cache-control"), "no-cache");
    let tag = said(&page, "etag").to_owned();
    assert_eq!(page.text().await.expect("a page"), "<!doctype html>the page");

    let again = get(&server, "/", &[("if-none-match", &tag)]).await;
    assert_eq!(again.status(), 304);
    guarded(&again);
    assert_eq!(said(&again, "etag"), tag);
    assert_eq!(get(&server, "/", &[("if-none-match", "\"older\"")]).await.status(), 200);

    let app = get(&server, "/assets/app-1.wasm", &[]).await;
    assert_eq!(app.status(), 200);
    guarded(&app);
    assert_eq!(said(&app, "content-type"), "application/wasm");
    assert_eq!(said(&app, "cache-control"), "public, max-age=31536000, immutable");
}

#[tokio::test]
async fn files_are_sent_in_the_best_form_and_compressed_once() {
    let folder = bundle();
    let server = serving(folder.path()).await;
    for (accepted, encoding, text) in [
        ("gzip, deflate, br, zstd", "br", "the script as Brotli"),
        ("gzip, deflate", "gzip", "the script as Gzip"),
        ("deflate, zstd", "", "the script"),
    ] {
        let script = get(&server, "/assets/app-1.js", &[("accept-encoding", accepted)]).await;
        assert_eq!(said(&script, "content-encoding"), encoding, "{accepted}");
        assert_eq!(said(&script, header::VARY.as_str()), "accept-encoding");
        assert_eq!(said(&script, "content-type"), "text/javascript; charset=utf-8");
        assert_eq!(script.text().await.expect("a script"), text);
    }
}

#[tokio::test]
async fn what_is_no_file_of_the_app_is_not_found() {
    let folder = bundle();
    fs::write(folder.path().join("secret"), "secret").expect("a file");
    let server = serving(folder.path()).await;
    for path in [
        "/assets/",
        "/assets/nothing.js",
        "/assets/..%2Findex.html",
        "/assets/..%2Fsecret",
        "/assets/%2e%2e/secret",
        "/assets/app-1.js.br",
        "/secret",
        "/index.html",
    ] {
        server.get(path).await.problem(404, "not_found");
    }
    server
        .post("/assets/app-1.js", &serde_json::json!({}))
        .await
        .problem(405, "method_not_allowed");
    // It tells nobody anything, so nobody is asked who they are; what it shows needs a token as ever.
    let locked = TestServer::start_with(Config {
        dashboard: Some(folder.path().to_owned()),
        admin_token: Some("an-admin-token-of-the-tests".to_owned()),
        ..config()
    })
    .await;
    assert_eq!(locked.get("/").await.status, 200);
    assert_eq!(locked.get("/assets/app-1.js").await.status, 200);
    locked.get("/api/v1/stats").await.problem(401, "unauthorized");
}

#[tokio::test]
async fn a_server_without_the_app_says_how_to_get_it() {
    if option_env!("ORCHESTRATOR_DASHBOARD").is_some_and(|folder| !folder.is_empty()) {
        // This build has it: then it must be what is shown.
        let built = TestServer::start().await.get("/").await;
        assert!(built.text.contains("<script type=\"module\""), "{}", built.text);
        return;
    }
    let server = TestServer::start().await;
    let page = get(&server, "/", &[]).await;
    assert_eq!(page.status(), 200);
    guarded(&page);
    let text = page.text().await.expect("a page");
    for words in ["no dashboard", "make web", "make dev", "--dashboard", "/docs"] {
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn a_folder_that_is_not_the_app_is_refused_at_the_start() {
    let empty = tempfile::tempdir().expect("a folder");
    for folder in [empty.path().to_owned(), empty.path().join("missing")] {
        let dashboard = Some(folder);
        let error = orchestrator_server::Server::start(Config { dashboard, ..config() })
            .await
            .expect_err("no app")
            .to_string();
        assert!(error.starts_with("dashboard: "), "{error}");
    }
}

/// Any page that a person looks at can send simple requests and WebSockets to the person's own machine.
#[tokio::test]
async fn pages_from_elsewhere_are_kept_out_where_nobody_is_asked_for_a_token() {
    let server = TestServer::start().await;
    for path in ["/api/v1/stats", "/api/v1/events", "/"] {
        let reply = get(&server, path, &[("origin", "https://elsewhere.example")]).await;
        assert_eq!(reply.status(), 403, "{path}");
        let own = get(&server, path, &[("origin", &server.url)]).await;
        assert_ne!(own.status(), 403, "{path}");
    }
    let pause = Client::new().post(format!("{}/api/v1/queues/default/pause", server.url));
    let paused = pause.header("origin", "null").send().await.expect("an answer");
    assert_eq!(paused.status(), 403);
}

/// Whoever owns a name can have it lead to the person's own machine once his page is loaded; the browser then takes that
/// page for one of this server.
#[tokio::test]
async fn a_name_that_was_made_to_lead_here_gets_nothing_where_nobody_is_asked_for_a_token() {
    let server = TestServer::start().await;
    let port = server.url.rsplit(':').next().expect("a port");
    for (name, may) in [("localhost", true), ("[::1]", true), ("elsewhere.example", false)] {
        let host = format!("{name}:{port}");
        let reply = get(&server, "/api/v1/stats", &[("host", &host)]).await;
        assert_eq!(reply.status() == 200, may, "{host}");
        let origin = format!("http://{host}");
        let reply = get(&server, "/api/v1/stats", &[("host", &host), ("origin", &origin)]).await;
        assert_eq!(reply.status() == 200, may, "{host}, from its own page");
    }
    let locked = TestServer::start_with(Config {
        admin_token: Some("the-secret-of-this-test".to_owned()),
        ..config()
    })
    .await;
    let asked = [
        ("host", "elsewhere.example"),
        ("authorization", "Bearer the-secret-of-this-test"),
    ];
    assert_eq!(
        get(&locked, "/api/v1/stats", &asked).await.status(),
        200,
        "a page knows no token"
    );
}

#[tokio::test]
async fn the_page_that_describes_the_api_talks_to_this_server_alone() {
    let server = TestServer::start_with(config()).await;
    let docs = get(&server, "/docs", &[]).await;
    let policy = said(&docs, "content-security-policy");
    for rule in ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains('*') && !policy.contains("http"), "{policy}");
    assert_eq!(said(&docs, "x-content-type-options"), "nosniff");
}
