//! WebSockets over TCP and TLS, and timers.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{SinkExt, StreamExt};
use reqwest::Url;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        http::{HeaderMap, HeaderValue, header},
        protocol::WebSocketConfig,
    },
};

use super::{Closed, ConnectError, Socket, Transport, said};

/// The most that a server may send at once. A worker trusts its server; this only bounds a mistake.
const LARGEST: usize = 1 << 30;

/// WebSockets over TCP, and over TLS with the certificates that the machine trusts (`SSL_CERT_FILE` adds others).
#[derive(Debug, Default)]
pub struct NativeTransport {
    _private: (),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

struct NativeSocket {
    stream: WebSocketStream<Box<dyn Stream>>,
    headers: HeaderMap,
}

#[async_trait]
impl Transport for NativeTransport {
    async fn connect(&self, url: &Url, token: Option<&str>) -> Result<Box<dyn Socket>, ConnectError> {
        let unreachable = |error: &dyn std::fmt::Display| ConnectError::Unreachable(format!("{}: {error}", host(url)));
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|error| unreachable(&error))?;
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| ConnectError::Unreachable("the token has characters that no token has".to_owned()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().unwrap_or(80);
        let tcp = TcpStream::connect((&*name, port))
            .await
            .map_err(|error| unreachable(&error))?;
        // Frames are small and wait for their answers.
        tcp.set_nodelay(true).map_err(|error| unreachable(&error))?;
        let stream: Box<dyn Stream> = if url.scheme() == "wss" {
            let tls = tls().map_err(|error| unreachable(&error))?;
            let name = name.try_into().map_err(|error| unreachable(&error))?;
            Box::new(tls.connect(name, tcp).await.map_err(|error| unreachable(&error))?)
        } else {
            Box::new(tcp)
        };
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST))
            .max_frame_size(Some(LARGEST));
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((stream, response)) => Ok(Box::new(NativeSocket {
                stream,
                headers: response.headers().clone(),
            })),
            Err(tungstenite::Error::Http(response)) => Err(ConnectError::Refused {
                status: response.status().as_u16(),
                message: said(response.body().as_deref().unwrap_or_default()),
            }),
            Err(error) => Err(unreachable(&error)),
        }
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

fn host(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", url.host_str().unwrap_or_default())
}

fn tls() -> Result<TlsConnector, rustls::Error> {
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[async_trait]
impl Socket for NativeSocket {
    async fn send(&mut self, texts: Vec<String>) -> Result<(), Closed> {
        for text in texts {
            self.stream
                .feed(Message::text(text))
                .await
                .map_err(|error| broken(&error))?;
        }
        self.stream.flush().await.map_err(|error| broken(&error))
    }

    async fn next(&mut self) -> Result<Option<String>, Closed> {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) => Ok(Some(text.as_str().to_owned())),
            Some(Ok(Message::Close(frame))) => Err(Closed {
                code: frame.as_ref().map(|frame| frame.code.into()),
                reason: frame.map_or_else(|| "without a reason".to_owned(), |frame| frame.reason.to_string()),
            }),
            Some(Ok(_)) => Ok(None),
            Some(Err(error)) => Err(broken(&error)),
            None => Err(Closed {
                code: None,
                reason: "it ended".to_owned(),
            }),
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?;
        value.to_str().ok().map(str::to_owned)
    }

    async fn close(&mut self) {
        let _ = self.stream.close(None).await;
    }
}

fn broken(error: &tungstenite::Error) -> Closed {
    Closed {
        code: None,
        reason: error.to_string(),
    }
}
