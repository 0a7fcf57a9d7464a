//! What the program says about itself, and the traces of what it runs.

use orchestrator_trace::{Exporting, LogStyle, Traces};
use tracing_subscriber::EnvFilter;

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
    let style = match args.log_format {
        LogFormat::Text => LogStyle::Text,
        LogFormat::Json => LogStyle::Json,
    };
    orchestrator_trace::install(style, filter, traces.as_ref());
    Ok(exporting)
}
