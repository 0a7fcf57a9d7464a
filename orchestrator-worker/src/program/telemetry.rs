//! What the program says about itself, and the traces of what it runs.

use std::io::IsTerminal;

use orchestrator_trace::{Exporting, Traces};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use super::{Args, Failure, args::LogFormat};

/// Sets up the log of the process, on stderr, and its traces. Must be called within a Tokio runtime; what is returned sends
/// the last traces when it is finished.
pub(super) fn init(args: &Args) -> Result<Option<Exporting>, Failure> {
    let filter =
        EnvFilter::try_new(&args.log).map_err(|error| Failure::usage(format!("--log {}: {error}", args.log)))?;
    let sent = args
        .otlp
        .as_deref()
        .map(|url| Traces::start(url, "orchestrator-worker"));
    let sent = sent.transpose().map_err(|error| Failure::usage(error.to_string()))?;
    let (traces, exporting) = sent.unzip();
    let log = match args.log_format {
        LogFormat::Text => {
            let layer = fmt::layer().with_writer(std::io::stderr);
            layer.with_ansi(colours()).boxed()
        }
        LogFormat::Json => {
            let layer = fmt::layer().with_writer(std::io::stderr);
            layer.json().flatten_event(true).with_span_list(false).boxed()
        }
    };
    let registry = tracing_subscriber::registry()
        .with(log.with_filter(filter))
        .with(traces.as_ref().map(Traces::layer));
    // A program that embeds this one may log already.
    let _ = registry.try_init();
    Ok(exporting)
}

/// Colours are for terminals: in a file or a journal they are noise that no search expects.
fn colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
}
