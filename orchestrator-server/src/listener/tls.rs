//! Connections that agree on a key first.

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use poem::{
    Addr,
    http::uri::Scheme,
    listener::Acceptor,
    web::{LocalAddr, RemoteAddr},
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::Ending;
use crate::config::Tls;

/// How long a client may take to agree on a key.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How many connections may wait to be taken.
const WAITING: usize = 128;

/// Connections that have agreed on a key. Slow ones keep nobody waiting.
pub(crate) struct Agreed {
    local: LocalAddr,
    connections: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl Agreed {
    pub(super) fn new(listener: TcpListener, tls: TlsAcceptor) -> io::Result<Self> {
        let local = LocalAddr(Addr::SocketAddr(listener.local_addr()?));
        let (sender, connections) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            loop {
                let Ok((stream, peer)) = listener.accept().await else {
                    // Too many open files, mostly: others have to go first.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                if sender.is_closed() {
                    return;
                }
                // One that is gone already fails when it is read.
                let _ = stream.set_nodelay(true);
                let (sender, tls) = (sender.clone(), tls.clone());
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                        // An error says that the server has ended.
                        let _ = sender.send((stream, peer)).await;
                    }
                });
            }
        });
        Ok(Self { local, connections })
    }
}

impl Acceptor for Agreed {
    type Io = Ending<TlsStream<TcpStream>>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![self.local.clone()]
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, peer) = self.connections.recv().await.ok_or(io::ErrorKind::BrokenPipe)?;
        let remote = RemoteAddr(Addr::SocketAddr(peer));
        Ok((Ending::new(stream), self.local.clone(), remote, Scheme::HTTPS))
    }
}

/// Reads a certificate and its key.
///
/// # Errors
///
/// One line that says what is wrong.
pub(crate) fn keys(tls: &Tls) -> Result<TlsAcceptor, String> {
    let named = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let certificates = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| named(&tls.certificate, &error))?;
    if certificates.is_empty() {
        return Err(named(&tls.certificate, &"holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| named(&tls.key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| named(&tls.certificate, &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
