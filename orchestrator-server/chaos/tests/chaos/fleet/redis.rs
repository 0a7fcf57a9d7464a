//! A Redis of a fleet's own, which can be killed.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use tokio::net::TcpStream;

use super::postgres::free_address;
use crate::time::until;

/// A Redis that keeps nothing.
pub struct Redis {
    folder: PathBuf,
    address: SocketAddr,
    process: Mutex<Option<Child>>,
}

impl Redis {
    pub async fn start(folder: &Path) -> Self {
        let folder = folder.join("redis");
        std::fs::create_dir(&folder).expect("a folder");
        let redis = Self {
            folder,
            address: free_address(),
            process: Mutex::new(None),
        };
        redis.start_again().await;
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Starts it, and returns once it answers.
    pub async fn start_again(&self) {
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port"])
            .arg(self.address.port().to_string())
            .args(["--save", "", "--appendonly", "no", "--pidfile"])
            .arg(self.folder.join("pid"))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is missing: install it, or run `make test`");
        *self.process.lock().expect("nobody panics") = Some(child);
        until("Redis answers", async || TcpStream::connect(self.address).await.ok()).await;
    }

    /// Ends it without a warning.
    pub fn kill(&self) {
        if let Some(mut child) = self.process.lock().expect("nobody panics").take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
