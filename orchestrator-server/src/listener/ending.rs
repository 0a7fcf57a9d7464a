//! Connections whose end counts.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that fails once its other end has closed.
///
/// The framework goes on with a request whose client has closed the connection until it is answered: a request that waits
/// five minutes for a result would hold its connection and its place as long, however often it is made and given up. It
/// only gives up what fails. So whoever closes one half of a connection has no answer, as with most servers.
#[derive(Debug)]
pub struct Ending<S>(S);

impl<S> Ending<S> {
    /// The connection over another.
    pub(super) fn new(stream: S) -> Self {
        Self(stream)
    }

    /// The connection below it.
    pub fn get_ref(&self) -> &S {
        &self.0
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Ending<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let has_room = buffer.remaining() > 0;
        ready!(Pin::new(&mut self.0).poll_read(cx, buffer))?;
        if has_room && buffer.filled().len() == before {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Ending<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn the_end_is_an_error_after_everything_before_it() {
        let (here, mut there) = duplex(64);
        let mut here = Ending::new(here);
        there.write_all(b"said").await.expect("room");
        here.write_all(b"heard").await.expect("room");
        drop(there);
        let mut said = [0; 4];
        here.read_exact(&mut said).await.expect("what was said");
        assert_eq!(&said, b"said");
        let end = here.read(&mut said).await.expect_err("it has ended");
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(here.read(&mut []).await.expect("nothing was asked for"), 0);
    }
}
