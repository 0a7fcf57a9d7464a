//! Requests that share a transaction.

use futures::future::BoxFuture;
use orchestrator_protocol::Timestamp;
use tokio::sync::oneshot;

use super::{
    disk::Disk,
    orders::{Orders, Standing},
    tx::WriterTx,
};
use crate::store::{
    Claim, Committed, LeasedTask, Renewal, Renewed, ReportAck, ReportItem, Submit, SubmittedTask, error::StoreError,
    ledger,
};

/// Where an answer goes. Nobody may wait for it any more.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// One request to the writer.
pub(super) enum Op<D: Disk> {
    /// See [`crate::store::Store::report`].
    Report(Vec<ReportItem>, Timestamp, Reply<Committed<Vec<ReportAck>>>),
    /// See [`crate::store::Store::submit`].
    Submit(Submit, Reply<Committed<Vec<SubmittedTask>>>),
    /// See [`crate::store::Store::renew`].
    Renew(Renewal, Reply<Renewed>),
    /// Everything that is rare.
    Errand(Box<dyn Errand<D>>),
    /// See [`crate::store::Store::claim`].
    Claim(Question),
}

impl<D: Disk> Op<D> {
    /// How much there is to do, in tasks and items.
    fn weight(&self) -> usize {
        match self {
            Self::Report(items, ..) => items.len(),
            Self::Submit(submit, _) => submit.tasks.len(),
            Self::Renew(..) | Self::Errand(_) => 1,
            Self::Claim(question) => question.claim.credit,
        }
    }
}

/// A claim, and where its answers go.
pub(super) struct Question {
    pub(super) claim: Claim,
    /// What can be granted at once; none: that has been answered.
    pub(super) reply: Option<Reply<Committed<Vec<LeasedTask>>>>,
    /// What the rest is filled with, if it is to stand.
    pub(super) order: Option<Reply<Committed<Vec<LeasedTask>>>>,
}

/// A rare request. It may be run again when a transaction that it shared with others failed.
pub(super) trait Errand<D: Disk>: Send + Sync {
    /// Does it and keeps the answer.
    fn run<'t>(&'t self, tx: &'t mut WriterTx<'_, D>) -> BoxFuture<'t, Result<Answer, StoreError>>;

    /// Gives the answer, or says why there is none.
    fn answer(self: Box<Self>, answer: Result<Answer, StoreError>);
}

/// The answer of an errand, whose type only the errand knows.
pub(super) type Answer = Box<dyn std::any::Any + Send>;

/// An errand made of a function.
pub(super) struct Task<F, T> {
    pub(super) run: F,
    pub(super) reply: Reply<T>,
}

impl<D, F, T> Errand<D> for Task<F, T>
where
    D: Disk,
    F: for<'t> Fn(&'t mut WriterTx<'_, D>) -> BoxFuture<'t, Result<Result<T, StoreError>, StoreError>> + Send + Sync,
    T: Send + 'static,
{
    fn run<'t>(&'t self, tx: &'t mut WriterTx<'_, D>) -> BoxFuture<'t, Result<Answer, StoreError>> {
        let work = (self.run)(tx);
        Box::pin(async move { Ok(Box::new(work.await?) as Answer) })
    }

    fn answer(self: Box<Self>, answer: Result<Answer, StoreError>) {
        let answer = answer.and_then(|any| {
            any.downcast::<Result<T, StoreError>>().map_or_else(
                |_| Err(StoreError::Unavailable("an answer was mixed up".to_owned())),
                |value| *value,
            )
        });
        self.reply.send(answer).ok();
    }
}

/// Items, when they were said, and who waits for the answer.
type Report = (Vec<ReportItem>, Timestamp, Reply<Committed<Vec<ReportAck>>>);

/// Requests that share a transaction, in the order in which they are done: what ends first, so that what begins sees
/// the room it leaves.
pub(super) struct Batch<D: Disk> {
    reports: Vec<Report>,
    submits: Vec<(Submit, Reply<Committed<Vec<SubmittedTask>>>)>,
    renewals: Vec<(Renewal, Reply<Renewed>)>,
    errands: Vec<Box<dyn Errand<D>>>,
    claims: Vec<Question>,
    weight: usize,
}

