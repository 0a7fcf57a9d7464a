//! `GET /api/v1/events`: live events over a WebSocket.

use std::sync::Arc;

use poem::{
    IntoResponse, Request, Response, Result, handler,
    http::{HeaderValue, header},
    web::{
        Data, Query,
        websocket::{WebSocket, WebSocketConfig},
    },
};

use crate::{
    auth::Tenure,
    live::{Viewers, Watch},
    problem::Failure,
};

/// Where in the history the viewer began, for one that did not say and may have to come back before its first event.
const PLACE: &str = "x-orchestrator-seq";

/// What a browser offers beside its token; one must be taken.
const SPOKEN: &str = "orchestrator";

/// The same, and frames say the place, as a page sees neither headers nor pings.
const PLACED: &str = "orchestrator.place";

/// Viewers have nothing to say.
const LONGEST: usize = 64 * 1024;

/// Opens a viewer's WebSocket. It lasts no longer than the token that opened it.
#[handler]
pub async fn events(
    socket: Result<WebSocket>,
    request: &Request,
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
    // Only now, so that an ordinary request learns what a page is not told when its WebSocket is refused.
    let socket = match socket {
        Ok(socket) => socket,
        Err(error) => return Failure::of(&error).into_response(),
    };
    let placed = takes_place(request);
    let config = WebSocketConfig::default()
        .max_message_size(Some(LONGEST))
        .max_frame_size(Some(LONGEST));
    let place = HeaderValue::from(viewer.place().0);
    let viewers = viewers.clone();
    let tenure = Tenure::of(request);
    let upgrade = socket
        .protocols([if placed { PLACED } else { SPOKEN }])
        .config(config)
        .on_upgrade(move |socket| async move {
            tokio::select! {
                () = viewers.serve(viewer, socket, placed) => {}
                () = tenure.end() => {}
            }
        });
    let mut response = upgrade.into_response();
    response.headers_mut().insert(PLACE, place);
    response
}

/// Whether the viewer wants to be told its place in frames.
fn takes_place(request: &Request) -> bool {
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = offered
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    offered.any(|protocol| protocol.trim() == PLACED)
}
