//! The model as a reader of files, and when it is not asked any more.
//!
//! Whether it is there is asked once, at the beginning. One that goes away later, or wants to be left alone for hours,
//! would hold the review up once a file: it is given up for a while instead, and the report says so.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use orchestrator_core::{
    TaskContext, TaskError,
    clock::{Clock, SystemClock},
    protocol::{ErrorClass, Timestamp},
};

use crate::llm::{self, Client, LlmInput, LlmOutput};

/// So many failures in a row, and nobody is asked any more.
const FAILURES: u32 = 5;
/// Somebody who asks for patience is there, so it takes more of them.
const REFUSALS: u32 = 12;
/// The longest wait that a provider may ask for. Limits by the minute pass within it; those by the day do not.
const LONGEST_WAIT_S: f64 = 120.0;
/// How long a model stays given up, before one question finds out whether it is back.
const ABSENCE: Duration = Duration::from_mins(5);
/// How often one question is asked of a model that asks for patience.
const PATIENCE: u32 = 6;

/// A model that reads files.
#[derive(Clone)]
pub(super) struct Reader {
    client: Client,
    record: Arc<Mutex<Record>>,
}

/// How the last questions went.
#[derive(Debug, Default)]
struct Record {
    failures: u32,
    given_up: Option<(Timestamp, String)>,
}

impl Record {
    /// Why nobody is asked at the moment, if so.
    fn absence(&self, now: Timestamp) -> Option<&str> {
        let (since, why) = self.given_up.as_ref()?;
        (now.since(*since) < ABSENCE).then_some(why)
    }

    fn answered(&mut self) {
        *self = Self::default();
    }

    /// Takes a failure in, and gives what the asker is to know: that it is not worth another try, when it is not.
    fn failed(&mut self, mut error: TaskError, now: Timestamp) -> TaskError {
        let most = match error.class {
            ErrorClass::Retryable => FAILURES,
            ErrorClass::RateLimited => REFUSALS,
            _ => return error,
        };
        self.failures += 1;
        let wait_s = error.retry_after_s.unwrap_or_default();
        if wait_s > LONGEST_WAIT_S {
            error.message = format!(
                "{}; it asks for {wait_s:.0} s of patience, which is too long",
                error.message
            );
        } else if self.failures < most {
            return error;
        }
        self.given_up = Some((now, error.message.clone()));
        TaskError::terminal(error.message)
    }
}

impl Reader {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            record: Arc::default(),
        }
    }

    /// The model's name.
    pub(super) fn model(&self) -> &str {
        self.client.model()
    }

    /// Asks the model, unless it was given up a short while ago.
    pub(super) async fn ask(&self, ctx: &TaskContext, input: &LlmInput) -> Result<LlmOutput, TaskError> {
        if let Some(why) = self.record().absence(SystemClock.now()) {
            return Err(TaskError::terminal(why));
        }
        let answer = llm::ask(ctx, &self.client, input).await;
        let mut record = self.record();
        match answer {
            Ok(output) => {
                record.answered();
                Ok(output)
            }
            Err(error) => Err(record.failed(error, SystemClock.now())),
        }
    }

    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a question is worth another attempt of its task. The last one does without the model.
pub(super) fn is_worth_another_try(ctx: &TaskContext, error: &TaskError) -> bool {
    match error.class {
        ErrorClass::Retryable => ctx.attempt() < 2,
        ErrorClass::RateLimited => ctx.attempt() < PATIENCE,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn busy(wait_s: f64) -> TaskError {
        let mut error = TaskError::new(ErrorClass::RateLimited, "busy");
        error.retry_after_s = Some(wait_s);
        error
    }

    #[test]
    fn a_model_that_went_away_is_given_up_and_asked_again_later() {
        let mut record = Record::default();
        for _ in 1..FAILURES {
            assert_eq!(
                record.failed(TaskError::retryable("gone"), at(0)).class,
                ErrorClass::Retryable
            );
            assert_eq!(record.absence(at(0)), None);
        }
        assert_eq!(
            record.failed(TaskError::retryable("gone"), at(0)).class,
            ErrorClass::Terminal
        );
        assert_eq!(record.absence(at(299)), Some("gone"));
        assert_eq!(record.absence(at(300)), None);
        // Still away: one more question was enough to know.
        assert_eq!(
            record.failed(TaskError::retryable("gone"), at(301)).class,
            ErrorClass::Terminal
        );
        assert_eq!(record.absence(at(302)), Some("gone"));
        record.answered();
        assert_eq!((record.absence(at(302)), record.failures), (None, 0));
    }

    #[test]
    fn patience_has_an_end() {
        let mut record = Record::default();
        for _ in 1..REFUSALS {
            assert_eq!(record.failed(busy(60.0), at(0)).class, ErrorClass::RateLimited);
        }
        assert_eq!(record.failed(busy(60.0), at(0)).class, ErrorClass::Terminal);
        let mut record = Record::default();
        let error = record.failed(busy(3600.0), at(0));
        assert_eq!((error.class, error.retry_after_s), (ErrorClass::Terminal, None));
        assert!(error.message.contains("3600 s"), "{}", error.message);
    }

    #[test]
    fn what_is_wrong_with_one_question_is_no_absence() {
        let mut record = Record::default();
        for _ in 0..50 {
            record.failed(TaskError::terminal("too long"), at(0));
        }
        assert_eq!(record.absence(at(0)), None);
    }
}
