//! A database of a test's own on the private PostgreSQL.

use orchestrator_core::clock::{Ids, SystemIds};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// A database that nobody else uses; it goes when the place is dropped.
pub struct Place {
    server: String,
    name: String,
}

impl Place {
    pub async fn new() -> Self {
        let server = std::env::var("ORCHESTRATOR_TEST_POSTGRES").expect(
            "ORCHESTRATOR_TEST_POSTGRES is not set: run `make test`, or `.ci/services.sh run cargo nextest run ...`, \
             which start a private PostgreSQL",
        );
        let place = Self {
            server,
            name: format!("t{}", SystemIds.uuid().simple()),
        };
        let mut conn = PgConnection::connect(&place.server).await.expect("the server answers");
        let create = format!("create database {}", place.name);
        conn.execute(AssertSqlSafe(create)).await.expect("a database");
        place
    }

    pub fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("a URL with a database");
        format!("{server}/{}", self.name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A runtime of its own: the test's may be gone, and does not wait for anything here.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .ok()?;
            let drop = format!("drop database if exists {name} with (force)");
            runtime.block_on(async {
                let mut conn = PgConnection::connect(&server).await.ok()?;
                conn.execute(AssertSqlSafe(drop)).await.ok()
            })
        });
        drop(dropped.join());
    }
}