/// What came of a batch.
pub(super) struct Outcome {
    reported: Committed<Vec<ReportAck>>,
    submitted: Vec<Result<Committed<Vec<SubmittedTask>>, StoreError>>,
    renewed: Vec<Renewed>,
    answers: Vec<Answer>,
    claimed: Vec<Result<Committed<Vec<LeasedTask>>, StoreError>>,
}

impl<D: Disk> Default for Batch<D> {
    fn default() -> Self {
        Self {
            reports: Vec::new(),
            submits: Vec::new(),
            renewals: Vec::new(),
            errands: Vec::new(),
            claims: Vec::new(),
            weight: 0,
        }
    }
}

impl<D: Disk> Batch<D> {
    /// Adds a request.
    pub(super) fn push(&mut self, op: Op<D>) {
        self.weight += op.weight();
        match op {
            Op::Report(items, now, reply) => self.reports.push((items, now, reply)),
            Op::Submit(submit, reply) => self.submits.push((submit, reply)),
            Op::Renew(renewal, reply) => self.renewals.push((renewal, reply)),
            Op::Errand(errand) => self.errands.push(errand),
            Op::Claim(question) => self.claims.push(question),
        }
    }

    /// Whether a request can be part of it without making it heavier than `most`. A claim always can: its credit says what
    /// it wishes, and not what there is.
    pub(super) fn has_room_for(&self, op: &Op<D>, most: usize) -> bool {
        self.is_empty() || matches!(op, Op::Claim(_)) || self.weight + op.weight() <= most
    }

    /// Considers orders, too.
    pub(super) fn consider(&mut self, orders: Vec<Standing>) {
        self.claims.extend(orders.into_iter().map(Question::from));
    }

    /// How much there is to do, in tasks and items.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// How many requests there are.
    pub(super) fn len(&self) -> usize {
        self.reports.len() + self.submits.len() + self.renewals.len() + self.errands.len() + self.claims.len()
    }

    /// Whether there is no request.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether losing it with the power would cost nothing but time: leases and heartbeats.
    pub(super) fn may_be_lost_with_the_power(&self) -> bool {
        self.reports.is_empty() && self.submits.is_empty() && self.errands.is_empty()
    }

    /// Does everything in one transaction. Orders that it may fill become part of it.
    pub(super) async fn run(&mut self, tx: &mut WriterTx<'_, D>, orders: &mut Orders) -> Result<Outcome, StoreError> {
        let mut outcome = Outcome {
            reported: Committed::default(),
            submitted: Vec::new(),
            renewed: Vec::new(),
            answers: Vec::new(),
            claimed: Vec::new(),
        };
        if let Some(now) = self.reports.iter().map(|(_, now, _)| *now).max() {
            let items = self.reports.iter().flat_map(|(items, ..)| items).cloned().collect();
            outcome.reported = ledger::report(tx, items, now).await?;
        }
        if !self.submits.is_empty() {
            let submits = self.submits.iter().map(|(submit, _)| submit.clone()).collect();
            outcome.submitted = ledger::submit(tx, submits).await?;
        }
        if !self.renewals.is_empty() {
            let renewals = self.renewals.iter().map(|(renewal, _)| *renewal).collect();
            outcome.renewed = ledger::renew(tx, renewals).await?;
        }
        for errand in &self.errands {
            outcome.answers.push(errand.run(tx).await?);
        }
        if !orders.is_empty()
            && let Some(now) = tx.readied_at()
        {
            self.consider(orders.take(now, tx.mirror));
        }
        if !self.claims.is_empty() {
            let claims = self.claims.iter().map(|question| question.claim).collect();
            outcome.claimed = ledger::claim(tx, claims).await?;
        }
        if tx.readied_at().is_none() {
            // All that became ready has gone already: nobody need be woken.
            outcome.reported.ready = false;
            for submitted in outcome.submitted.iter_mut().flatten() {
                submitted.ready = false;
            }
        }
        Ok(outcome)
    }

