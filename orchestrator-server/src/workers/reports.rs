//! What a worker reports, in the order in which it came: what arrives while one batch is written is the next one.

use orchestrator_core::{service::LocalSource, store::StoreError, worker::source::TaskSource};
use orchestrator_protocol::{
    ReportItem,
    frame::{Ack, Report, ServerFrame},
};
use tokio::sync::mpsc;

use super::convert;

/// How many reports of one worker may wait. A worker normally waits for its answer; one that does not is slowed down to
/// what the store takes.
pub(super) const WAITING: usize = 32;

/// Takes reports until there can be no more, and answers each.
pub(super) async fn take(source: &LocalSource, mut reports: mpsc::Receiver<Report>, out: mpsc::Sender<ServerFrame>) {
    let mut batch = Vec::new();
    while reports.recv_many(&mut batch, WAITING).await > 0 {
        for answer in write(source, std::mem::take(&mut batch)).await {
            if out.send(answer).await.is_err() {
                // Nobody is there to hear it. What was reported has been written; what was not is sent again.
                return;
            }
        }
    }
}

/// Writes reports together; if they are refused together, one by one, so that none suffers for another.
async fn write(source: &LocalSource, mut batch: Vec<Report>) -> Vec<ServerFrame> {
    let lengths: Vec<(u64, usize)> = batch.iter().map(|report| (report.id, report.items.len())).collect();
    if lengths.len() > 1 {
        let items: Vec<ReportItem> = batch.iter().flat_map(|report| report.items.iter().cloned()).collect();
        match source.report(items).await {
            Ok(acks) => {
                let mut acks = acks.into_iter();
                let ack = |(id, length)| {
                    let acks = acks.by_ref().take(length).collect();
                    ServerFrame::Ack(Ack { id, acks })
                };
                return lengths.into_iter().map(ack).collect();
            }
            Err(error) if error.is_transient() => {
                let fail = |(id, _)| ServerFrame::Error(convert::failure(id, &error));
                return lengths.into_iter().map(fail).collect();
            }
            Err(_) => {}
        }
    }
    let mut answers = Vec::with_capacity(batch.len());
    for report in batch.drain(..) {
        answers.push(answer(report.id, source.report(report.items).await));
    }
    answers
}

fn answer(id: u64, acks: Result<Vec<orchestrator_protocol::ReportAck>, StoreError>) -> ServerFrame {
    match acks {
        Ok(acks) => ServerFrame::Ack(Ack { id, acks }),
        Err(error) => ServerFrame::Error(convert::failure(id, &error)),
    }
}
