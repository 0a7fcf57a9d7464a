//! The log of a process, and who else hears what is said in it.

use std::io::IsTerminal;

use tracing::{Metadata, Subscriber, subscriber::Interest};
use tracing_subscriber::{EnvFilter, Layer, fmt, prelude::*};

use crate::Traces;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStyle {
    /// Lines for people.
    Text,
    /// Objects for programs, a line each.
    Json,
}

/// Sets up the log of the process, on stderr, and its traces where they are sent. Says whether it did: a program that
/// embeds this one may log already.
pub fn install(style: LogStyle, filter: EnvFilter, traces: Option<&Traces>) -> bool {
    let layer = fmt::layer().with_writer(std::io::stderr);
    let log = match style {
        LogStyle::Text => layer.with_ansi(colours()).boxed(),
        LogStyle::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
    };
    tracing_subscriber::registry()
        .with(log.with_filter(filter))
        .with(traces.map(Traces::layer))
        .with(AskAnew)
        .try_init()
        .is_ok()
}

/// Colours are for terminals: in a file or a journal they are noise that no search expects.
fn colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
}

/// Has filters asked each time. A place in the code that every filter wants is else asked about once, and then takes the
/// answers that were given last on its thread, which may have been about something else: whoever only asks whether a line
/// would be logged, as SQLx does after each statement, would make the next span unseen.
struct AskAnew;

impl<S: Subscriber> Layer<S> for AskAnew {
    fn register_callsite(&self, _metadata: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tracing::{Callsite as _, Id, Level, span::Attributes};
    use tracing_subscriber::{filter::filter_fn, layer::Context};

    use super::*;

    /// Counts the spans that it sees.
    #[derive(Clone, Default)]
    struct Counting(Arc<AtomicUsize>);

    impl<S: Subscriber> Layer<S> for Counting {
        fn on_new_span(&self, _attrs: &Attributes<'_>, _id: &Id, _ctx: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_question_keeps_no_span_from_being_seen() {
        let (log, traces) = (Counting::default(), Counting::default());
        let ours = |meta: &Metadata<'_>| meta.target().starts_with("orchestrator") && *meta.level() <= Level::INFO;
        let subscriber = tracing_subscriber::registry()
            .with(log.clone().with_filter(EnvFilter::new("info,sqlx=warn")))
            .with(traces.clone().with_filter(filter_fn(ours)))
            .with(AskAnew);
        let question = tracing::callsite! {
            name: "a statement",
            kind: tracing::metadata::Kind::EVENT,
            target: "sqlx::query",
            level: Level::DEBUG,
            fields:
        };
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..3 {
                // As the driver asks after each statement.
                tracing::dispatcher::get_default(|all| all.enabled(question.metadata()));
                let _span = tracing::info_span!(target: "orchestrator", "request");
            }
        });
        assert_eq!(
            (log.0.load(Ordering::Relaxed), traces.0.load(Ordering::Relaxed)),
            (3, 3)
        );
    }
}
