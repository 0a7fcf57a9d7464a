//! The connections that ask.

use std::time::Duration;

use bb8_redis::bb8;
use redis::{AsyncConnectionConfig, Client, RedisError, aio::MultiplexedConnection};

/// How many connections a server has at most. One is enough for thousands of questions a second; more keep them from
/// waiting for each other.
const CONNECTIONS: u32 = 8;

/// How long a connection may take to be made, and an answer to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// Makes connections. Unlike [`bb8_redis::RedisConnectionManager`] it knows when one has broken, so that the pool need
/// not ask before each use.
#[derive(Debug)]
pub(crate) struct Manager {
    client: Client,
}

/// A connection of the pool.
pub(crate) struct Connection {
    pub(crate) inner: MultiplexedConnection,
    /// Whether it is not to be used again.
    pub(crate) broken: bool,
}

pub(crate) type Pool = bb8::Pool<Manager>;

/// A pool that makes connections when they are needed.
pub(crate) fn open(client: Client) -> Pool {
    bb8::Pool::builder()
        .max_size(CONNECTIONS)
        .test_on_check_out(false)
        .retry_connection(false)
        .connection_timeout(PATIENCE)
        .build_unchecked(Manager { client })
}

impl bb8::ManageConnection for Manager {
    type Connection = Connection;
    type Error = RedisError;

    async fn connect(&self) -> Result<Connection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let inner = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        Ok(Connection { inner, broken: false })
    }

    async fn is_valid(&self, connection: &mut Connection) -> Result<(), RedisError> {
        redis::cmd("PING").exec_async(&mut connection.inner).await
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.broken
    }
}
