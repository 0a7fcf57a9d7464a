//! A worker's WebSocket: frames in, frames out, and who is silent or too slow is shown out.

use std::time::Duration;

use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use orchestrator_protocol::{
    Code,
    frame::{Failure, ServerFrame},
};
use poem::web::websocket::{CloseCode, Message, WebSocketStream};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Workers,
    conversation::{Conversation, Goodbye},
    seat::Seat,
};
use crate::counted::Counted;

/// How long a worker may take to introduce itself.
const INTRODUCTION: Duration = Duration::from_secs(10);

/// How long a worker's connection may take nothing before it is closed. What it was to be told it hears when it is back.
const SLOW: Duration = Duration::from_secs(10);

/// How many frames are written before they are sent on their way.
const BATCH: usize = 64;

/// The close code for a connection whose session goes on over another one.
const REPLACED: u16 = 4000;

impl Workers {
    /// Holds a conversation with a worker until one of the two ends it.
    pub async fn serve(&self, socket: WebSocketStream) {
        let _counted = Counted::worker();
        let (sink, stream) = socket.split();
        let (out, frames) = Seat::channel();
        let ended = CancellationToken::new();
        let read = async {
            let code = self.read(stream, out).await;
            ended.cancel();
            code
        };
        let write = write(sink, frames, &ended, self.config.lease / 3);
        let mut read = std::pin::pin!(read);
        let mut write = std::pin::pin!(write);
        let (sink, reason) = tokio::select! {
            reason = &mut read => (write.await, reason),
            // The writer ends first when the connection is slow or broken; the reader is dropped where it is.
            sink = &mut write => (sink, None),
        };
        if let (Some(mut sink), Some((code, reason))) = (sink, reason) {
            let close = Message::Close(Some((code, reason.to_owned())));
            let _ = timeout(SLOW, async {
                sink.send(close).await?;
                sink.close().await
            })
            .await;
        }
    }

    /// Reads until the connection ends. Gives what to say in closing; nothing when nobody is there to hear it.
    async fn read(
        &self,
        mut stream: SplitStream<WebSocketStream>,
        out: mpsc::Sender<ServerFrame>,
    ) -> Option<(CloseCode, &'static str)> {
        let mut conversation = Conversation::new(self, out.clone());
        loop {
            let patience = if conversation.is_open() {
                self.config.lease
            } else {
                INTRODUCTION
            };
            let replaced = conversation.replaced();
            let replaced = async {
                match &replaced {
                    Some(token) => token.cancelled().await,
                    None => std::future::pending().await,
                }
            };
            let message = tokio::select! {
                biased;
                () = self.closing.cancelled() => {
                    let _ = timeout(SLOW, conversation.finish()).await;
                    return Some((CloseCode::Restart, "the server stops; connect again"));
                }
                () = replaced => return Some((REPLACED.into(), "the session was resumed on another connection")),
                message = timeout(patience, stream.next()) => message,
            };
            let message = match message {
                Err(_) => return Some((CloseCode::Policy, "silent for too long")),
                Ok(None) => return None,
                Ok(Some(Err(error))) => {
                    tracing::debug!(%error, "a worker's connection broke");
                    return Some((CloseCode::Size, "the frame is too long, or not one"));
                }
                Ok(Some(Ok(message))) => message,
            };
            conversation.heard();
            let taken = match message {
                Message::Text(text) => conversation.take(&text).await,
                Message::Binary(_) => {
                    let message = "frames are text".to_owned();
                    let (id, code) = (None, Code::InvalidInput);
                    let error = ServerFrame::Error(Failure { id, code, message });
                    out.send(error).await.map_err(|_| Goodbye::Gone)
                }
                Message::Close(_) => return Some((CloseCode::Normal, "")),
                Message::Ping(_) | Message::Pong(_) => Ok(()),
            };
            match taken {
                Ok(()) => {}
                Err(Goodbye::Refused) => return Some((CloseCode::Policy, "refused")),
                Err(Goodbye::Gone) => return None,
            }
        }
    }
}

type Sink = SplitSink<WebSocketStream, Message>;

/// Writes what there is, as many frames together as there are, and pings, until nothing more can come. Gives the
/// connection back if it still works.
async fn write(
    mut sink: Sink,
    mut frames: mpsc::Receiver<ServerFrame>,
    ended: &CancellationToken,
    every: Duration,
) -> Option<Sink> {
    let mut pings = tokio::time::interval(every);
    pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut batch = Vec::new();
    loop {
        let ping = tokio::select! {
            biased;
            count = frames.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return Some(sink);
                }
                false
            }
            () = ended.cancelled() => {
                // Answers that are ready go out; nobody waits for those that are not.
                frames.close();
                while let Ok(frame) = frames.try_recv() {
                    batch.push(frame);
                }
                return send(&mut sink, &mut batch, false).await.then_some(sink);
            }
            _ = pings.tick() => true,
        };
        if !send(&mut sink, &mut batch, ping).await {
            return None;
        }
    }
}

/// Sends frames. False when the connection is broken or takes nothing.
async fn send(sink: &mut Sink, batch: &mut Vec<ServerFrame>, ping: bool) -> bool {
    let write = async {
        for frame in batch.drain(..) {
            match frame.to_json() {
                Ok(json) => sink.feed(Message::Text(json)).await?,
                Err(error) => tracing::error!(%error, "a frame was lost"),
            }
        }
        if ping {
            sink.feed(Message::Ping(Vec::new())).await?;
        }
        sink.flush().await
    };
    matches!(timeout(SLOW, write).await, Ok(Ok(())))
}
