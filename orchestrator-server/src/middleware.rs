//! What happens around every request: who calls, how often, how long it took, and what is said when it fails.

use std::{num::NonZeroU32, sync::Arc, time::Instant};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use metrics::{counter, histogram};
use orchestrator_protocol::Code;
use poem::{
    Endpoint, EndpointExt, IntoResponse, Middleware, PathPattern, Request, Response, Result,
    http::{HeaderName, HeaderValue, Method},
    middleware::{CatchPanic, Compression, Cors},
};

use tracing::{Instrument as _, Span, field::Empty};

use crate::{access, app::App, problem::Failure, telemetry};

/// Where a request's id is told.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything around the routes, from the outside in.
pub(crate) fn around<E: Endpoint + 'static>(app: &App, routes: E) -> impl Endpoint<Output = Response> + use<E> {
    let admitted = routes
        .with(CatchPanic::new().with_handler(|_| {
            tracing::error!("a request made the server panic");
            Failure::new(Code::Internal, "a defect of the server; its log says more")
        }))
        .with(Admission::new(app.clone()))
        .catch_all_error(|error| async move { answer(error) })
        .with(Observation { app: app.clone() });
    let cors = app.config.cors_origins.iter().fold(
        Cors::new()
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers(["authorization", "content-type"])
            .expose_header("x-request-id"),
        |cors, origin| {
            if origin == "*" {
                cors
            } else {
                cors.allow_origin(origin.as_str())
            }
        },
    );
    let open = !app.config.cors_origins.is_empty();
    admitted.with_if(open, cors).with(Compression::new()).map_to_response()
}

/// An error as a response. What the framework turns into a response by itself (an upgrade, a redirection) stays.
fn answer(error: poem::Error) -> Response {
    if error.is_from_response() && error.status().is_success() {
        return error.into_response();
    }
    Failure::of(&error).into_response()
}

/// Asks who calls, and whether they may, and not too often.
struct Admission {
    app: App,
    limiter: Option<Arc<DefaultKeyedRateLimiter<String>>>,
}

impl Admission {
    fn new(app: App) -> Self {
        let rate = app.config.requests_per_second.and_then(NonZeroU32::new);
        let limiter = rate.map(|rate| {
            let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(1));
            Arc::new(RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)))
        });
        Self { app, limiter }
    }
}

impl<E: Endpoint> Middleware<E> for Admission {
    type Output = Admitted<E>;

    fn transform(&self, inner: E) -> Admitted<E> {
        Admitted {
            inner,
            app: self.app.clone(),
            limiter: self.limiter.clone(),
        }
    }
}

struct Admitted<E> {
    inner: E,
    app: App,
    limiter: Option<Arc<DefaultKeyedRateLimiter<String>>>,
}

impl<E: Endpoint> Endpoint for Admitted<E> {
    type Output = E::Output;

    async fn call(&self, mut request: Request) -> Result<E::Output> {
        let need = access::need(request.method(), request.original_uri().path());
        let caller = self.app.guard.admit(&request, need).await?;
        if let Some(limiter) = &self.limiter {
            let key = match request.remote_addr().as_socket_addr() {
                Some(addr) if caller.name == "anyone" => addr.ip().to_string(),
                _ => caller.name.clone(),
            };
            if limiter.check_key(&key).is_err() {
                let detail = "too many requests; wait a second, or have the limit raised";
                return Err(Failure::new(Code::RateLimited, detail).into());
            }
        }
        request.set_data(caller);
        self.inner.call(request).await
    }
}

/// Names every request, counts it and logs what came of it.
struct Observation {
    app: App,
}

impl<E: Endpoint> Middleware<E> for Observation {
    type Output = Observed<E>;

    fn transform(&self, inner: E) -> Observed<E> {
        Observed {
            inner,
            app: self.app.clone(),
        }
    }
}

struct Observed<E> {
    inner: E,
    app: App,
}

impl<E: Endpoint> Endpoint for Observed<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let given = request.headers().get(REQUEST_ID).filter(|id| id.len() <= 128).cloned();
        let id = given.unwrap_or_else(|| {
            let id = self.app.engine.sources.ids.uuid().to_string();
            HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("none"))
        });
        let (method, path) = (request.method().clone(), request.original_uri().path().to_owned());
        let span = if telemetry::wants_spans() {
            span(&request, &method, &path, &id)
        } else {
            Span::none()
        };
        let began = now();
        let mut response = self.inner.get_response(request).instrument(span.clone()).await;
        let took = began.elapsed();
        let route = response.data::<PathPattern>().map(|pattern| pattern.0.to_string());
        let route = route.unwrap_or_else(|| "none".to_owned());
        let status = response.status();
        span.record("http.route", &route);
        span.record("http.response.status_code", status.as_u16());
        counter!("http_requests_total", "method" => method.to_string(), "route" => route.clone(),
            "status" => status.as_u16().to_string())
        .increment(1);
        histogram!("http_request_duration_seconds", "method" => method.to_string(), "route" => route)
            .record(took.as_secs_f64());
        let _in = span.enter();
        tracing::debug!(
            request.id = id.to_str().unwrap_or_default(),
            http.status = status.as_u16(),
            took_ms = took.as_millis() as u64,
            "{method} {path}"
        );
        response.headers_mut().insert(REQUEST_ID, id);
        Ok(response)
    }
}

/// The span of a request: what is logged and stored within belongs to it. A caller's `traceparent` makes it a part of
/// their trace.
fn span(request: &Request, method: &Method, path: &str, id: &HeaderValue) -> Span {
    let span = tracing::info_span!(
        "request",
        request.id = id.to_str().unwrap_or_default(),
        http.request.method = %method,
        url.path = path,
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
