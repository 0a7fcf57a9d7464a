//! The app for browsers, where one is built in or was named.

use std::sync::Arc;

use orchestrator_dashboard::{Dashboard, File};
use orchestrator_protocol::Code;
use poem::{
    Body, IntoResponse, Request, Response, handler,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    web::{Data, Path},
};

use crate::problem::Failure;

/// What the server has of the app.
pub(crate) type Built = Option<Arc<Dashboard>>;

/// Which encodings a caller takes. Kept from the layer that compresses, as these answers come compressed.
#[derive(Clone)]
pub(crate) struct Accepted(pub(crate) Option<String>);

/// Whether an address is one of the app's.
pub(crate) fn is_at(path: &str) -> bool {
    path == "/" || path.starts_with("/assets/")
}

/// What pages of this server may do: run our scripts and WebAssembly, and talk to this server; nothing else, and within
/// no other page.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The same for the page without the app, which has nothing but words.
const PLAIN_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The same for the page that describes the API, in which a token may be typed in too. It brings its script and style
/// inside itself; neither may load anything or talk to anybody else.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
    img-src 'self' data:; font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What every answer with a file of ours says beside what it is.
const GUARDS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Answers with the page.
#[handler]
pub(crate) fn page(request: &Request, Data(built): Data<&Built>) -> Response {
    let Some(dashboard) = built else {
        let mut response = Response::builder()
            .content_type("text/html; charset=utf-8")
            .body(NO_DASHBOARD);
        guard(response.headers_mut(), PLAIN_POLICY);
        return response;
    };
    let page = dashboard.page();
    // Asked for each time, as it names the others, and seldom sent again.
    let mut response = if request
        .header(header::IF_NONE_MATCH)
        .is_some_and(|tags| tags.contains(page.tag()))
    {
        Response::builder().status(StatusCode::NOT_MODIFIED).finish()
    } else {
        answer(request, page)
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(page.tag()) {
        headers.insert(header::ETAG, tag);
    }
    guard(headers, POLICY);
    response
}

/// Answers with the page that describes the API.
pub(crate) fn docs(text: String) -> Response {
    let mut response = Response::builder().content_type("text/html; charset=utf-8").body(text);
    guard(response.headers_mut(), DOCS_POLICY);
    response
}

/// Answers with a file of the page. Its name says what is in it, so it is never asked for again.
#[handler]
pub(crate) fn asset(request: &Request, Path(name): Path<String>, Data(built): Data<&Built>) -> Response {
    let Some(file) = built.as_ref().and_then(|dashboard| dashboard.asset(&name)) else {
        let nothing = "there is no such file of the app; reload the page, as the server may have a newer one";
        return Failure::new(Code::NotFound, nothing).into_response();
    };
    let mut response = answer(request, file);
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, for_ever);
    guard(response.headers_mut(), POLICY);
    response
}

fn answer(request: &Request, file: &File) -> Response {
    let accepted = request.data::<Accepted>().and_then(|accepted| accepted.0.as_deref());
    let (encoding, bytes) = file.best(accepted);
    let mut response = Response::builder()
        .content_type(file.content_type())
        .body(Body::from_bytes(bytes));
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(name) = encoding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}

fn guard(headers: &mut HeaderMap, policy: &'static str) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    for (name, value) in GUARDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// What is at `/` where there is no app.
const NO_DASHBOARD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Orchestrator</title>\
    <h1>Orchestrator</h1><p>The server is running. This build has no dashboard. To get it, in the repository:</p>\
    <ul><li><code>make dev</code> builds it and starts a server with it;</li>\
    <li><code>make web</code> builds it into <code>target/dashboard</code>, which a server shows that is started with \
    <code>--dashboard target/dashboard</code>, or was built with <code>ORCHESTRATOR_DASHBOARD=target/dashboard</code> \
    in the environment;</li>\
    <li><code>make desktop</code> opens the same as a window.</li></ul>\
    <ul><li><a href=\"/docs\">What can be called</a>, and as a document: <a href=\"/openapi.json\">openapi.json</a></li>\
    <li><a href=\"/healthz\">alive</a>, <a href=\"/readyz\">ready</a>, <a href=\"/metrics\">metrics</a></li></ul>";
