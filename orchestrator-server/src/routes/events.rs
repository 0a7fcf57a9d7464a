//! `GET /api/v1/events`: live events over a WebSocket.

use std::sync::Arc;

use poem::{
    IntoResponse, Response, handler,
    http::HeaderValue,
    web::{
        Data, Query,
        websocket::{WebSocket, WebSocketConfig},
    },
};

use crate::{
    live::{Viewers, Watch},
    problem::Failure,
};

/// Where in the history the viewer began, for one that did not say and may have to come back before its first event.
const PLACE: &str = "x-orchestrator-seq";

/// Viewers have nothing to say.
const LONGEST: usize = 64 * 1024;

/// Opens a viewer's WebSocket.
#[handler]
pub async fn events(
    socket: WebSocket,
    Query(parameters): Query<Vec<(String, String)>>,
    Data(viewers): Data<&Arc<Viewers>>,
) -> Response {
    let parameters = parameters.iter().map(|(name, value)| (&**name, &**value));
    let watched = match Watch::parse(parameters) {
        Ok(watch) => viewers.watch(watch).await,
        Err(error) => Err(error),
    };
    let viewer = match watched {
        Ok(viewer) => viewer,
        Err(error) => return Failure::from(error).into_response(),
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(LONGEST))
        .max_frame_size(Some(LONGEST));
    let place = HeaderValue::from(viewer.place().0);
    let viewers = viewers.clone();
    let upgrade = socket
        // What a browser offers beside its token; one must be taken.
        .protocols(["orchestrator"])
        .config(config)
        .on_upgrade(move |socket| async move { viewers.serve(viewer, socket).await });
    let mut response = upgrade.into_response();
    response.headers_mut().insert(PLACE, place);
    response
}
