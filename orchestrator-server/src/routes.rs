//! Every address of the server.

mod checkpoints;
pub(crate) mod dashboard;
pub mod events;
mod health;
mod limits;
mod query;
mod schedules;
mod stats;
mod task_types;
mod tasks;
mod tokens;
pub mod worker;
mod workers;

use poem::{
    Endpoint, EndpointExt, IntoEndpoint, IntoResponse, Response, Route, endpoint::make_sync,
    error::MethodNotAllowedError, get,
};
use poem_openapi::{OpenApiService, Tags};

use crate::{app::App, parameters::Parameters, problem::Failure};

/// What the document groups operations by.
#[derive(Tags)]
enum Group {
    /// Submitting tasks, watching them and stepping in.
    Tasks,
    /// What waits for people.
    Checkpoints,
    /// The machines that run tasks.
    Workers,
    /// Tasks that are submitted again and again.
    Schedules,
    /// How much may happen at once, and queues.
    Limits,
    /// Counts.
    Stats,
    /// Who is let in.
    Tokens,
}

/// All operations of the REST interface.
pub(crate) type Api = (
    tasks::Tasks,
    checkpoints::Checkpoints,
    workers::Workers,
    task_types::TaskTypes,
    schedules::Schedules,
    limits::Limits,
    stats::Statistics,
    tokens::Tokens,
);

/// All operations of the REST interface over what every request finds.
pub(crate) fn api(app: &App) -> Api {
    (
        tasks::Tasks(app.clone()),
        checkpoints::Checkpoints(app.clone()),
        workers::Workers(app.clone()),
        task_types::TaskTypes(app.clone()),
        schedules::Schedules(app.clone()),
        limits::Limits(app.clone()),
        stats::Statistics(app.clone()),
        tokens::Tokens(app.clone()),
    )
}

/// Every address. One table of routes: each within another would be a layer more for every request.
pub(crate) fn all(app: &App, service: OpenApiService<Api, ()>, page: String, spec: String) -> Route {
    let document = Parameters::of(&spec);
    Route::new()
        .at("/api/v1/events", only_get(events::events).data(app.viewers.clone()))
        .nest(
            "/api/v1/worker",
            worker::routes().data(app.workers.clone()).catch_error(by_post),
        )
        .nest("/api/v1", service.with(document))
        .at("/", only_get(dashboard::page).data(app.config.dashboard.clone()))
        .at(
            "/assets/:name",
            only_get(dashboard::asset).data(app.config.dashboard.clone()),
        )
        .at("/docs", only_get(make_sync(move |_| dashboard::docs(page.clone()))))
        .at(
            "/openapi.json",
            only_get(make_sync(move |_| {
                Response::builder().content_type("application/json").body(spec.clone())
            })),
        )
        .at("/healthz", only_get(health::alive))
        .at("/readyz", only_get(health::ready))
        .at("/metrics", only_get(health::metrics))
}

/// An endpoint that is read, and says so to whoever tries something else.
fn only_get(endpoint: impl IntoEndpoint<Endpoint: 'static>) -> impl Endpoint<Output = Response> {
    get(endpoint).catch_error(by_get).map_to_response()
}

async fn by_get(_: MethodNotAllowedError) -> Response {
    Failure::other_method("GET, HEAD").into_response()
}

async fn by_post(_: MethodNotAllowedError) -> Response {
    Failure::other_method("POST").into_response()
}
