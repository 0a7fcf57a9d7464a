//! What every request finds: the engine, who may call it, and how much at a time.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use metrics_exporter_prometheus::PrometheusHandle;
use orchestrator_core::service::Engine;
use orchestrator_dashboard::Dashboard;
use orchestrator_redis::Buckets;
use poem::{Endpoint, Response};

use crate::{
    auth::Guard,
    live::Viewers,
    middleware, openapi, routes,
    workers::{Workers, WorkersConfig},
};

/// How the server treats requests.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// The largest body of a request, in bytes. Defaults to 16 MiB: large inputs are common, larger ones belong elsewhere.
    pub max_body_bytes: usize,
    /// How many requests one caller may make in a second, on average; bursts of twice as many are taken. No limit by
    /// default.
    pub requests_per_second: Option<u32>,
    /// Origins whose pages may call this server; `*` for all. None by default.
    pub cors_origins: Vec<String>,
    /// The app for browsers. By default the one that is built in, if one is.
    pub dashboard: Option<Arc<Dashboard>>,
}

impl Default for AppConfig {
    fn default() -> Self {
        Self {
            max_body_bytes: 16 << 20,
            requests_per_second: None,
            cors_origins: Vec::new(),
            dashboard: Dashboard::built_in().map(Arc::new),
        }
    }
}

/// The largest body of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimit(pub(crate) usize);

/// What every request finds. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What the parts of an [`App`] share.
pub struct Inner {
    /// The use cases.
    pub(crate) engine: Engine,
    /// The workers that are connected.
    pub(crate) workers: Arc<Workers>,
    /// Those who watch.
    pub(crate) viewers: Arc<Viewers>,
    /// Who may call what.
    pub(crate) guard: Guard,
    pub(crate) config: AppConfig,
    pub(crate) metrics: PrometheusHandle,
    /// How much each caller may still ask for, where servers count together.
    pub(crate) buckets: Option<Buckets>,
    stopping: AtomicBool,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Everything over an engine.
    pub fn new(engine: Engine, workers: WorkersConfig, guard: Guard, config: AppConfig) -> Self {
        Self::sharing(engine, workers, guard, config, None)
    }

    /// The same, with requests counted together with other servers.
    pub fn sharing(
        engine: Engine,
        workers: WorkersConfig,
        guard: Guard,
        config: AppConfig,
        buckets: Option<Buckets>,
    ) -> Self {
        Self(Arc::new(Inner {
            workers: Workers::new(engine.clone(), workers),
            viewers: Viewers::new(engine.clone()),
            engine,
            guard,
            config,
            metrics: crate::telemetry::recorder(),
            buckets,
            stopping: AtomicBool::new(false),
        }))
    }

    /// The use cases, for a worker in the same process.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Says that the server is about to stop: it is not ready any more, grants nothing, and workers and viewers go on
    /// elsewhere.
    pub fn begin_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.workers.close();
        self.viewers.close();
    }

    /// Whether the server is about to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The whole server as an endpoint.
    pub fn endpoint(&self) -> impl Endpoint<Output = Response> + use<> {
        let service = openapi::service(self);
        let (page, spec) = openapi::pages(&service);
        middleware::around(self, routes::all(self, service, page, spec))
    }
}
