//! The servers that a URL names, and which of them takes writes at the moment.

use std::{
    str::FromStr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use orchestrator_core::store::StoreError;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool, Row, postgres::PgConnectOptions};

use crate::fault;

/// How long a server may take to let us in.
const PATIENCE: Duration = Duration::from_secs(5);

/// The servers of one database: usually one; a primary and its standbys where the URL names several.
#[derive(Debug, Clone)]
pub(crate) struct Hosts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    each: Vec<PgConnectOptions>,
    /// The one that took writes last.
    current: AtomicUsize,
    /// The connections that read, which follow the one that writes.
    readers: OnceLock<PgPool>,
}

impl Hosts {
    /// The servers of a URL, `postgres://user@host:port,host:port/name`, each set up by `set`.
    pub(crate) fn parse(url: &str, set: impl Fn(PgConnectOptions) -> PgConnectOptions) -> Result<Self, StoreError> {
        let each = split(url).into_iter().map(|url| {
            PgConnectOptions::from_str(&url)
                .map(&set)
                .map_err(|e| StoreError::Unusable(format!("this is not the URL of a PostgreSQL database: {e}")))
        });
        Ok(Self(Arc::new(Inner {
            each: each.collect::<Result<_, _>>()?,
            current: AtomicUsize::new(0),
            readers: OnceLock::new(),
        })))
    }

    /// How the one is reached that took writes last.
    pub(crate) fn current(&self) -> PgConnectOptions {
        self.0.each[self.0.current.load(Ordering::Relaxed)].clone()
    }

    /// Whether there are several.
    pub(crate) fn are_several(&self) -> bool {
        self.0.each.len() > 1
    }

    /// These connections are made where writes are taken.
    pub(crate) fn lead(&self, readers: PgPool) {
        self.0.readers.set(readers).ok();
    }

    /// A connection to the one that takes writes, with further settings.
    pub(crate) async fn connect(
        &self,
        settings: &[(&'static str, impl AsRef<str>)],
    ) -> Result<PgConnection, StoreError> {
        let settings = || settings.iter().map(|(name, value)| (*name, value.as_ref()));
        let (count, first) = (self.0.each.len(), self.0.current.load(Ordering::Relaxed));
        if count == 1 {
            let options = self.current().options(settings());
            let connected = tokio::time::timeout(PATIENCE, options.connect()).await;
            return connected
                .unwrap_or_else(|_| Err(fault::silence()))
                .map_err(|e| fault::on_open(&e));
        }
        let mut why = StoreError::Unavailable("no server of the database takes writes at the moment".to_owned());
        for at in (first..count).chain(0..first) {
            let options = self.0.each[at].clone().options(settings());
            match tokio::time::timeout(PATIENCE, primary(&options)).await {
                Ok(Ok(Some(conn))) => {
                    self.follow(at);
                    return Ok(conn);
                }
                Ok(Ok(None)) | Err(_) => {}
                Ok(Err(error)) => why = error,
            }
        }
        Err(why)
    }

    fn follow(&self, at: usize) {
        if self.0.current.swap(at, Ordering::Relaxed) == at {
            return;
        }
        let host = self.0.each[at].get_host();
        tracing::warn!(
            database.host = host,
            "another server of the database takes writes now: {host}"
        );
        if let Some(readers) = self.0.readers.get() {
            readers.set_connect_options(self.current());
        }
    }
}

/// A connection, if the server takes writes.
async fn primary(options: &PgConnectOptions) -> Result<Option<PgConnection>, StoreError> {
    let mut conn = options.connect().await.map_err(|e| fault::on_open(&e))?;
    if takes_writes(&mut conn).await.map_err(|e| fault::on_open(&e))? {
        return Ok(Some(conn));
    }
    conn.close().await.ok();
    Ok(None)
}

/// Whether a server is no standby.
pub(crate) async fn takes_writes(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    Ok(conn.fetch_one("select not pg_is_in_recovery()").await?.get(0))
}

/// A URL for each of the hosts, separated by commas, that a URL names.
fn split(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return vec![url.to_owned()];
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user, hosts) = authority.rsplit_once('@').map_or(("", authority), |(_, hosts)| {
        (&authority[..authority.len() - hosts.len()], hosts)
    });
    let one = |host| format!("{scheme}://{user}{host}{path}");
    hosts.split(',').map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_name_several_servers() {
        for (url, each) in [
            ("postgres://h/db", vec!["postgres://h/db"]),
            ("postgres:///db?host=/run", vec!["postgres:///db?host=/run"]),
            (
                "postgres://u:p@a:1,b:2/db?sslmode=require",
                vec![
                    "postgres://u:p@a:1/db?sslmode=require",
                    "postgres://u:p@b:2/db?sslmode=require",
                ],
            ),
            ("postgres://a,b", vec!["postgres://a", "postgres://b"]),
        ] {
            assert_eq!(split(url), each, "{url}");
        }
        let hosts = Hosts::parse("postgres://u@a:1,b:2/db", |options| options).expect("two");
        assert!(hosts.are_several());
        assert_eq!((hosts.current().get_host(), hosts.current().get_port()), ("a", 1));
        hosts.follow(1);
        assert_eq!((hosts.current().get_host(), hosts.current().get_port()), ("b", 2));
    }
}
