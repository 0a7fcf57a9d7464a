//! What happens around every request: who calls, how often, how long it took, and what is said when it fails.

mod meters;
mod origin;

use std::{num::NonZeroU32, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use futures::FutureExt;
use orchestrator_protocol::Code;
use poem::{
    Endpoint, EndpointExt, IntoResponse, PathPattern, Request, Response, Result,
    endpoint::BoxEndpoint,
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{Compression, Cors},
};

use tracing::{Instrument as _, Span, field::Empty};

use self::meters::Meters;
use crate::{
    access,
    app::{App, BodyLimit},
    auth::Caller,
    counted::Counted,
    problem::Failure,
    rate::Rate,
    routes::dashboard::{self, Accepted},
    telemetry,
};

/// Where a request's id is told.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything around the routes.
pub(crate) fn around<E: Endpoint<Output = Response> + 'static>(
    app: &App,
    routes: E,
) -> impl Endpoint<Output = Response> + use<E> {
    let front = Front {
        limiter: limiter(app),
        app: app.clone(),
        meters: Meters::default(),
        // What happens in the routes is large, and would be moved along with every step here.
        routes: routes.boxed(),
    };
    let origins = &app.config.cors_origins;
    if origins.is_empty() {
        return front.with(Compression::new()).before(keep_encodings).boxed();
    }
    let cors = Cors::new()
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(["authorization", "content-type"])
        .expose_header("x-request-id");
    let named = origins.iter().filter(|origin| *origin != "*");
    let cors = named.fold(cors, |cors, origin| cors.allow_origin(origin.as_str()));
    front
        .with(cors)
        .with(Compression::new())
        .before(keep_encodings)
        .map_to_response()
        .boxed()
}

/// The app's files come compressed, better than could be done while somebody waits: keeps them from being compressed
/// once more.
async fn keep_encodings(mut request: Request) -> Result<Request> {
    if dashboard::is_at(request.uri().path()) {
        let accepted = request.headers_mut().remove(header::ACCEPT_ENCODING);
        let accepted = accepted.and_then(|value| value.to_str().ok().map(str::to_owned));
        request.set_data(Accepted(accepted));
    }
    Ok(request)
}

fn limiter(app: &App) -> Option<Rate> {
    let rate = app.config.requests_per_second.and_then(NonZeroU32::new)?;
    Some(Rate::new(rate, app.buckets.clone()))
}

/// Names every request, asks who calls, and whether they may and not too often, and counts and logs what came of it.
///
/// One layer for all of it: each would hold the whole request and what is below it, for every connection.
struct Front {
    app: App,
    limiter: Option<Rate>,
    meters: Meters,
    routes: BoxEndpoint<'static, Response>,
}

impl Front {
    /// Who calls, if they may.
    async fn admit(&self, request: &Request) -> Result<Arc<Caller>, Failure> {
        // Where nobody is asked who they are, whoever reaches the machine is trusted; what a browser shows there is not.
        let host = || {
            request
                .original_uri()
                .authority()
                .map(poem::http::uri::Authority::as_str)
        };
        let host = request.header(header::HOST).or_else(host);
        let allowed = &self.app.config.cors_origins;
        if self.app.guard.is_open() {
            if !origin::may_call(request.headers(), host, allowed) {
                let detail = "a page from elsewhere may not call this server; --cors-origins names those that may";
                return Err(Failure::new(Code::Forbidden, detail));
            }
            if !origin::is_own_name(host, allowed) {
                let detail = "this server asks for no token, so it answers to its address and to localhost only, and to \
                              the names in --cors-origins; or give it a token (--admin-token)";
                return Err(Failure::new(Code::Forbidden, detail));
            }
        }
        let need = access::need(request.method(), request.original_uri().path());
        let caller = self.app.guard.admit(request, need).await?;
        let Some(limiter) = &self.limiter else {
            return Ok(caller);
        };
        let key = match request.remote_addr().as_socket_addr() {
            Some(addr) if caller.name == "anyone" => addr.ip().to_string(),
            _ => caller.name.clone(),
        };
        if !limiter.admits(&key).await {
            let detail = "too many requests; wait a second, or have the limit raised";
            return Err(Failure::new(Code::RateLimited, detail));
        }
        Ok(caller)
    }

    /// What the routes answer to a caller who may ask, and what is answered to others.
    async fn respond(&self, mut request: Request) -> Response {
        match self.admit(&request).await {
            Ok(caller) => {
                request.set_data(caller);
                request.set_data(self.app.clone());
                request.set_data(BodyLimit(self.app.config.max_body_bytes));
                match AssertUnwindSafe(self.routes.call(request)).catch_unwind().await {
                    Ok(Ok(response)) => response,
                    Ok(Err(error)) => answer(error),
                    Err(_) => {
                        tracing::error!("a request made the server panic");
                        Failure::new(Code::Internal, "a defect of the server; its log says more").into_response()
                    }
                }
            }
            Err(failure) => failure.into_response(),
        }
    }

    fn id(&self, request: &Request) -> HeaderValue {
        let given = request.headers().get(REQUEST_ID).filter(|id| id.len() <= 128).cloned();
        given.unwrap_or_else(|| {
            let id = self.app.engine.sources.ids.uuid();
            let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
            HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)).unwrap_or(HeaderValue::from_static("none"))
        })
    }
}

impl Endpoint for Front {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let began = now();
        let id = self.id(&request);
        let method = request.method().clone();
        // Only who reads the log wants to know the path.
        let path = tracing::enabled!(tracing::Level::DEBUG).then(|| request.original_uri().path().to_owned());
        let span = if telemetry::wants_spans() {
            span(&request, &id)
        } else {
            Span::none()
        };
        let in_flight = Counted::request();
        let mut response = self.respond(request).instrument(span.clone()).await;
        let took = began.elapsed();
        drop(in_flight);
        let (route, status) = (response.data::<PathPattern>(), response.status());
        let route = route.map(|pattern| &pattern.0);
        span.record("http.route", route.map_or("none", |route| route.as_ref()));
        span.record("http.response.status_code", status.as_u16());
        self.meters.count(&method, route, status, took);
        if let Some(path) = path {
            let _in = span.enter();
            tracing::debug!(
                request.id = id.to_str().unwrap_or_default(),
                http.status = status.as_u16(),
                took_ms = took.as_millis() as u64,
                "{method} {path}"
            );
        }
        response.headers_mut().insert(REQUEST_ID, id);
        Ok(response)
    }
}

/// An error as a response. What the framework turns into a response by itself (an upgrade, a redirection) stays.
fn answer(error: poem::Error) -> Response {
    if error.is_from_response() && error.status().is_success() {
        return error.into_response();
    }
    let mut response = Failure::of(&error).into_response();
    // It is counted where it was asked.
    if let Some(route) = error.data::<PathPattern>() {
        response.set_data(route.clone());
    }
    response
}

/// The span of a request: what is logged and stored within belongs to it. A caller's `traceparent` makes it a part of
/// their trace.
fn span(request: &Request, id: &HeaderValue) -> Span {
    let span = tracing::info_span!(
        "request",
        request.id = id.to_str().unwrap_or_default(),
        http.request.method = %request.method(),
        url.path = request.original_uri().path(),
        http.route = Empty,
        http.response.status_code = Empty,
        otel.kind = "server",
    );
    if let Some(parent) = request.header("traceparent") {
        orchestrator_trace::continue_from(&span, parent);
    }
    span
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a request takes is measured, not decided on"
)]
fn now() -> Instant {
    Instant::now()
}
