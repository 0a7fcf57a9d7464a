//! Accepting connections.

mod ending;
mod tls;

use std::io;

use poem::{
    http::uri::Scheme,
    listener::Acceptor,
    web::{LocalAddr, RemoteAddr},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub use ending::Ending;
pub(crate) use tls::keys;

/// What comes to a listener, with TLS where that is wanted. Each kind is served as what it is: a connection behind a
/// pointer costs two locks for each read and write.
pub(crate) enum Door {
    /// As it comes.
    Plain(TcpAcceptor),
    /// Encrypted.
    Tls(tls::Agreed),
}

impl Door {
    /// Accepts what comes to a listener.
    pub(crate) fn open(listener: TcpListener, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        match tls {
            None => Ok(Self::Plain(TcpAcceptor::new(listener)?)),
            Some(tls) => Ok(Self::Tls(tls::Agreed::new(listener, tls)?)),
        }
    }
}

/// Accepts TCP connections that send what they are given at once: frames are small and follow each other, and waiting
/// for the first to be acknowledged before the second is sent would cost tens of milliseconds each time.
#[derive(Debug)]
pub struct TcpAcceptor {
    listener: TcpListener,
    local: LocalAddr,
}

impl TcpAcceptor {
    /// Accepts what comes to a listener.
    ///
    /// # Errors
    ///
    /// The listener does not know its own address.
    pub fn new(listener: TcpListener) -> io::Result<Self> {
        let local = LocalAddr(listener.local_addr()?.into());
        Ok(Self { listener, local })
    }
}

impl Acceptor for TcpAcceptor {
    type Io = Ending<TcpStream>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![self.local.clone()]
    }

    async fn accept(&mut self) -> io::Result<(Ending<TcpStream>, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, remote) = self.listener.accept().await?;
        // One that is gone already fails when it is read.
        let _ = stream.set_nodelay(true);
        let stream = Ending::new(stream);
        Ok((stream, self.local.clone(), RemoteAddr(remote.into()), Scheme::HTTP))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_held_back() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut acceptor = TcpAcceptor::new(listener).expect("an acceptor");
        let (client, accepted) = tokio::join!(TcpStream::connect(address), acceptor.accept());
        let (stream, local, remote, _) = accepted.expect("a connection");
        assert!(stream.get_ref().nodelay().expect("an option"));
        assert_eq!(local.as_socket_addr(), Some(&address));
        let client = client.expect("a connection").local_addr().expect("an address");
        assert_eq!(remote.as_socket_addr(), Some(&client));
    }
}
