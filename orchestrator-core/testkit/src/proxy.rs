//! A network in the test's hand: a TCP proxy that cuts, stalls and refuses.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// A proxy before a server. What is connected through it is cut when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepts: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    target: Mutex<SocketAddr>,
    /// Cancelled to cut what is connected now.
    cut: Mutex<CancellationToken>,
    /// Cancelled to strand what is connected now.
    stranded: Mutex<CancellationToken>,
    refuses: watch::Sender<bool>,
    stalls: watch::Sender<bool>,
    /// After how many bytes each connection is cut, in turn; none never.
    budgets: Mutex<Vec<usize>>,
    connections: AtomicUsize,
}

impl Proxy {
    /// A proxy on a port of its own.
    pub async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            cut: Mutex::default(),
            stranded: Mutex::default(),
            refuses: watch::Sender::new(false),
            stalls: watch::Sender::new(false),
            budgets: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let accepts = tokio::spawn(accept(listener, shared.clone()));
        Self {
            address,
            shared,
            accepts,
        }
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Connections go to another server from now on.
    pub fn point_at(&self, target: SocketAddr) {
        *lock(&self.shared.target) = target;
    }

    /// Cuts what is connected now.
    pub fn cut(&self) {
        std::mem::take(&mut *lock(&self.shared.cut)).cancel();
    }

    /// Cuts everything and lets nobody in, or lets people in again.
    pub fn refuse(&self, refuses: bool) {
        self.shared.refuses.send_replace(refuses);
        if refuses {
            self.cut();
        }
    }

    /// Passes nothing on without closing anything, or passes on again.
    pub fn stall(&self, stalls: bool) {
        self.shared.stalls.send_replace(stalls);
    }

    /// Passes nothing on any more over what is connected now, and neither end hears of it, as when a machine loses its
    /// power or a firewall its memory. New connections are passed on.
    pub fn strand(&self) {
        std::mem::take(&mut *lock(&self.shared.stranded)).cancel();
    }

    /// Cuts each connection after so many bytes, wherever that is.
    pub fn cut_after(&self, budgets: Vec<usize>) {
        *lock(&self.shared.budgets) = budgets;
        self.cut();
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepts.abort();
        self.cut();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics")
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        if *shared.refuses.borrow() {
            continue;
        }
        let number = shared.connections.fetch_add(1, Ordering::SeqCst);
        let target = *lock(&shared.target);
        let cut = lock(&shared.cut).clone();
        let stranded = lock(&shared.stranded).clone();
        let budget = {
            let budgets = lock(&shared.budgets);
            (!budgets.is_empty()).then(|| budgets[number % budgets.len()])
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(target).await else {
                return;
            };
            let budget = AtomicUsize::new(budget.unwrap_or(usize::MAX));
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::select! {
                () = cut.cancelled() => {}
                () = pass(from_client, to_server, &shared, &stranded, &budget) => {}
                () = pass(from_server, to_client, &shared, &stranded, &budget) => {}
            }
        });
    }
}

/// Passes bytes on until the budget is spent: the last bytes are cut where it ends.
async fn pass(
    mut from: tcp::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    shared: &Shared,
    stranded: &CancellationToken,
    budget: &AtomicUsize,
) {
    let mut stalls = shared.stalls.subscribe();
    let mut buffer = [0; 4096];
    loop {
        let read = from.read(&mut buffer).await;
        if stranded.is_cancelled() {
            // Not even that one end is gone.
            return std::future::pending().await;
        }
        let Ok(count @ 1..) = read else { return };
        if stalls.wait_for(|stalls| !stalls).await.is_err() {
            return;
        }
        let left = budget.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            Some(left.saturating_sub(count))
        });
        let left = left.unwrap_or_default();
        if to.write_all(&buffer[..count.min(left)]).await.is_err() || count >= left {
            return;
        }
    }
}