    /// Answers everyone. Gives the orders that stand from now on.
    pub(super) fn answer(self, outcome: Outcome) -> Vec<Standing> {
        answer_reports(self.reports, outcome.reported);
        for ((_, reply), answer) in self.submits.into_iter().zip(outcome.submitted) {
            reply.send(answer).ok();
        }
        for ((_, reply), answer) in self.renewals.into_iter().zip(outcome.renewed) {
            reply.send(Ok(answer)).ok();
        }
        for (errand, answer) in self.errands.into_iter().zip(outcome.answers) {
            errand.answer(Ok(answer));
        }
        let claims = self.claims.into_iter().zip(outcome.claimed);
        claims
            .filter_map(|(question, answer)| question.answer(answer))
            .collect()
    }

    /// Says to everyone why nothing was done.
    pub(super) fn refuse(self, error: &StoreError) {
        for (.., reply) in self.reports {
            reply.send(Err(error.clone())).ok();
        }
        for (_, reply) in self.submits {
            reply.send(Err(error.clone())).ok();
        }
        for (_, reply) in self.renewals {
            reply.send(Err(error.clone())).ok();
        }
        for errand in self.errands {
            errand.answer(Err(error.clone()));
        }
        for question in self.claims {
            // An order that is dropped stands no more.
            if let Some(reply) = question.reply.or(question.order) {
                reply.send(Err(error.clone())).ok();
            }
        }
    }

    /// Each request as a batch of its own.
    pub(super) fn singly(self) -> Vec<Self> {
        let reports = self
            .reports
            .into_iter()
            .map(|(items, now, reply)| Op::Report(items, now, reply));
        let submits = self
            .submits
            .into_iter()
            .map(|(submit, reply)| Op::Submit(submit, reply));
        let renewals = self
            .renewals
            .into_iter()
            .map(|(renewal, reply)| Op::Renew(renewal, reply));
        let errands = self.errands.into_iter().map(Op::Errand);
        let claims = self.claims.into_iter().map(Op::Claim);
        let ops = reports.chain(submits).chain(renewals).chain(errands).chain(claims);
        ops.map(|op| {
            let mut batch = Self::default();
            batch.push(op);
            batch
        })
        .collect()
    }
}

impl From<Standing> for Question {
    fn from(Standing { claim, reply }: Standing) -> Self {
        Self {
            claim,
            reply: None,
            order: Some(reply),
        }
    }
}

impl Question {
    /// Answers. Gives what stands from now on.
    fn answer(self, answer: Result<Committed<Vec<LeasedTask>>, StoreError>) -> Option<Standing> {
        let Self {
            mut claim,
            reply,
            order,
        } = self;
        let Some(reply) = reply else {
            // What was left for another is to be told too.
            let vain =
                |committed: &Committed<Vec<LeasedTask>>| committed.value.is_empty() && committed.meant.is_empty();
            let reply = order?;
            if answer.as_ref().is_ok_and(vain) {
                return Some(Standing { claim, reply });
            }
            reply.send(answer).ok();
            return None;
        };
        let granted = answer.as_ref().map_or(claim.credit, |committed| committed.value.len());
        claim.credit = claim.credit.saturating_sub(granted);
        // Whoever did not hear the answer has no use for more.
        reply.send(answer).ok()?;
        let reply = order.filter(|_| claim.credit > 0)?;
        Some(Standing { claim, reply })
    }
}

/// Gives each caller its acknowledgements. What the world should be told goes with the first who still listens.
fn answer_reports(reports: Vec<Report>, reported: Committed<Vec<ReportAck>>) {
    let mut acks = reported.value.into_iter();
    let mut news = Some((reported.events, reported.ready, reported.cancelled));
    for (items, _, reply) in reports {
        let (events, ready, cancelled) = news.take().unwrap_or_default();
        let answer = Committed {
            value: acks.by_ref().take(items.len()).collect(),
            events,
            ready,
            cancelled,
            ..Committed::default()
        };
        if let Err(Ok(unheard)) = reply.send(Ok(answer)) {
            news = Some((unheard.events, unheard.ready, unheard.cancelled));
        }
    }
}
