//! The protocol by which a browser is driven (Chrome DevTools): commands, their answers, and what happens meanwhile.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Pictures come as one frame.
const LARGEST: usize = 256 << 20;

/// A connection to a browser.
pub(crate) struct DevTools {
    socket: WebSocketStream<TcpStream>,
    commands: u64,
    answers: HashMap<u64, Value>,
    events: Vec<Value>,
}

impl DevTools {
    /// Connects to where a browser said that it listens: a port and a path.
    pub(crate) async fn connect(port: u16, path: &str) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST))
            .max_frame_size(Some(LARGEST));
        let url = format!("ws://127.0.0.1:{port}{path}");
        let (socket, _) = client_async_with_config(url, stream, Some(config)).await?;
        Ok(Self {
            socket,
            commands: 0,
            answers: HashMap::new(),
            events: Vec::new(),
        })
    }

    /// Gives a command, to a page of the browser if one is named, and returns what came of it.
    pub(crate) async fn command(&mut self, page: Option<&str>, method: &str, parameters: Value) -> Result<Value> {
        self.commands += 1;
        let id = self.commands;
        let mut command = json!({"id": id, "method": method, "params": parameters});
        if let Some(page) = page {
            command["sessionId"] = json!(page);
        }
        self.socket.send(Message::text(command.to_string())).await?;
        let until = Instant::now() + PATIENCE;
        while !self.answers.contains_key(&id) {
            let left = until.saturating_duration_since(Instant::now());
            timeout(left, self.hear())
                .await
                .map_err(|_| anyhow!("the browser does not answer {method}"))??;
        }
        let mut answer = self.answers.remove(&id).context("an answer")?;
        if let Some(error) = answer.get("error") {
            bail!("{method}: {error}");
        }
        Ok(answer["result"].take())
    }

    async fn hear(&mut self) -> Result<()> {
        let message = self.socket.next().await.context("the browser is gone")??;
        if let Message::Text(text) = message {
            let said: Value = serde_json::from_str(&text)?;
            match said["id"].as_u64() {
                Some(id) => {
                    self.answers.insert(id, said);
                }
                None => self.events.push(said),
            }
        }
        Ok(())
    }

    /// What has happened since this was last asked.
    pub(crate) fn events(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.events)
    }
}
