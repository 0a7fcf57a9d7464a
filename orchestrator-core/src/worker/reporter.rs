//! The one who reports: takes whatever is queued and sends it as one batch.

use std::{collections::VecDeque, sync::Arc};

use orchestrator_protocol::TaskError;
use tokio::sync::mpsc;

use super::{
    backoff::Backoff,
    crew::Crew,
    lease::Lease,
    outbox::{CAPACITY, Message, Reply},
};
use crate::store::{ReportAck, ReportBody, ReportItem, StoreError};

/// An item on its way, and what its answer is for.
type Sent = (ReportItem, Arc<Lease>, Reply);

/// Sends what runs have to say, in the order in which they said it, one batch at a time: while one is under way the
/// next gathers.
pub(crate) struct Reporter {
    crew: Arc<Crew>,
    inbox: mpsc::Receiver<Message>,
    /// Said by the reporter itself, in place of what was refused.
    own: VecDeque<Message>,
}

impl Reporter {
    pub(crate) fn new(crew: Arc<Crew>, inbox: mpsc::Receiver<Message>) -> Self {
        Self {
            crew,
            inbox,
            own: VecDeque::new(),
        }
    }

    /// Reports until nobody can have anything to say any more.
    pub(crate) async fn run(&mut self) {
        let mut messages = Vec::new();
        loop {
            messages.extend(self.own.drain(..));
            if messages.is_empty() && self.inbox.recv_many(&mut messages, CAPACITY).await == 0 {
                return;
            }
            let batch = self.number(messages.drain(..));
            self.send(batch).await;
        }
    }

    fn number(&self, messages: impl Iterator<Item = Message>) -> Vec<Sent> {
        let mut batch = Vec::with_capacity(messages.size_hint().0);
        for message in messages {
            match message {
                Message::Ended(lease) => self.crew.end(&lease),
                Message::Report { lease, body, reply } => {
                    let item = ReportItem {
                        task: lease.task,
                        lease: lease.id,
                        number: lease.next_number(),
                        body,
                    };
                    batch.push((item, lease, reply));
                }
            }
        }
        batch
    }

    /// Sends a batch until it is answered or its leases are lost.
    async fn send(&mut self, mut batch: Vec<Sent>) {
        let mut backoff = Backoff::new(self.crew.host.seed);
        loop {
            self.drop_lost(&mut batch);
            // All leases that are not lost are of the session that is alive.
            let Some((_, lease, _)) = batch.first() else { return };
            let ended = lease.session.ended.clone();
            let items: Vec<ReportItem> = batch.iter().map(|(item, ..)| item.clone()).collect();
            let answer = async {
                let answer = self.crew.host.source.report(items).await;
                if matches!(&answer, Err(error) if error.is_transient()) {
                    self.crew.host.sources.clock.sleep(backoff.next()).await;
                }
                answer
            };
            let answer = tokio::select! {
                biased;
                answer = answer => answer,
                () = ended.cancelled() => continue,
            };
            match answer {
                Ok(acks) => return self.hear(batch, acks),
                Err(error) if error.is_transient() => tracing::debug!(%error, "will report again"),
                Err(StoreError::SessionLost(_)) => self.crew.lose(&lease_session(&batch)),
                Err(error) if batch.len() == 1 => {
                    let message = error.to_string();
                    return self.hear(batch, vec![ReportAck::Refused { message }]);
                }
                Err(_) => return self.send_apart(batch).await,
            }
        }
    }

    /// Sends the items of a batch that was refused as a whole one by one: the others should not suffer.
    async fn send_apart(&mut self, batch: Vec<Sent>) {
        for sent in batch {
            Box::pin(self.send(vec![sent])).await;
        }
    }

    fn drop_lost(&self, batch: &mut Vec<Sent>) {
        if batch.iter().any(|(_, lease, _)| lease.is_lost()) {
            for (_, lease, reply) in batch.extract_if(.., |(_, lease, _)| lease.is_lost()) {
                self.answer(&lease, reply, ReportAck::LeaseLost);
            }
        }
    }

    fn hear(&mut self, batch: Vec<Sent>, acks: Vec<ReportAck>) {
        if batch.len() != acks.len() {
            tracing::error!("{} reports got {} answers", batch.len(), acks.len());
        }
        for ((item, lease, reply), ack) in batch.into_iter().zip(acks) {
            match (&reply, ack) {
                (Reply::Run, ReportAck::Refused { message }) => self.put_otherwise(lease, &item.body, &message),
                (_, ack) => self.answer(&lease, reply, ack),
            }
        }
    }

    fn answer(&self, lease: &Lease, reply: Reply, ack: ReportAck) {
        match &ack {
            ReportAck::LeaseLost => {
                lease.lose();
                self.crew.roster.lose(lease);
            }
            ReportAck::Parked => self.crew.suspend(lease),
            ReportAck::Refused { message } => {
                tracing::warn!(task.id = %lease.task, "task {}: a report was refused: {message}", lease.task);
            }
            _ => {}
        }
        match reply {
            Reply::Nobody => {}
            // Whoever asked may have gone since.
            Reply::Operation(asker) => drop(asker.send(ack)),
            Reply::Run => self.crew.end(lease),
        }
    }

    /// The last word of a run was refused: says something that cannot be.
    fn put_otherwise(&mut self, lease: Arc<Lease>, refused: &ReportBody, message: &str) {
        let body = match refused {
            ReportBody::Complete { wall_s, .. } => ReportBody::Fail {
                error: TaskError::terminal(format!("the output was refused: {message}")),
                wall_s: *wall_s,
            },
            ReportBody::Release { .. } => return self.crew.end(&lease),
            _ => ReportBody::Release {
                reason: format!("its end was refused: {message}"),
            },
        };
        self.own.push_back(Message::Report {
            lease,
            body,
            reply: Reply::Run,
        });
    }
}

fn lease_session(batch: &[Sent]) -> super::lease::Session {
    batch[0].1.session.clone()
}
