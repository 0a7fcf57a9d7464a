//! A server from its start to its end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use orchestrator_core::{
    clock::Sources,
    maintain::{Retention, Service, retention, timer},
    service::Engine,
    store::StoreError,
};
use orchestrator_dashboard::Dashboard;
use poem::listener::Acceptor;
use tokio::net::TcpListener;

use crate::{
    App, AppConfig, Config,
    auth::Guard,
    bus,
    listener::{self, Door},
    store, telemetry,
    trace::Traced,
    workers::WorkersConfig,
};

/// Why a server does not start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// It cannot be set up like this.
    #[error("{}", .0.join("\n"))]
    Config(Vec<String>),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot listen there.
    #[error("cannot listen on {addr}: {error}")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// It failed while it ran.
    #[error("the server failed: {0}")]
    Io(#[from] std::io::Error),
}

/// A server that is set up and listens, and has not begun to answer.
pub struct Server {
    app: App,
    door: Door,
    addr: SocketAddr,
    scheme: &'static str,
    services: Vec<Service>,
    shutdown: Duration,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Opens the database, starts the loops that keep it going, and listens.
    ///
    /// # Errors
    ///
    /// [`ServerError`] with one line that says what is wrong and what to do.
    pub async fn start(config: Config) -> Result<Self, ServerError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(ServerError::Config(problems));
        }
        let tls = config.tls.as_ref().map(listener::keys).transpose();
        let tls = tls.map_err(|problem| ServerError::Config(vec![format!("tls: {problem}")]))?;
        let dashboard = config.dashboard.as_deref().map(Dashboard::open).transpose();
        let dashboard = dashboard.map_err(|error| ServerError::Config(vec![format!("dashboard: {error}")]))?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        // First the address: who cannot listen should not touch the database.
        let failed = |error| ServerError::Listen {
            addr: config.listen,
            error,
        };
        let socket = TcpListener::bind(config.listen).await.map_err(failed)?;
        let addr = socket.local_addr()?;
        let sources = Sources::default();
        let mut store = store::open(&config).await?;
        if let Some(traces) = telemetry::traces() {
            store = Traced::around(store, traces);
        }
        let shared = bus::open(&config, &sources)?;
        let engine = Engine::new(store, shared.bus, sources.clone())
            .with_presence(shared.presence)
            .with_policy(config.placement);
        let workers = WorkersConfig {
            lease: config.lease,
            ..WorkersConfig::default()
        };
        let guard = match &config.admin_token {
            Some(token) => Guard::locked(engine.store.clone(), Some(token), sources.clone()),
            None => Guard::open(sources.clone()),
        };
        let app = AppConfig {
            max_body_bytes: config.max_body_bytes,
            requests_per_second: config.requests_per_second,
            cors_origins: config.cors_origins.clone(),
            dashboard: dashboard.or_else(Dashboard::built_in).map(Arc::new),
        };
        let app = App::sharing(engine, workers, guard, app, shared.buckets);
        let services = services(&app, config.retention);
        Ok(Self {
            app,
            door: Door::open(socket, tls)?,
            addr,
            scheme,
            services,
            shutdown: config.shutdown,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL under which it answers.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.addr)
    }

    /// What its requests find.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Answers until `stop` is over; then grants nothing more, lets requests finish for a while, and closes the database.
    ///
    /// # Errors
    ///
    /// [`ServerError::Io`].
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<(), ServerError> {
        let app = self.app.clone();
        let stopping = async {
            stop.await;
            app.begin_stop();
            tracing::info!("stopping: requests may take {} s more", self.shutdown.as_secs_f64());
        };
        let served = match self.door {
            Door::Plain(acceptor) => serve(acceptor, &self.app, stopping, self.shutdown).await,
            Door::Tls(acceptor) => serve(acceptor, &self.app, stopping, self.shutdown).await,
        };
        for service in self.services {
            service.stop().await;
        }
        self.app.engine.close().await;
        Ok(served?)
    }
}

/// Answers what comes until `stopping` is over, and lets requests finish for a while.
async fn serve(
    acceptor: impl Acceptor + 'static,
    app: &App,
    stopping: impl Future<Output = ()>,
    patience: Duration,
) -> std::io::Result<()> {
    let server = poem::Server::new_with_acceptor(acceptor);
    server
        .run_with_graceful_shutdown(app.endpoint(), stopping, Some(patience))
        .await
}

/// The loops that keep the store going. Every server of a fleet runs them; each verb of theirs happens once.
fn services(app: &App, keep: Option<Duration>) -> Vec<Service> {
    let sources = app.engine.sources.clone();
    let (listening, timed, kept) = (app.workers.clone(), app.engine.clone(), app.engine.clone());
    let retained = Retention {
        keep,
        ..Retention::default()
    };
    vec![
        Service::start("wake-ups", &sources, move || {
            let workers = listening.clone();
            async move { workers.listen().await }
        }),
        Service::start("timers", &sources, move || timer::run(timed.clone())),
        Service::start("retention", &sources, move || {
            retention::run(kept.clone(), retained.clone())
        }),
    ]
}
