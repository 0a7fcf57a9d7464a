//! A viewer's WebSocket.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use poem::web::websocket::{CloseCode, Message, WebSocketStream};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{Viewer, Viewers};
use crate::counted::Counted;

/// How often a viewer is pinged.
const PING: Duration = Duration::from_secs(20);

/// How long a viewer may give no sign of life.
const SILENCE: Duration = Duration::from_mins(1);

/// How long a viewer's connection may take nothing. It comes back with the last seq that it saw.
const SLOW: Duration = Duration::from_secs(20);

/// How long to wait before a store that failed is read again.
const PAUSE: Duration = Duration::from_millis(500);

impl Viewers {
    /// Sends a viewer its events until it goes. A placed one is told its place first, and again with every ping.
    pub async fn serve(&self, mut viewer: Viewer, socket: WebSocketStream, placed: bool) {
        let _counted = Counted::viewer();
        let (mut sink, mut stream) = socket.split();
        let mut pings = interval(PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard_at = Instant::now();
        let closing = loop {
            let (lines, ping) = tokio::select! {
                biased;
                () = self.closing.cancelled() => break Some((CloseCode::Restart, "the server stops; connect again")),
                message = stream.next() => match message {
                    None | Some(Err(_)) => break None,
                    Some(Ok(Message::Close(_))) => break Some((CloseCode::Normal, "")),
                    // Viewers have nothing to say but that they live.
                    Some(Ok(_)) => {
                        heard_at = Instant::now();
                        continue;
                    }
                },
                _ = pings.tick() => {
                    if heard_at.elapsed() > SILENCE {
                        break Some((CloseCode::Policy, "silent for too long"));
                    }
                    (Vec::new(), true)
                }
                lines = viewer.next() => match lines {
                    Ok(Some(lines)) => (lines, false),
                    Ok(None) => break Some((CloseCode::Restart, "the server stops; connect again")),
                    Err(error) => {
                        tracing::debug!(%error, "a viewer waits for the store");
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                },
            };
            let write = async {
                for line in &lines {
                    sink.feed(Message::Text(line.json.clone())).await?;
                }
                if ping && placed {
                    sink.feed(Message::Text(format!("{{\"place\":{}}}", viewer.place())))
                        .await?;
                }
                if ping {
                    sink.feed(Message::Ping(Vec::new())).await?;
                }
                sink.flush().await
            };
            if !matches!(timeout(SLOW, write).await, Ok(Ok(()))) {
                break None;
            }
        };
        if let Some((code, reason)) = closing {
            let close = Message::Close(Some((code, reason.to_owned())));
            let _ = timeout(SLOW, async {
                sink.send(close).await?;
                sink.close().await
            })
            .await;
        }
    }
}
