//! WebSockets and timers of a browser.

use std::time::Duration;

use async_trait::async_trait;
use futures::{
    StreamExt,
    channel::mpsc::{UnboundedReceiver, unbounded},
};
use gloo_timers::future::TimeoutFuture;
use reqwest::{StatusCode, Url};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

use super::{Closed, ConnectError, Socket, Transport, subprotocol};

/// The longest that a browser's timer waits.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// What the header is called by which a server tells a place.
const PLACE: &str = "x-orchestrator-seq";

/// WebSockets and timers of the page that it runs in.
#[derive(Debug, Default)]
pub struct BrowserTransport {
    _private: (),
}

/// The address of the server that the page came from, as far as the folder that the page is in:
/// `http://127.0.0.1:8080`. None outside of a page.
pub fn page() -> Option<String> {
    let location = web_sys::window()?.location();
    let (origin, path) = (location.origin().ok()?, location.pathname().ok()?);
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{origin}{folder}"))
}

#[async_trait(?Send)]
impl Transport for BrowserTransport {
    async fn connect(&self, url: &Url, token: Option<&str>) -> Result<Box<dyn Socket>, ConnectError> {
        let mut socket = BrowserSocket::open(url, token)?;
        if let Err(closed) = socket.opened().await {
            // A page is not told why: ask again in the way that tells.
            return Err(why(url, token, &closed).await);
        }
        if socket.inner.protocol() == subprotocol::PLACED {
            socket.place = match socket.frame().await {
                Ok(frame) => subprotocol::place(&frame),
                Err(closed) => return Err(ConnectError::Unreachable(closed.to_string())),
            };
        }
        Ok(Box::new(socket))
    }

    async fn sleep(&self, wait: Duration) {
        TimeoutFuture::new(wait.min(LONGEST).as_millis() as u32).await;
    }
}

/// What a server that let no WebSocket through says of the same address to an ordinary request.
async fn why(url: &Url, token: Option<&str>, closed: &Closed) -> ConnectError {
    let unreachable = |reason: String| ConnectError::Unreachable(reason);
    let mut url = url.clone();
    let scheme = if url.scheme() == "wss" { "https" } else { "http" };
    let _ = url.set_scheme(scheme);
    let mut request = reqwest::Client::new().get(url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = match request.send().await {
        Ok(response) => response,
        // Pages are told no more than that it failed.
        Err(_) => return unreachable("the server does not answer".to_owned()),
    };
    let status = response.status();
    // 426 is what a healthy server says to a request that does not ask for a WebSocket; and it may have come up since.
    if status.is_success() || status.is_server_error() || status == StatusCode::UPGRADE_REQUIRED {
        return unreachable(closed.to_string());
    }
    let body = response.bytes().await.unwrap_or_default();
    ConnectError::Refused {
        status: status.as_u16(),
        message: super::said(&body),
    }
}

/// What a socket's callbacks say.
enum Heard {
    Opened,
    Text(String),
    /// What this client does not know.
    Other,
    Closed(Closed),
}

struct BrowserSocket {
    inner: WebSocket,
    heard: UnboundedReceiver<Heard>,
    closed: Option<Closed>,
    place: Option<i64>,
    /// They live as long as the socket does.
    _callbacks: Callbacks,
}

struct Callbacks {
    _open: Closure<dyn FnMut(Event)>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl BrowserSocket {
    fn open(url: &Url, token: Option<&str>) -> Result<Self, ConnectError> {
        let offered: js_sys::Array = subprotocol::offered(token).iter().map(JsValue::from).collect();
        let inner = WebSocket::new_with_str_sequence(url.as_str(), &offered)
            .map_err(|error| ConnectError::Unreachable(text_of(&error)))?;
        let (said, heard) = unbounded();
        let opened = said.clone();
        let open = Closure::<dyn FnMut(Event)>::new(move |_| {
            let _ = opened.unbounded_send(Heard::Opened);
        });
        let texts = said.clone();
        let message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let heard = event.data().as_string().map_or(Heard::Other, Heard::Text);
            let _ = texts.unbounded_send(heard);
        });
        // An error is always followed by a close, which says as much.
        let close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            let _ = said.unbounded_send(Heard::Closed(Closed {
                code: Some(event.code()),
                reason: match event.reason() {
                    reason if reason.is_empty() => "without a reason".to_owned(),
                    reason => reason,
                },
            }));
        });
        inner.set_onopen(Some(open.as_ref().unchecked_ref()));
        inner.set_onmessage(Some(message.as_ref().unchecked_ref()));
        inner.set_onclose(Some(close.as_ref().unchecked_ref()));
        Ok(Self {
            inner,
            heard,
            closed: None,
            place: None,
            _callbacks: Callbacks {
                _open: open,
                _message: message,
                _close: close,
            },
        })
    }

    async fn hear(&mut self) -> Heard {
        if let Some(closed) = &self.closed {
            return Heard::Closed(closed.clone());
        }
        let heard = self.heard.next().await.unwrap_or_else(|| {
            Heard::Closed(Closed {
                code: None,
                reason: "it ended".to_owned(),
            })
        });
        if let Heard::Closed(closed) = &heard {
            self.closed = Some(closed.clone());
        }
        heard
    }

    async fn opened(&mut self) -> Result<(), Closed> {
        loop {
            match self.hear().await {
                Heard::Opened => return Ok(()),
                Heard::Closed(closed) => return Err(closed),
                Heard::Text(_) | Heard::Other => {}
            }
        }
    }

    /// The next text, whatever it says.
    async fn frame(&mut self) -> Result<String, Closed> {
        loop {
            match self.hear().await {
                Heard::Text(text) => return Ok(text),
                Heard::Closed(closed) => return Err(closed),
                Heard::Opened | Heard::Other => {}
            }
        }
    }
}

#[async_trait(?Send)]
impl Socket for BrowserSocket {
    async fn send(&mut self, texts: Vec<String>) -> Result<(), Closed> {
        for text in texts {
            self.inner.send_with_str(&text).map_err(|error| Closed {
                code: None,
                reason: text_of(&error),
            })?;
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<String>, Closed> {
        let text = self.frame().await?;
        Ok(if subprotocol::place(&text).is_some() {
            None
        } else {
            Some(text)
        })
    }

    fn header(&self, name: &str) -> Option<String> {
        self.place.filter(|_| name == PLACE).map(|place| place.to_string())
    }

    async fn close(&mut self) {
        let _ = self.inner.close();
    }
}

/// The browser keeps a socket open, and calls, until it is told not to.
impl Drop for BrowserSocket {
    fn drop(&mut self) {
        self.inner.set_onopen(None);
        self.inner.set_onmessage(None);
        self.inner.set_onclose(None);
        let _ = self.inner.close();
    }
}

/// What an exception says.
fn text_of(error: &JsValue) -> String {
    let message = error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()));
    message.unwrap_or_else(|| "the browser does not open it".to_owned())
}
