//! The whole system inside one program, on PostgreSQL.

use std::sync::Arc;

use orchestrator_core::{Config, Error, Orchestrator};

use crate::{PostgresOptions, PostgresStore};

/// Opens the system on a PostgreSQL: what [`Orchestrator::open`] does for `memory:` and `sqlite:`. Programs and servers
/// that open the same database are one fleet, and run each other's tasks.
///
/// ```no_run
/// use orchestrator_core::{AgentError, TaskContext, agent};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let orchestrator = orchestrator_postgres::open("postgres://localhost/agents").await?;
/// orchestrator.register(agent("double", |_: TaskContext, n: i64| async move { Ok::<_, AgentError>(n * 2) }))?;
/// let doubled: i64 = orchestrator.run("double", &21).await?;
/// # let _ = doubled;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`PostgresStore::open`].
pub async fn open(url: &str) -> Result<Orchestrator, Error> {
    open_with(url, PostgresOptions::default(), Config::default()).await
}

/// Opens the system on a PostgreSQL, set up as `options` and `config` say.
///
/// # Errors
///
/// As [`PostgresStore::open`].
pub async fn open_with(url: &str, options: PostgresOptions, config: Config) -> Result<Orchestrator, Error> {
    let store = PostgresStore::open(url, options).await?;
    Ok(Orchestrator::with_store(Arc::new(store), config))
}
