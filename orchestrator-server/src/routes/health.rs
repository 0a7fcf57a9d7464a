//! How the server is.

use std::time::Duration;

use orchestrator_core::bus::Health;
use orchestrator_protocol::Code;
use poem::{IntoResponse, Response, handler, web::Data};

use crate::{app::App, problem::Failure, telemetry};

/// How long the store may take to answer before the server counts as not ready.
const PATIENCE: Duration = Duration::from_secs(2);

#[handler]
pub(super) fn alive() -> &'static str {
    "alive\n"
}

#[handler]
pub(super) async fn ready(app: Data<&App>) -> Response {
    if app.is_stopping() {
        return Failure::new(Code::Unavailable, "the server is stopping").into_response();
    }
    match tokio::time::timeout(PATIENCE, app.engine.store.foreign_changes()).await {
        Ok(Ok(_)) => format!("ready\n{}", bus(&app.engine.bus.health())).into_response(),
        Ok(Err(error)) => Failure::from(error).into_response(),
        Err(_) => Failure::new(Code::Unavailable, "the store does not answer").into_response(),
    }
}

/// How the bus is, in a line. Losing it slows a fleet down and breaks nothing, so it is told and not held against the
/// server.
fn bus(health: &Health) -> String {
    match (health.carrier, &health.trouble) {
        (None, _) => String::new(),
        (Some(carrier), None) => format!("bus: {carrier}, connected\n"),
        (Some(carrier), Some(_)) => format!(
            "bus: {carrier}, lost (the log says why); other servers' changes are found by looking, every second or so\n"
        ),
    }
}

#[handler]
pub(super) async fn metrics(app: Data<&App>) -> Response {
    telemetry::observe(&app).await;
    let text = app.metrics.render();
    Response::builder()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text)
}
