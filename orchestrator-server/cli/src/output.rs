//! The one place that writes to the terminal: results on standard output, everything else on standard error.

use std::{
    io::{self, IsTerminal, Write},
    panic::PanicHookInfo,
    sync::OnceLock,
};

use serde::Serialize;

use crate::{
    args::{Common, Progress},
    exit::{Exit, Failure},
    view::words,
};

/// Why standard output did not take a result, if it did not.
static TROUBLE: OnceLock<String> = OnceLock::new();

/// Where results and remarks go.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
    colours: bool,
    progress: Progress,
    ascii: bool,
}

#[expect(clippy::unused_self, reason = "only who holds it writes")]
impl Output {
    /// As the command line and the environment say.
    pub fn new(common: &Common) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let is_smart = std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let progress = match common.progress {
            Progress::Auto if is_terminal && is_smart => Progress::Live,
            Progress::Auto => Progress::Plain,
            told => told,
        };
        Self {
            json: common.json,
            colours: is_terminal && is_smart && !no_colour,
            progress,
            ascii: !speaks_utf8(|name| std::env::var(name).ok()),
        }
    }

    /// Whether results are for machines.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Whether standard error may be coloured.
    pub fn colours(self) -> bool {
        self.colours
    }

    /// Whether only ASCII can be shown.
    pub fn ascii(self) -> bool {
        self.ascii
    }

    /// How progress is shown; never [`Progress::Auto`].
    pub fn progress(self) -> Progress {
        self.progress
    }

    /// A result for people.
    pub fn text(self, text: &str) {
        if io::stdout().is_terminal() {
            print(&text.lines().map(words::clean).collect::<Vec<_>>().join("\n"));
        } else {
            print(text);
        }
    }

    /// A result for machines, on one line.
    pub fn json(self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => print(&text),
            Err(error) => drop(TROUBLE.set(format!("the result cannot be written as JSON: {error}"))),
        }
    }

    /// A result: `value` for machines, `text` for people.
    pub fn result(self, value: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            self.json(value);
        } else {
            self.text(&text());
        }
    }

    /// A line that an agent wrote: as it is for programs, without what a terminal would obey for people.
    pub fn line(self, text: &str) {
        if io::stdout().is_terminal() {
            print(&words::clean(text));
        } else {
            print(text);
        }
    }

    /// A remark. Nobody is told when it cannot be made: there is no other place to say so.
    pub fn remark(self, text: &str) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Why the program could not do what was asked, on one line.
    pub fn failure(self, failure: &Failure) {
        say_failure(&failure.message, self.colours);
    }

    /// What becomes of an exit status when the result could not be written.
    pub fn complain(self, exit: Exit) -> Exit {
        let flushed = io::stdout().flush();
        if let Err(error) = flushed.or_else(forgive) {
            let _ = TROUBLE.set(error.to_string());
        }
        let Some(trouble) = TROUBLE.get() else { return exit };
        say_failure(&format!("the result could not be written: {trouble}"), self.colours);
        Exit::Unavailable
    }
}

/// Says an error on one line.
pub fn say_failure(message: &str, colours: bool) {
    let (red, end) = if colours { ("\u{1b}[31m", "\u{1b}[0m") } else { ("", "") };
    let message = words::one_line(message);
    let _ = writeln!(io::stderr(), "{red}error:{end} {message}");
}

fn print(text: &str) {
    if let Err(error) = writeln!(io::stdout(), "{text}").or_else(forgive) {
        let _ = TROUBLE.set(error.to_string());
    }
}

/// A reader that has seen enough and closed its pipe is no error.
fn forgive(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(error)
}

/// Whether the locale says that the terminal understands UTF-8: the first variable that is set decides.
fn speaks_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// One line for a defect of ours instead of a backtrace.
pub fn report_panic(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(
        io::stderr(),
        "error: a defect of orchestrator {} at {place}: {}; what was finished is kept. Please report it with this line",
        env!("CARGO_PKG_VERSION"),
        words::one_line(message.unwrap_or("no message"))
    );
}

/// Sends the program's own log to standard error.
pub fn start_logging(level: &str, colours: bool) -> Result<(), Failure> {
    // What it finds wrong with a certificate is in our own line about the server, once and not at every try.
    let filter = tracing_subscriber::EnvFilter::try_new(format!("rustls_platform_verifier=off,{level}"))
        .map_err(|e| Failure::usage(format!("--log: `{level}` is not a level: {e}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false)
        .with_ansi(colours)
        .init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides_what_can_be_shown() {
        for (set, expected) in [
            (&[][..], false),
            (&[("LANG", "en_US.UTF-8")], true),
            (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")], false),
            (&[("LANG", "C"), ("LC_CTYPE", "de_DE.utf8")], true),
            (&[("LANG", "C.UTF-8"), ("LC_ALL", "")], true),
        ] {
            let look = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
            assert_eq!(speaks_utf8(look), expected, "{set:?}");
        }
    }
}
