//! How the server is.

use std::time::Duration;

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
        Ok(Ok(_)) => "ready\n".into_response(),
        Ok(Err(error)) => Failure::from(error).into_response(),
        Err(_) => Failure::new(Code::Unavailable, "the store does not answer").into_response(),
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
