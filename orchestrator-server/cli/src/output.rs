//! The one place that writes to the terminal: results on standard output, everything else on standard error.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "the one place that may")]

use std::{
    io::{self, IsTerminal, Write},
    panic::PanicHookInfo,
};

use serde::Serialize;

use crate::exit::Failure;

/// Where results and remarks go.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
    colours: bool,
}

impl Output {
    /// Results for machines with `json`, for people without.
    pub fn new(json: bool) -> Self {
        let colours = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) && io::stderr().is_terminal();
        Self { json, colours }
    }

    /// Whether results are for machines.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Whether standard error may be coloured.
    pub fn colours(self) -> bool {
        self.colours
    }

    /// Whether a live view can be drawn on standard error.
    pub fn is_live(self) -> bool {
        io::stderr().is_terminal() && std::env::var("TERM").is_ok_and(|term| term != "dumb")
    }

    /// A result for people. A reader that has gone away is no error.
    pub fn text(self, text: &str) {
        let _ = writeln!(io::stdout(), "{text}");
    }

    /// A result for machines, on one line.
    pub fn json(self, value: &impl Serialize) {
        let text = serde_json::to_string(value).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"));
        let _ = writeln!(io::stdout(), "{text}");
    }

    /// A result: `value` for machines, `text` for people.
    pub fn result(self, value: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            self.json(value);
        } else {
            self.text(&text());
        }
    }

    /// A remark.
    pub fn remark(self, text: &str) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Why the program could not do what was asked.
    pub fn failure(self, failure: &Failure) {
        let (red, end) = if self.colours {
            ("\u{1b}[31m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        let _ = writeln!(io::stderr(), "{red}error:{end} {}", failure.message);
    }
}

/// One line for a defect of ours instead of a backtrace.
pub fn report_panic(info: &PanicHookInfo<'_>) {
    let message = info
        .payload()
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| info.payload().downcast_ref::<String>().cloned())
        .unwrap_or_default();
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    // A reader of ours that closed its pipe is no defect.
    if !message.contains("Broken pipe") {
        eprintln!("a defect of the orchestrator at {place}: {message}; please report it with this line");
    }
}

/// Sends the program's own log to standard error, at the level asked for (`ORCHESTRATOR_LOG`); warnings by default.
pub fn start_logging(level: Option<&str>) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(level.unwrap_or("error"))
        .map_err(|e| Failure::usage(format!("--log: {e}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false)
        .init();
    Ok(())
}
