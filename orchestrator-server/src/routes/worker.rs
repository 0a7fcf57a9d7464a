//! `/api/v1/worker`: the workers' WebSocket, and the same by requests.

use std::sync::Arc;

use orchestrator_core::store::StoreError;
use orchestrator_protocol::{
    Code,
    frame::{
        AskHistory, AskResults, CancelTasks, Claim, CloseSession, Done, Hello, RenewSession, ReportItems, SettledTasks,
        TaskHistory,
    },
};
use poem::{
    Body, Endpoint, IntoResponse, Request, Response, Route, get, handler,
    http::header,
    post,
    web::{
        Data,
        websocket::{WebSocket, WebSocketConfig},
    },
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{auth::Tenure, problem::Failure, workers::Workers};

/// Everything below `/api/v1/worker`.
pub fn routes() -> impl Endpoint {
    Route::new()
        .at("/", get(worker))
        .at("/sessions", post(sessions))
        .at("/claim", post(claim))
        .at("/report", post(report))
        .at("/renew", post(renew))
        .at("/history", post(history))
        .at("/results", post(results))
        .at("/cancel", post(cancel))
        .at("/close", post(close))
}

/// Opens a worker's WebSocket. It lasts no longer than the token that opened it.
#[handler]
pub fn worker(socket: WebSocket, request: &Request, Data(workers): Data<&Arc<Workers>>) -> Response {
    let longest = workers.max_frame_bytes();
    let config = WebSocketConfig::default()
        .max_message_size(Some(longest))
        .max_frame_size(Some(longest));
    let workers = workers.clone();
    let tenure = Tenure::of(request);
    socket
        // What a browser offers beside its token; one must be taken.
        .protocols(["orchestrator"])
        .config(config)
        .on_upgrade(move |socket| async move {
            tokio::select! {
                () = workers.serve(socket) => {}
                () = tenure.end() => {}
            }
        })
        .into_response()
}

#[handler]
async fn sessions(body: Body, Data(workers): Data<&Arc<Workers>>) -> Response {
    answer(workers, body, async |hello: Hello| workers.open(hello).await).await
}

#[handler]
async fn claim(body: Body, Data(workers): Data<&Arc<Workers>>) -> Response {
    answer(workers, body, async |claim: Claim| workers.claim(claim).await).await
}

#[handler]
async fn report(body: Body, Data(workers): Data<&Arc<Workers>>) -> Response {
    answer(workers, body, async |report: ReportItems| workers.report(report).await).await
}

#[handler]
async fn renew(body: Body, Data(workers): Data<&Arc<Workers>>) -> Response {
    answer(workers, body, async |renew: RenewSession| workers.renew(renew).await).await
}

#[handler]
async fn history(body: Body, Data(workers): Data<&Arc<Workers>>) -> Response {
    let history = async |ask: AskHistory| {
        let history = workers.history(ask.task_id).await?;
        Ok(TaskHistory { id: ask.id, history })
    };
    answer(workers, body, history).await
}

#[handler]
async fn results(body: Body, Data(workers): Data<&Arc<Workers>>) -> Response {
    let results = async |ask: AskResults| {
        let tasks = workers.results(ask.task_ids).await?;
        Ok(SettledTasks { id: ask.id, tasks })
    };
    answer(workers, body, results).await
}

#[handler]
async fn cancel(body: Body, Data(workers): Data<&Arc<Workers>>) -> Response {
    let cancel = async |ask: CancelTasks| {
        workers.cancel(ask.task_ids, ask.reason).await?;
        Ok(Done { id: ask.id })
    };
    answer(workers, body, cancel).await
}

#[handler]
async fn close(body: Body, Data(workers): Data<&Arc<Workers>>) -> Response {
    let close = async |close: CloseSession| {
        workers.close_session(close.session).await?;
        Ok(Done { id: 0 })
    };
    answer(workers, body, close).await
}

/// Reads a request, does what it asks for, and says what came of it. Fields that are not known are passed over, as in
/// frames: the worker may be newer.
async fn answer<Q: DeserializeOwned, A: Serialize>(
    workers: &Workers,
    body: Body,
    act: impl AsyncFnOnce(Q) -> Result<A, StoreError>,
) -> Response {
    let Ok(body) = body.into_bytes_limit(workers.max_frame_bytes()).await else {
        let detail = format!("the body is larger than {} bytes", workers.max_frame_bytes());
        return Failure::new(Code::PayloadTooLarge, detail).into_response();
    };
    let done = match serde_json::from_slice::<Q>(&body) {
        Ok(question) => act(question).await,
        Err(error) => Err(StoreError::invalid("body", error.to_string())),
    };
    match done.map(|answer| serde_json::to_vec(&answer)) {
        Ok(Ok(json)) => Response::builder()
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(json),
        Ok(Err(error)) => Failure::from(StoreError::Unavailable(error.to_string())).into_response(),
        Err(error) => Failure::from(error).into_response(),
    }
}
