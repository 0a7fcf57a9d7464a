//! A database of its own for every test.

use std::net::SocketAddr;

use orchestrator_core::{
    clock::{Ids, SystemIds},
    store::Store,
};
use orchestrator_postgres::{PostgresOptions, PostgresStore};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// A database that nobody else uses; it goes when the place is dropped.
pub(crate) struct Place {
    server: String,
    name: String,
}

/// The URL of a maintenance database on a private server.
fn server() -> String {
    std::env::var("ORCHESTRATOR_TEST_POSTGRES").expect(
        "ORCHESTRATOR_TEST_POSTGRES is not set: run `make test`, or `.ci/services.sh run cargo nextest run ...`, \
         which start a private PostgreSQL",
    )
}

impl Place {
    pub(crate) async fn new() -> Self {
        let place = Self {
            server: server(),
            name: format!("t{}", SystemIds.uuid().simple()),
        };
        let create = format!("create database {}", place.name);
        let mut conn = PgConnection::connect(&place.server)
            .await
            .expect("the private server answers");
        conn.execute(AssertSqlSafe(create)).await.expect("a database");
        place
    }

    pub(crate) fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("a URL with a database");
        format!("{server}/{}", self.name)
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        let (_, rest) = self.server.rsplit_once('@').expect("a URL with a user");
        let (address, _) = rest.split_once('/').expect("a URL with a database");
        address.parse().expect("an address like 127.0.0.1:5432")
    }

    /// The URL of the database by way of another address.
    pub(crate) fn url_by(&self, address: SocketAddr) -> String {
        self.url().replace(&self.address().to_string(), &address.to_string())
    }

    pub(crate) async fn open(&self) -> PostgresStore {
        let opened = PostgresStore::open(&self.url(), PostgresOptions::default()).await;
        opened.expect("the store opens")
    }

    /// A connection beside the store.
    pub(crate) async fn connect(&self) -> PgConnection {
        let mut conn = PgConnection::connect(&self.url()).await.expect("a connection");
        conn.execute("set search_path to orchestrator")
            .await
            .expect("a setting");
        conn
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A runtime of its own: the test's may be gone, and does not wait for anything here.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut conn = PgConnection::connect(&server).await?;
                conn.execute(AssertSqlSafe(format!("drop database if exists {name} with (force)")))
                    .await?;
                anyhow::Ok(())
            })
        });
        drop(dropped.join());
    }
}

/// A store under test, closed by whoever drops the place.
pub(crate) async fn shared(place: &Place) -> std::sync::Arc<dyn Store> {
    std::sync::Arc::new(place.open().await)
}
