//! A worker that says what a test wants.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use orchestrator_core::protocol::{
    WorkerId,
    frame::{Hello, PROTOCOL_VERSION, ServerFrame, Welcome, WorkerFrame},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, protocol::CloseFrame},
};
use uuid::Uuid;

use super::replica::PATIENCE;

/// A WebSocket to a server.
pub struct Raw {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// Who a test's worker is.
pub fn hello(number: u128, task_types: &[&str]) -> Hello {
    Hello {
        protocol: PROTOCOL_VERSION,
        worker_id: WorkerId::from_uuid(Uuid::from_u128(number)),
        name: format!("raw {number}"),
        labels: ["local".to_owned()].into(),
        task_types: task_types.iter().map(|&name| name.to_owned()).collect(),
        slots: 10,
        resume: None,
        input_schemas: None,
        inline_history: true,
    }
}

impl Raw {
    pub async fn connect(address: &str) -> Self {
        let (socket, _) = connect_async(address).await.expect("a WebSocket");
        Self { socket }
    }

    /// Connected to the workers' endpoint of a server.
    pub async fn worker(url: &str) -> Self {
        Self::connect(&format!("{}/api/v1/worker", url.replace("http:", "ws:"))).await
    }

    /// Connected and welcomed.
    pub async fn welcomed(url: &str, hello: Hello) -> (Self, Welcome) {
        let mut raw = Self::worker(url).await;
        raw.say(&WorkerFrame::Hello(hello)).await;
        match raw.hear().await {
            ServerFrame::Welcome(welcome) => (raw, welcome),
            other => panic!("welcomed by {other:?}"),
        }
    }

    pub async fn say(&mut self, frame: &WorkerFrame) {
        self.send(&frame.to_json().expect("a frame")).await;
    }

    pub async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("an open socket");
    }

    /// The next text; the reason when the socket is closed.
    pub async fn text(&mut self) -> Result<String, Option<CloseFrame>> {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("a message");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                Some(Ok(Message::Close(frame))) => return Err(frame),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    pub async fn hear(&mut self) -> ServerFrame {
        let text = self.text().await.expect("a frame");
        ServerFrame::parse(&text).expect("a frame")
    }

    /// Whether nothing comes for a while.
    pub async fn is_quiet(&mut self) -> bool {
        timeout(Duration::from_millis(300), self.text()).await.is_err()
    }

    /// The code with which it is closed.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Err(frame) = self.text().await {
                return frame.map(|frame| frame.code.into());
            }
        }
    }
}
